"""What the system files looked like when they were last seen."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from keysync_shell.config import Config
from keysync_shell.storage import files as storage_files
from keysync_shell.storage import seen
from keysync_shell.storage.files import Signature
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import OperationKind
from tests.building import NOW, add, files, keys, opened, sandbox
from tests.storage.test_records import DONE

LOOK = Signature(1, 2, 3, 4)


def path(root: Path, name: str = "A") -> Path:
    return root / "systems" / f"{name}.csv"


def written_unseen(file: Path, data: bytes) -> None:
    """Write in place and set the time of the last write back, as `touch -r`, `cp -p` and rsync do."""
    before = file.stat()
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)


def settle(root: Path) -> None:
    """Let the clock of the file system move on, so that nothing is read for being young."""
    young = max(file.stat().st_ctime_ns for file in (root / "systems").iterdir())
    while time.time_ns() - young < 2 * storage_files.FINE_CLOCK_NS:
        pass


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose content is looked at."""
    looked: list[str] = []
    digest = storage_files.file_digest

    def noted(file: Path) -> str:
        looked.append(file.name)
        return digest(file)

    monkeypatch.setattr(storage_files, "file_digest", noted)
    return looked


@pytest.mark.parametrize("again", [False, True], ids=["same process", "another process"])
def test_edit_that_sets_the_time_of_the_write_back_is_taken_in(tmp_path: Path, again: bool) -> None:
    made = sandbox(tmp_path, A="K1 K2")
    add(made, "K3", "A")
    settle(tmp_path)
    written_unseen(path(tmp_path), path(tmp_path).read_bytes().replace(b"K2", b"K7"))
    made = opened(tmp_path) if again else made
    add(made, "K4", "A")
    assert keys(made.state)["A"] == ["K1", "K3", "K4", "K7"]
    assert made.newest
    assert [operation.kind for operation in made.every_operation()][-2:] == [OperationKind.EXTERNAL, "add"]


def test_start_after_a_command_reads_no_file(tmp_path: Path, digests: list[str]) -> None:
    made = sandbox(tmp_path, A="K1")
    add(made, "K2")
    settle(tmp_path)
    digests.clear()
    opened(tmp_path).refresh()
    made.refresh()
    assert digests == []


def test_touched_file_is_read_by_one_start_only(tmp_path: Path, digests: list[str]) -> None:
    sandbox(tmp_path, A="K1")
    settle(tmp_path)
    path(tmp_path).chmod(0o600)
    settle(tmp_path)
    digests.clear()
    for _ in range(3):
        opened(tmp_path).refresh()
    assert digests == ["A.csv"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"A": 3}', '{"A": {"sha256": "x"}}', "gone"])
def test_damaged_memory_of_what_was_seen_costs_a_look_only(tmp_path: Path, text: str) -> None:
    made = sandbox(tmp_path, A="K1")
    if text == "gone":
        made.home.seen.unlink()
    else:
        made.home.seen.write_text(text)
    before = files(tmp_path)
    again = opened(tmp_path)
    again.refresh()
    assert (keys(again.state), again.warnings, files(tmp_path)) == ({"A": ["K1"]}, [], before)


def test_what_was_seen_comes_back_for_the_same_content_only(tmp_path: Path) -> None:
    home = Home(tmp_path, Config())
    home.cache.mkdir(parents=True)
    done = replace(DONE, after={"A": "1", "B": "2"}, signatures={"A": LOOK, "B": LOOK})
    seen.remember(home, done)
    later = replace(done, after={"A": "1", "B": "3"}, signatures={})
    assert seen.recalled(home, later).signatures == {"A": LOOK}
    assert seen.recalled(home, replace(later, time=NOW)).after == later.after


def test_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / ".keysync").write_text("a file where the folder should be")
    seen.remember(Home(tmp_path, Config()), replace(DONE, signatures={"A": LOOK}))
