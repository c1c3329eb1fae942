"""Files that other programs write: taken in as operations, or refused as they are."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from keysync_shell.core.model.counts import Counts
from keysync_shell.errors import BadFile, KeySyncError
from keysync_shell.sandbox import Request, Sandbox
from keysync_shell.storage import files as storage_files
from keysync_shell.storage.files import Signature
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.oplog import Wanted
from tests.building import FIVE, add, files, keys, opened, sandbox

UNDO = Request(OperationKind.UNDO, "undo", "test")
ODD = {
    "crlf": b"key,note\r\nK1,a\r\nK2,b\r\n",
    "mark": b"\xef\xbb\xbfkey,note\nK1,a\nK2,b\n",
    "unsorted": b"key,note\nK2,b\nK1,a\n",
    "quoted": b'"key","note"\n"K1","a"\n"K2","b"\n',
    "no end": b"key,note\nK1,a\nK2,b",
    "blank lines": b"\nkey,note\n\nK1,a\n\nK2,b\n\n",
    "everything": b'\xef\xbb\xbfkey,note\r\nK2,"b"\r\n\r\nK1,a',
}


def path(root: Path, name: str = "A") -> Path:
    return root / "systems" / f"{name}.csv"


def folder_of_files(root: Path, data: bytes) -> Path:
    """A folder with a file for each system, which no sandbox has seen."""
    (root / "systems").mkdir()
    for name in FIVE.names:
        path(root, name).write_bytes(data)
    return root


def kinds(made: Sandbox) -> list[str]:
    return [operation.kind for operation in made.operations(Wanted(99))]


# Taken in


def test_outside_edit_becomes_an_operation_with_a_warning(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1 K2", B="K1")
    path(tmp_path).write_bytes(b"key,last_seen_at,system,status\nK2,,A,old\nK3,,A,active\n")
    made.refresh()
    assert made.warnings == ["A.csv changed outside: +1 −1 ~1 rows"]
    assert made.newest
    assert (made.newest.kind, made.newest.counts) == ("external", {"A": Counts(1, 1, 1)})
    assert keys(made.state)["A"] == ["K2", "K3"]


def test_files_of_a_copied_sandbox_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox(tmp_path / "old", A="K1", B="K1").close()
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    for name in FIVE.names:
        os.utime(path(tmp_path / "new", name), (1_000_000_000, 1_000_000_000))  # not written a moment ago
        while not Signature.of(path(tmp_path / "new", name).stat()).settled():
            time.sleep(0.01)  # the time of the status cannot be set back
    read: list[str] = []
    digest = storage_files.file_digest

    def noted(path: Path) -> str:
        read.append(path.name)
        return digest(path)

    monkeypatch.setattr(storage_files, "file_digest", noted)
    made = opened(tmp_path / "new")
    made.refresh()
    assert sorted(read) == [f"{name}.csv" for name in FIVE.names]
    made.refresh()
    assert len(read) == len(FIVE.names)


def test_outside_edit_is_seen_by_whoever_looks_first_and_told_once(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    path(tmp_path).write_bytes(b"key\nK9\n")
    other = opened(tmp_path)
    other.refresh()
    made.refresh()
    assert (len(other.warnings), made.warnings) == (1, [])
    assert made.state == other.state
    assert kinds(made) == ["external", "init"]


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_outside_edit_is_undone_and_done_again_byte_for_byte(tmp_path: Path, data: bytes) -> None:
    made = sandbox(tmp_path, A="K7", B="K7")
    before = files(tmp_path)
    path(tmp_path).write_bytes(data)
    made.undo(UNDO)
    assert files(tmp_path) == before
    made.redo(UNDO)
    assert files(tmp_path) == before | {"A.csv": data}
    assert files(tmp_path)["A.csv"] == data


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_file_as_it_was_found_comes_back_byte_for_byte(tmp_path: Path, data: bytes) -> None:
    made = opened(folder_of_files(tmp_path, data))
    add(made, "K3", "A,B")
    assert files(tmp_path)["A.csv"] == b"key,note\nK1,a\nK2,b\nK3,\n"
    assert files(tmp_path)["C.csv"] == data
    opened(tmp_path).undo(UNDO)
    assert files(tmp_path) == {f"{name}.csv": data for name in FIVE.names}


def test_looking_at_files_leaves_them_as_they_are(tmp_path: Path) -> None:
    made = opened(folder_of_files(tmp_path, ODD["everything"]))
    made.refresh()
    assert files(tmp_path)["A.csv"] == ODD["everything"]
    assert kinds(made) == []
    assert made.begun
    with pytest.raises(KeySyncError, match="nothing to undo"):
        made.undo(UNDO)


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf", b"\r\n"])
def test_same_rows_in_another_form_leave_the_stacks_alone(tmp_path: Path, data: bytes) -> None:
    made = sandbox(tmp_path, A="K1")
    before = files(tmp_path)
    add(made, "K2", "A")
    path(tmp_path).write_bytes(data + path(tmp_path).read_bytes())
    made.refresh()
    assert made.warnings == ["A.csv changed outside: the same rows"]
    assert [step.undid.kind for step in made.undo(UNDO) if step.undid] == ["add"]
    assert files(tmp_path) == before


def test_touched_or_copied_file_is_no_edit(tmp_path: Path) -> None:
    sandbox(tmp_path / "a", A="K1").close()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    path(tmp_path / "b").touch()
    made = opened(tmp_path / "b")
    assert add(made, "K2", "A").committed
    assert (made.warnings, kinds(made)) == ([], ["add", "init"])


def test_several_files_are_one_operation(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1", B="K1")
    before = files(tmp_path)
    for name in "AB":
        path(tmp_path, name).write_bytes(b"key\nK9\n")
    made.undo(UNDO)
    assert files(tmp_path) == before
    assert len(made.warnings) == 2


@pytest.mark.parametrize("damage", ["gone", "torn", "garbage"])
def test_damaged_cache_costs_nothing_but_time(tmp_path: Path, damage: str) -> None:
    sandbox(tmp_path, A="K1", B="K2").close()
    for cached in (tmp_path / ".keysync" / "cache").iterdir():
        cached.unlink() if damage == "gone" else cached.write_bytes(
            cached.read_bytes()[:150] if damage == "torn" else b"?"
        )
    made = opened(tmp_path)
    made.undo(UNDO)
    assert keys(made.state) == {}


# Refused


@pytest.mark.parametrize("again", [False, True], ids=["same process", "another process"])
def test_missing_file_is_an_error_and_no_empty_system(tmp_path: Path, again: bool) -> None:
    made = sandbox(tmp_path, A="K1")
    whole = path(tmp_path).read_bytes()
    path(tmp_path).unlink()
    with pytest.raises(KeySyncError, match=r"A.csv is missing") as error:
        (opened(tmp_path) if again else made).refresh()
    assert error.value.hint
    path(tmp_path).write_bytes(whole)
    made.refresh()
    assert kinds(made) == ["init"]


def test_missing_file_in_a_new_folder_is_an_error(tmp_path: Path) -> None:
    folder_of_files(tmp_path, b"key\nK1\n")
    path(tmp_path, "D").unlink()
    with pytest.raises(KeySyncError, match=r"D.csv is missing"):
        opened(tmp_path).refresh()


@pytest.mark.parametrize("again", [False, True], ids=["same process", "another process"])
def test_file_that_lost_all_its_rows_is_an_error(tmp_path: Path, again: bool) -> None:
    made = sandbox(tmp_path, A="K1 K2")
    path(tmp_path).write_bytes(b"key,last_seen_at,system,status\n")
    with pytest.raises(KeySyncError, match=r"A.csv lost all its 2 rows outside of KeySync") as error:
        (opened(tmp_path) if again else made).refresh()
    assert error.value.hint


def test_empty_system_may_stay_empty(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    path(tmp_path, "B").write_bytes(b"key,note\n")
    made.refresh()
    assert made.state.tables["B"].columns == ["key", "note"]


@pytest.mark.parametrize("attempt", [Sandbox.refresh, lambda made: add(made, "K2"), lambda made: made.undo(UNDO)])
def test_malformed_file_stops_everything_and_is_not_touched(tmp_path: Path, attempt: object) -> None:
    made = sandbox(tmp_path, A="K1")
    path(tmp_path).write_bytes(b"key,note\nK1\n")
    assert callable(attempt)
    with pytest.raises(BadFile) as error:
        attempt(made)
    assert error.value.findings == [f"{path(tmp_path)}:2: 1 field, but the header has 2"]
    assert path(tmp_path).read_bytes() == b"key,note\nK1\n"
    assert keys(made.state) == {"A": ["K1"]}


def test_link_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    path(tmp_path).rename(tmp_path / "elsewhere")
    path(tmp_path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeySyncError, match=r"A.csv is not a regular file"):
        made.refresh()


def test_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text("[limits]\nfile_bytes = 100\n")
    made = sandbox(tmp_path, A="K1")
    path(tmp_path).write_bytes(b"key\n" + b"K1\n" * 99)
    with pytest.raises(KeySyncError, match=r"A.csv in bytes: 301 is over the limit of 100"):
        made.refresh()


def test_system_that_the_sandbox_never_had_is_an_error(tmp_path: Path) -> None:
    sandbox(tmp_path, A="K1").close()
    (tmp_path / "keysync.toml").write_text('[systems]\nnames = ["A", "B", "F"]\n')
    with pytest.raises(KeySyncError, match=r"the systems are A, B, F, but this sandbox was made with A, B, C") as error:
        opened(tmp_path).refresh()
    assert error.value.hint


def test_system_that_was_dropped_does_not_break_undo(tmp_path: Path) -> None:
    add(sandbox(tmp_path, A="K1"), "K2")
    (tmp_path / "keysync.toml").write_text('[systems]\nnames = ["A", "B", "C", "D"]\n')
    made = opened(tmp_path)
    try:
        made.undo(UNDO)
    except KeySyncError:  # to refuse is fine, too
        return
    assert keys(made.state) == {"A": ["K1"]}


def test_file_that_lost_all_its_rows_is_an_error_without_a_cache_too(tmp_path: Path) -> None:
    sandbox(tmp_path, A="K1 K2").close()
    shutil.rmtree(tmp_path / ".keysync" / "cache")
    path(tmp_path).write_bytes(b"key,last_seen_at,system,status\n")
    with pytest.raises(KeySyncError, match="lost all"):
        opened(tmp_path).refresh()
