"""Damaged snapshots and archives of strangers: refused before anything is written, or read as they were."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random

import pytest

from tests.building import add, sandbox
from tests.crash.archive import HOSTILE, members
from tests.crash.oneshot import Said, command
from tests.crash.report import tally

PARTS = ("A.csv", "B.csv", "C.csv", "D.csv", "E.csv", "manifest.json")
CHUNKS = range(5)


@pytest.fixture
def home(quick: Path) -> Path:
    """A sandbox that has moved on since the snapshot `base`, which is also in `base.zip` beside it."""
    root = quick / "home"
    made = sandbox(root, A="K1 K2 CUST-1 CUST_2", B="K1 K2", C="K1 é", D="K3")
    assert command(root, "save-state", "base", "--note", "as it was").status == 0
    assert command(root, "export-state", "base", str(quick / "base.zip")).status == 0
    add(made, "LATER")
    made.close()
    return root


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_before_anything_is_written(home: Path, kind: str) -> None:
    archive = home.parent / "given.zip"
    archive.write_bytes(HOSTILE[kind](members((home.parent / "base.zip").read_bytes())))
    before = _tree(home.parent)
    said = command(home, "import-state", str(archive))
    _refused(said)
    assert any(name in said.err for name in ("given.zip", "snapshot", "base/A.csv:"))
    assert _tree(home.parent) == before
    assert not Path("/tmp/EVIL.csv").exists()
    tally("hostile archives", 1, "refused, nothing written in or outside of the folder")


@pytest.mark.parametrize("kind", ["FIFO", "folder", "link", "device"])
def test_an_archive_that_is_no_file_is_refused(home: Path, kind: str) -> None:
    archive = home.parent / "given.zip"
    match kind:
        case "FIFO":
            os.mkfifo(archive)
        case "folder":
            archive.mkdir()
        case "link":
            archive.symlink_to(home.parent / "base.zip")
        case _:
            archive = Path("/dev/zero")
    _refused(command(home, "import-state", str(archive)))
    tally("hostile archives", 1, "refused, nothing written in or outside of the folder")


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_flipped_byte_in_an_archive_is_noticed_or_means_nothing(home: Path, chunk: int) -> None:
    good = (home.parent / "base.zip").read_bytes()
    dice = Random(chunk)
    for _ in range(20):
        at, bit = dice.randrange(len(good)), 1 << dice.randrange(8)
        _imported_or_refused(home, good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :], "flipped bytes in archives")


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_flipped_byte_in_a_snapshot_is_noticed_or_means_nothing(home: Path, chunk: int) -> None:
    dice = Random(chunk)
    for turn in range(20):
        path = home / "snapshots" / "base" / (PARTS[turn % 5] if turn % 2 else "manifest.json")
        good = path.read_bytes()
        at, bit = dice.randrange(len(good)), 1 << dice.randrange(8)
        path.write_bytes(good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :])
        _loaded_or_refused(home, "flipped bytes in snapshots", accepted=_says_the_same(path.read_bytes(), good))
        path.write_bytes(good)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_truncated_archive_or_snapshot_is_refused(home: Path, chunk: int) -> None:
    dice = Random(chunk)
    archive = (home.parent / "base.zip").read_bytes()
    for _ in range(5):
        _imported_or_refused(home, archive[: dice.randrange(len(archive))], "truncated archives", accepted=False)
    for part in dice.sample(PARTS, 5):
        path = home / "snapshots" / "base" / part
        good = path.read_bytes()
        path.write_bytes(good[: dice.randrange(len(good) - 1)])  # the last line end of the manifest means nothing
        _loaded_or_refused(home, "truncated snapshots", accepted=False)
        path.write_bytes(good)


@pytest.mark.parametrize("kind", ["missing", "folder", "link", "FIFO"])
@pytest.mark.parametrize("part", PARTS)
def test_a_snapshot_with_something_else_for_a_file_is_refused(home: Path, part: str, kind: str) -> None:
    path = home / "snapshots" / "base" / part
    good = path.read_bytes()
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "link":
            (home.parent / "elsewhere").write_bytes(good)
            path.symlink_to(home.parent / "elsewhere")
        case "FIFO":
            os.mkfifo(path)
    _loaded_or_refused(home, "snapshots with a part that is no file", accepted=False)


def _imported_or_refused(home: Path, data: bytes, part: str, *, accepted: bool = True) -> None:
    archive = home.parent / "given.zip"
    archive.write_bytes(data)
    before = _tree(home)
    said = command(home, "import-state", str(archive), "--as", "theirs")
    if said.status == 0:
        assert accepted
        kept, theirs = home / "snapshots" / "base", home / "snapshots" / "theirs"
        assert {name: (theirs / name).read_bytes() for name in PARTS[:5]} == {
            name: (kept / name).read_bytes() for name in PARTS[:5]
        }
        assert '"note": "as it was"' in (theirs / "manifest.json").read_text()
        shutil.rmtree(theirs)
        tally(part, 1, "without a meaning, content identical")
    else:
        _refused(said)
        tally(part, 1, "refused")
    assert _tree(home) == before


def _loaded_or_refused(home: Path, part: str, *, accepted: bool = True) -> None:
    before = _tree(home)
    said = command(home, "load-state", "base", "--yes")
    if said.status == 0:
        assert accepted
        for system in "ABCDE":
            saved = (home / "snapshots" / "base" / f"{system}.csv").read_bytes()
            assert (home / "systems" / f"{system}.csv").read_bytes() == saved
        assert command(home, "undo").status == 0
        tally(part, 1, "without a meaning, content identical")
    else:
        _refused(said)
        assert "base" in said.err
        tally(part, 1, "refused")
    assert _tree(home) == before
    assert not command(home, "states").crashed


def _says_the_same(manifest: bytes, good: bytes) -> bool:
    """Whether only its layout was changed."""
    try:
        return bool(json.loads(manifest) == json.loads(good))
    except ValueError:
        return False


def _refused(said: Said) -> None:
    assert said.status == 2, said
    assert not said.crashed, said.err
    assert "error: " in said.err
    assert "hint: " in said.err


def _tree(folder: Path) -> dict[str, bytes | str]:
    """Everything below a folder but what the program keeps for itself."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        if ".keysync" not in path.parts:
            found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else str(path.lstat().st_mode)
    return found
