"""Other programs write A.csv while four writers are at work: nothing of either is lost."""

from __future__ import annotations

import csv
import io
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Sandbox
from keysync_shell.storage import files
from keysync_shell.storage.home import Home
from tests.building import NOW, add, keys, opened, sandbox
from tests.crash.report import tried
from tests.crash.writer import Writer, stop

LINE_ENDS = (b"\n", b"\r\n")


@dataclass
class Editor:
    """A program that knows no locks: it reads the file, adds a row at its end, and writes it by `write`."""

    path: Path
    write: Callable[[Path, bytes], None]
    keys: list[str] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)

    def edit(self) -> None:
        key = f"edit-{len(self.keys)}"
        end = LINE_ENDS[len(self.keys) % 2]
        content = self.path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", end)
        content += f"{key},{NOW},A,active".encode() + end
        self.keys.append(key)
        self.digests.add(files.digest(content))
        self.write(self.path, content)


def by_rename(path: Path, content: bytes) -> None:
    temporary = path.with_name("A.csv.edited")
    temporary.write_bytes(content)
    temporary.rename(path)


def in_place(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def in_place_slowly(path: Path, content: bytes) -> None:
    """Stop at the end of a line, where a half is a valid file of its own."""
    half = content.index(b"\n", len(content) // 2) + 1
    with path.open("wb", buffering=0) as file:
        for part in (content[:half], content[half:]):
            time.sleep(0.01)
            file.write(part)


def over_itself(path: Path, content: bytes) -> None:
    """Without truncating first, row by row: the file is always as long as it was, but old and new rows are mixed."""
    with path.open("r+b", buffering=0) as file:
        for line in content.splitlines(keepends=True):
            file.write(line)
        file.truncate()


WAYS = (by_rename, in_place, in_place_slowly, over_itself)


@pytest.mark.parametrize("edits", [12, pytest.param(100, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("write", WAYS, ids=lambda way: way.__name__)
def test_neither_an_editor_nor_a_writer_loses_anything(
    quick: Path, write: Callable[[Path, bytes], None], edits: int
) -> None:
    root = quick / "home"
    made = sandbox(root, A="K1 K2 K3")
    made.close()
    writers = [Writer(root, f"w{i}", 1_000_000) for i in range(4)]
    editor = Editor(made.home.system_file("A"), write)
    _wait_for(writers)
    dice = random.Random(5)
    for _ in range(edits):
        editor.edit()
        time.sleep(dice.uniform(0.005, 0.1))
    stop(root)
    assert [writer.finish() for writer in writers] == [""] * 4

    after = opened(root)
    after.refresh()
    history = _History(after)
    held = set(keys(after.state)["A"])
    said = "\n".join(line for writer in writers for line in writer.said()) + "\n".join(after.warnings)
    kept = _kept(after.home)
    acknowledged = {key for writer in writers for key in writer.acknowledged()}
    by_outsiders = [operation for operation in history.operations if operation.kind == "external"]
    assert {operation.after["A"] for operation in by_outsiders} <= editor.digests
    assert all(path.name in said for path in kept)
    for key in editor.keys:
        assert history.added.get(key) == "external" or any(key in version for version in kept.values())
        assert key in held or history.removed.get(key) == "external" or key not in history.added
    for key in acknowledged:
        assert history.added[key] == "add"
        assert key in held or history.removed[key] == "external"
    merged = sum(key in history.added for key in editor.keys)
    tried(
        "outside editors",
        f"{write.__name__}: {edits} edits against 4 writers with {len(acknowledged)} commands: {merged} merged by "
        f"{len(by_outsiders)} operations, {edits - merged} kept aside and named, 0 lost",
    )


def test_a_file_that_is_being_written_is_waited_for(quick: Path) -> None:
    made = sandbox(quick, A="K1 K2")
    editor = threading.Thread(target=in_place_slowly, args=(made.home.system_file("A"), b"key\nK1\nK4\nK5\n"))
    editor.start()
    add(made, "K3", "B")
    editor.join()
    made.refresh()
    kept = list(_kept(made.home).values())
    assert made.state.keys("A").to_list() == ["K1", "K4", "K5"] or kept == [{"key", "K1", "K4", "K5"}]


def test_a_file_that_never_gets_finished_is_not_taken(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PATIENCE_SECONDS", 0.1)
    made = sandbox(quick, A="K1 K2")
    path = made.home.system_file("A")
    with path.open("wb", buffering=0) as file:
        if files.has_writer(path) is None:
            pytest.skip("this file system cannot tell who has a file open")
        file.write(b"key\nK1\n")
        with pytest.raises(KeySyncError, match=r"A\.csv is being written by another program"):
            add(made, "K3", "B")
        file.write(b"K2\nK4\n")
    add(made, "K3", "B")
    assert made.state.keys("A").to_list() == ["K1", "K2", "K4"]


def test_a_file_that_is_only_held_open_is_taken(quick: Path) -> None:
    made = sandbox(quick, A="K1 K2")
    path = made.home.system_file("A")
    with path.open("wb", buffering=0) as file:
        file.write(b"key\nK1\n")
        os.utime(path, (1_700_000_000, 1_700_000_000))
        add(made, "K3", "B")
    assert made.state.keys("A").to_list() == ["K1"]


def test_what_goes_into_a_replaced_file_is_kept_aside(quick: Path) -> None:
    """A program has opened the file and taken its time; meanwhile a command put another in its place."""
    made = sandbox(quick, A="K1 K2")
    path = made.home.system_file("A")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with path.open("r+b", buffering=0) as file:
        if files.has_writer(path) is None:
            pytest.skip("this file system cannot tell who has a file open")
        [kept] = add(made, "K3", "A").kept
        file.write(b"key\nK4\n")
        file.truncate()
    made.refresh()
    assert made.state.keys("A").to_list() == ["K1", "K2", "K3"]
    assert _kept(made.home) == {kept: {"key", "K4"}}


def _wait_for(writers: list[Writer]) -> None:
    while not all(writer.acknowledged() for writer in writers):
        assert all(writer.running() for writer in writers)
        time.sleep(0.01)


class _History:
    """What the log says of A: for each key the kind of the last operation that added it, and that removed it."""

    def __init__(self, after: Sandbox) -> None:
        self.operations = after.every_operation()
        self.added: dict[str, str] = {}
        self.removed: dict[str, str] = {}
        for operation in self.operations:
            _, change = after.change(operation.number)
            part = change.parts.get("A")
            if part is not None:
                self.added |= dict.fromkeys(part.added, operation.kind)
                self.removed |= dict.fromkeys(part.removed, operation.kind)


def _kept(home: Home) -> dict[Path, set[str]]:
    """The versions that were set aside, with their keys."""
    paths = home.systems.glob("A.csv.external-*")
    return {path: set(_keys(path.read_text())) for path in paths}


def _keys(text: str) -> Iterator[str]:
    yield from (row[0] for row in csv.reader(io.StringIO(text)) if row)
