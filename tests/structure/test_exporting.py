"""Exported programs: traced once by all processes that share a folder, and never out of date."""

import jax
import numpy as np
import pytest

from bayescale._internal import exporting
from bayescale._internal.exporting import reused
from bayescale.laws import Chinchilla

SHAPES = (jax.ShapeDtypeStruct((3,), np.float32),)


class Doubled:
    """A program that counts how often it is traced."""

    def __init__(self):
        self.traced = 0

    def __call__(self, x):
        self.traced += 1
        return {"doubled": 2 * x}


@pytest.fixture
def doubled():
    return Doubled()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    pytest.importorskip("flatbuffers")
    monkeypatch.setenv(exporting.FOLDER, str(tmp_path / "exported"))
    return tmp_path / "exported"


def run(program):
    return np.asarray(jax.jit(program)(np.ones(3, np.float32))["doubled"]).tolist()


def test_a_program_that_was_traced_before_is_not_traced_again(folder, doubled):
    assert run(reused(doubled, Chinchilla(), SHAPES)) == [2.0, 2.0, 2.0]
    assert run(reused(doubled, Chinchilla(), SHAPES)) == [2.0, 2.0, 2.0]
    assert doubled.traced == 1


def test_another_option_or_shape_or_text_of_the_package_is_another_program(
    folder, doubled, monkeypatch
):
    reused(doubled, Chinchilla(), SHAPES)
    reused(doubled, Chinchilla(tied=True), SHAPES)
    reused(doubled, Chinchilla(), (jax.ShapeDtypeStruct((4,), np.float32),))
    monkeypatch.setattr(exporting, "_text_of_package", lambda: "changed")
    reused(doubled, Chinchilla(), SHAPES)
    assert len(list(folder.iterdir())) == 4


def test_a_program_of_a_class_outside_the_package_is_not_kept(folder, doubled):
    assert reused(doubled, (Chinchilla(), Doubled()), SHAPES) is doubled
    assert not folder.exists()


def test_a_damaged_file_is_written_anew(folder, doubled):
    reused(doubled, Chinchilla(), SHAPES)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert run(reused(doubled, Chinchilla(), SHAPES)) == [2.0, 2.0, 2.0]
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_to_is_done_without(folder, doubled):
    folder.write_text("a file")
    assert run(reused(doubled, Chinchilla(), SHAPES)) == [2.0, 2.0, 2.0]


def test_nothing_is_kept_for_a_device_that_is_not_the_default(folder, doubled, monkeypatch):
    monkeypatch.setattr(exporting, "target_platform", lambda: "another")
    assert reused(doubled, Chinchilla(), SHAPES) is doubled


def test_nothing_is_kept_where_no_folder_is_named(doubled, monkeypatch):
    monkeypatch.delenv(exporting.FOLDER, raising=False)
    assert reused(doubled, Chinchilla(), SHAPES) is doubled
