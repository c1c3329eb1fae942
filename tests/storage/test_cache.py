from __future__ import annotations

from pathlib import Path

import pytest

from keysync_shell.storage import cache
from tests.building import rows

SHA = "0" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cache.save(tmp_path / "cache", "A", rows("K1 K2"), SHA, 42)
    return tmp_path / "cache"


def test_cached_table_comes_back_with_its_stamp(folder: Path) -> None:
    assert cache.stamp(folder, "A") == (SHA, 42)
    loaded = cache.load(folder, "A")
    assert loaded is not None
    assert loaded.equals(rows("K1 K2"))


def test_what_is_not_cached_is_none(folder: Path) -> None:
    assert cache.stamp(folder, "B") is None
    assert cache.load(folder, "B") is None


def test_saving_replaces_and_leaves_nothing_else(folder: Path) -> None:
    cache.save(folder, "A", rows("K3"), SHA, 43)
    assert cache.stamp(folder, "A") == (SHA, 43)
    assert [path.name for path in folder.iterdir()] == ["A.arrow"]


@pytest.mark.parametrize("keep", [0, 1, 16, 40, 101, 300, -1])
def test_torn_file_is_no_cache(folder: Path, keep: int) -> None:
    path = folder / "A.arrow"
    path.write_bytes(path.read_bytes()[:keep])
    assert cache.load(folder, "A") is None


@pytest.mark.parametrize("at", [0, 20, 85, 95, 150, -1])
def test_one_wrong_byte_is_noticed(folder: Path, at: int) -> None:
    path = folder / "A.arrow"
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    loaded, stamp = cache.load(folder, "A"), cache.stamp(folder, "A")
    assert loaded is None or stamp is None or stamp != (SHA, 42)


def test_trouble_with_the_cache_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache.save(tmp_path / "cache", "A", rows("K1"), SHA, 1)
    assert cache.load(tmp_path / "cache", "A") is None
