"""Originals come from a folder, the cache or a download, and wrong ones are refused; nothing here
goes beyond this machine.
"""

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bayescale import datasets
from bayescale.datasets.originals import cached, locate
from bayescale.errors import InputError

CONTENT = b"params,loss\n1e8,3.2\n"
TRUNCATED = CONTENT[:-5]
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def descriptor_of(address: str) -> datasets.Descriptor:
    original = datasets.Original("runs.csv", address, SHA256)
    return dataclasses.replace(
        datasets.describe("dey2023_pile"), name="made_up", originals=(original,)
    )


def put(folder: Path, content: bytes) -> Path:
    path = folder / "made_up" / "runs.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def listing(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class Quiet(SimpleHTTPRequestHandler):
    """Serve a folder; of a file named cut.csv promise more than is sent."""

    def log_message(self, format: str, *values: object) -> None:
        pass

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Content-Length" and self.path.endswith("cut.csv"):
            value = str(len(CONTENT))
        super().send_header(keyword, value)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BAYESCALE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BAYESCALE_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "datasets"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address on this machine under which it is served."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_missing_original_is_downloaded_into_the_cache(cache, site):
    folder, address = site
    put(folder, CONTENT)
    path = locate(descriptor_of(f"{address}/made_up/runs.csv"))["runs.csv"]
    assert path == cache / "made_up" / "runs.csv"
    assert path.read_bytes() == CONTENT


def test_an_original_in_the_cache_is_not_downloaded_again(nowhere):
    path = put(nowhere / "datasets", CONTENT)
    assert locate(descriptor_of("http://127.0.0.1:9/runs.csv"))["runs.csv"] == path


@pytest.mark.parametrize(
    "wrong",
    [TRUNCATED, CONTENT.replace(b"3.2", b"3.3"), b""],
    ids=["truncated", "changed", "empty"],
)
def test_a_download_that_is_not_the_original_is_refused_and_leaves_the_cache_as_it_was(
    cache, site, wrong
):
    folder, address = site
    put(folder, wrong)
    other = put(cache, b"old")
    before = listing(cache)
    with pytest.raises(InputError, match="is not the original, so it was refused"):
        locate(descriptor_of(f"{address}/made_up/runs.csv"))
    assert listing(cache) == before
    assert other.read_bytes() == b"old"


def test_a_spoilt_file_in_the_cache_is_replaced_by_the_original(cache, site):
    folder, address = site
    put(folder, CONTENT)
    put(cache, TRUNCATED)
    assert locate(descriptor_of(f"{address}/made_up/runs.csv"))["runs.csv"].read_bytes() == CONTENT


def test_a_connection_that_breaks_off_is_refused_and_leaves_the_cache_as_it_was(cache, site):
    folder, address = site
    (folder / "cut.csv").write_bytes(TRUNCATED)
    put(cache, b"old")
    before = listing(cache)
    with pytest.raises(InputError, match="cannot be downloaded"):
        locate(descriptor_of(f"{address}/cut.csv"))
    assert listing(cache) == before


def test_an_address_that_is_gone_is_an_input_error(cache, site):
    _, address = site
    with pytest.raises(InputError, match=r"cannot be downloaded \(HTTPError\)"):
        locate(descriptor_of(f"{address}/made_up/runs.csv"))


def test_without_network_or_copy_the_error_gives_address_hash_and_place(nowhere):
    (original,) = datasets.describe("besiroglu2024_chinchilla").originals
    with pytest.raises(InputError) as refusal:
        datasets.load("besiroglu2024_chinchilla")
    message = str(refusal.value)
    assert original.address in message
    assert original.sha256 in message
    assert (
        str(nowhere / "datasets" / "besiroglu2024_chinchilla" / "svg_extracted_data.csv") in message
    )
    assert "BAYESCALE_DATA" in message
    assert "\n" not in message


def test_an_original_saved_where_the_error_says_is_used(nowhere):
    descriptor = descriptor_of("http://127.0.0.1:9/runs.csv")
    with pytest.raises(InputError) as refusal:
        locate(descriptor)
    place = cached("made_up", descriptor.originals[0])
    assert f"save it as {place}," in str(refusal.value)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(CONTENT)
    assert locate(descriptor) == {"runs.csv": place}


def test_the_folder_of_originals_comes_before_the_cache(nowhere, monkeypatch, tmp_path):
    put(nowhere / "datasets", CONTENT)
    path = put(tmp_path / "originals", CONTENT)
    monkeypatch.setenv("BAYESCALE_DATA", str(tmp_path / "originals"))
    assert locate(descriptor_of("http://127.0.0.1:9/runs.csv"))["runs.csv"] == path


def test_an_original_that_the_folder_lacks_comes_from_the_cache(nowhere, monkeypatch, tmp_path):
    path = put(nowhere / "datasets", CONTENT)
    monkeypatch.setenv("BAYESCALE_DATA", str(tmp_path))
    assert locate(descriptor_of("http://127.0.0.1:9/runs.csv"))["runs.csv"] == path


def test_originals_may_lie_in_a_folder_that_is_not_named_as_the_data_set(nowhere):
    path = put(nowhere / "datasets", CONTENT)
    descriptor = dataclasses.replace(
        descriptor_of("http://127.0.0.1:9/runs.csv"), name="made_up_curves", folder="made_up"
    )
    assert locate(descriptor)["runs.csv"] == path


def test_a_wrong_file_in_the_folder_of_originals_is_refused(nowhere, monkeypatch, tmp_path):
    path = put(tmp_path / "originals", TRUNCATED)
    monkeypatch.setenv("BAYESCALE_DATA", str(tmp_path / "originals"))
    with pytest.raises(InputError, match="is not the original") as refusal:
        locate(descriptor_of("http://127.0.0.1:9/runs.csv"))
    message = str(refusal.value)
    assert str(path) in message
    assert SHA256 in message
    assert hashlib.sha256(TRUNCATED).hexdigest() in message
    assert not nowhere.exists()


def test_a_folder_of_originals_that_is_not_there_is_refused(nowhere, monkeypatch, tmp_path):
    monkeypatch.setenv("BAYESCALE_DATA", str(tmp_path / "no_such_folder"))
    with pytest.raises(InputError, match="no_such_folder, which is not a folder"):
        datasets.fetch("besiroglu2024_chinchilla")


def test_a_cache_that_cannot_be_written_is_an_input_error(cache, site, tmp_path):
    folder, address = site
    put(folder, CONTENT)
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    with pytest.raises(InputError, match="cannot be downloaded"):
        locate(descriptor_of(f"{address}/made_up/runs.csv"))


def test_fetch_gives_every_file(originals):
    paths = datasets.fetch("gadre2024")
    assert len(paths) == 209
    assert all(path.is_relative_to(originals / "gadre2024") for path in paths)
