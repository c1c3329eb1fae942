from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keysync_shell.core.model.change import between
from keysync_shell.storage import system_csv
from keysync_shell.storage.files import Signature
from keysync_shell.storage.patching import Content, Mismatch, Patch, patches
from tests.building import grid
from tests.strategies import PURE, tables

ROWS = grid("key note / a 1 / b 2 / c 3")


def patched(data: bytes, made: tuple[Patch, ...], folder: Path) -> bytes:
    (folder / "f").write_bytes(data)
    signature = Signature.of((folder / "f").stat())
    return b"".join(Content(lambda: b"", folder / "f", signature, made).chunks())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("patching")


@PURE
@given(before=tables(), after=tables())
def test_patched_file_is_the_file_of_the_rows_afterwards(
    folder: Path, before: pl.DataFrame, after: pl.DataFrame
) -> None:
    data = system_csv.serialize(before)
    made = patches(before, len(data), between(before, after))
    assume(made is not None)
    assert made is not None
    assert patched(data, made, folder) == system_csv.serialize(after)


@PURE
@given(st.sampled_from(['a,"b', "x\ny", ""]))
def test_file_with_quotes_is_not_patched(key: str) -> None:
    rows = pl.DataFrame({"key": [key], "note": ["1"]})
    data = system_csv.serialize(rows)
    assert patches(rows, len(data), between(rows, ROWS)) is None


def test_file_of_another_size_is_not_patched() -> None:
    data = system_csv.serialize(ROWS)
    assert patches(ROWS, len(data) + 1, between(ROWS, ROWS.head(2))) is None


@pytest.mark.parametrize("data", [b"key,note\na,1\nb,9\nc,3\n", b"key,note\nb,2\na,1\nc,3\n", b"key,note\na,1\n"])
def test_file_that_is_not_the_one_meant_is_noticed(tmp_path: Path, data: bytes) -> None:
    made = patches(ROWS, len(system_csv.serialize(ROWS)), between(ROWS, grid("key note / a 1 / c 3")))
    assert made
    with pytest.raises(Mismatch):
        patched(data, made, tmp_path)


def test_file_that_was_touched_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"key\n")
    with pytest.raises(Mismatch):
        list(Content(lambda: b"", tmp_path / "f", Signature(1, 2, 3), ()).chunks())


def test_size_is_known_beforehand(tmp_path: Path) -> None:
    data = system_csv.serialize(ROWS)
    made = patches(ROWS, len(data), between(ROWS, grid("key note / a 1 / bb 22 / c 3")))
    assert made is not None
    size = Content(lambda: b"", tmp_path, Signature(1, len(data), 3), made).size
    assert size == len(system_csv.serialize(grid("key note / a 1 / bb 22 / c 3")))
    assert Content(lambda: b"abc").size == 3
