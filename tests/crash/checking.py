"""What a sandbox holds, so that it can be compared with what it may hold after a fault."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import re
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.crash.operations import LATER, PROBE, Operation, prepared, words
from tests.crash.program import HOME, Program

TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
KEPT = "displaced"  # what is kept for a while where nobody can tell who has it open
TRANSIENT = ("history.db-wal", "history.db-shm")  # SQLite's own; it takes them away when it can


@dataclass(frozen=True)
class Picture:
    """Every file with a digest of its content (times aside), and the rows of the log."""

    files: Mapping[str, str]
    rows: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True)
class Expected:
    """The folder before an operation, and the pictures that a probe may find after it.

    A picture is named by the commands that were carried out before the probe: "", "op", "later" and "op later".
    """

    operation: Operation
    before: Path
    pictures: Mapping[str, Picture]


def expect(program: Program, operation: Operation, folder: Path, begun: Path) -> Expected:
    """Prepare a folder for the operation, and see in copies what comes of it undisturbed."""
    before = prepared(program, operation, folder / "before", begun)
    pictures = {}
    for done in ("", "op", "later", "op later"):
        copy = copied(before, folder / f"after {done}")
        for command in done.split():
            ended = program.run(copy, words(operation.words if command == "op" else LATER))
            assert ended.status == 0, ended.err
        complaint = probed(program, copy) or inconsistent(copy / HOME)
        assert not complaint, complaint
        pictures[done] = picture(copy / HOME)
        shutil.rmtree(copy)
    return Expected(operation, before, pictures)


def copied(before: Path, to: Path) -> Path:
    shutil.copytree(before, to)
    return to


def probed(program: Program, folder: Path) -> str:
    """Give the next command; a complaint if it does not work."""
    ended = program.run(folder, words(PROBE))
    return "" if ended.status == 0 else f"the next command failed with {ended.status}: {ended.err.strip()}"


def found(program: Program, expected: Expected, folder: Path) -> tuple[str, str]:
    """Which of the expected pictures is there after the next command, or "?" and a complaint."""
    complaint = probed(program, folder)
    if not complaint:
        with contextlib.suppress(StopIteration):
            now = picture(folder / HOME)
            return next(name for name, then in expected.pictures.items() if then == now), inconsistent(folder / HOME)
        complaint = _difference(expected.pictures, now)
    return "?", complaint


def picture(home: Path) -> Picture:
    files = sorted(path for path in home.rglob("*") if path.name not in TRANSIENT and KEPT not in path.parts)
    return Picture({str(path.relative_to(home)): _digest(path) for path in files}, tuple(_rows(home)))


def inconsistent(home: Path) -> str:
    """A complaint unless log and files agree: each row goes on from the one before, the last one is what is there."""
    with contextlib.closing(sqlite3.connect(home / ".keysync" / "history.db")) as database:
        [(answer,)] = database.execute("PRAGMA integrity_check").fetchall()
        chain = database.execute("SELECT number, before, after FROM operations ORDER BY number").fetchall()
    if answer != "ok":
        return f"the database is damaged: {answer}"
    for (number, _, after), (_, before, _) in itertools.pairwise(chain):
        if json.loads(after) != json.loads(before):
            return f"the row after @{number} does not go on from it"
    for name, digest in json.loads(chain[-1][2]).items():
        if digest != hashlib.sha256((home / "systems" / f"{name}.csv").read_bytes()).hexdigest():
            return f"{name}.csv is not what the newest row says"
    return ""


def _rows(home: Path) -> list[tuple[int, str, str]]:
    with contextlib.closing(sqlite3.connect(home / ".keysync" / "history.db")) as database:
        return database.execute("SELECT number, kind, line FROM operations ORDER BY number").fetchall()


def _digest(path: Path) -> str:
    if path.is_dir():
        return "folder"
    if path.parent.name in ("systems", "snapshots") or path.parent.parent.name == "snapshots":
        return hashlib.sha256(_timeless(path.read_bytes())).hexdigest()
    return "file"


def _timeless(data: bytes) -> bytes:
    """The content without times, and without what in a manifest depends on them or on who is asked for a name."""
    return re.sub(rb'"(sha256|checksum|author)": "[^"]+"', b"", TIME.sub(b"T", data))


def _difference(pictures: Mapping[str, Picture], now: Picture) -> str:
    """How what is there differs from the picture that is nearest."""
    unlike = {
        name: [path for path in sorted({*then.files, *now.files}) if then.files.get(path) != now.files.get(path)]
        for name, then in pictures.items()
    }
    nearest = min(pictures, key=lambda name: (pictures[name].rows != now.rows, len(unlike[name])))
    rows = "" if pictures[nearest].rows == now.rows else f"rows {now.rows[-3:]}; "
    kinds = {False: "gone", True: "too much"}
    files = (
        f"{path} {'differs' if path in now.files and path in pictures[nearest].files else kinds[path in now.files]}"
        for path in unlike[nearest]
    )
    return f"unlike {nearest or 'nothing done'!r}: {rows}{', '.join(files)}"
