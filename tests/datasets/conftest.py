"""Originals and normalised tables for the tests that need them; everything else runs offline."""

import os
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture
def originals() -> Path:
    """The folder of originals; a test that needs it is skipped where it is absent."""
    folder = os.environ.get("BAYESCALE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip(
            "needs the public originals: set BAYESCALE_DATA to a folder that holds <name>/<file>"
        )
    return Path(folder)


@pytest.fixture
def normalised(originals: Path):
    """Read the normalised table of a data set, kept beside the folder of originals."""
    folder = originals.parent / "runs"
    if not folder.is_dir():
        pytest.skip(f"needs the normalised tables in {folder}")
    return lambda name: pd.read_csv(folder / f"{name}.csv")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, no folder of originals and no way to the network; returns the cache."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("BAYESCALE_CACHE", str(cache))
    monkeypatch.delenv("BAYESCALE_DATA", raising=False)
    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)

    def unreachable(*args: object, **options: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr("requests.get", unreachable)
    return cache
