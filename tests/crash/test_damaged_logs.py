"""Flipped bits in the history: whoever does not need what is damaged goes on, whoever does is told, and no key is lost.

In the blobs of changes and of runs, one at a time, by SQL; and anywhere in history.db as it lies on the disk.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.building import files
from tests.crash.oneshot import Said, command
from tests.crash.report import tally

BLOBS = (("changes", "before"), ("changes", "after"), ("runs", "findings"), ("runs", "actions"))
LOOKING = (
    "status",
    "log",
    "log show @2",
    "runs",
    "registry",
    "blame K3",
    "plan",
    "compare",
    "report",
    "status --at @2",
)
DOING = ("add-key NEW", "undo", "undo 3 --yes", "restore @1 --yes", "revert @2 --yes", "reconcile", "apply --yes")
CODES = (0, 1, 2)


@pytest.fixture
def home(quick: Path) -> Path:
    """Five operations and a run."""
    path = quick / "home"
    for line in ("init --keys 4 --key-format K{n}", "add-key X1 --systems B", "remove-key K3 --systems D --yes"):
        assert command(path, *line.split()).status == 0
    assert command(path, "corrupt", "case", "--count", "1", "--systems", "E").status == 0
    assert command(path, "reconcile").status == 0
    return path


@pytest.mark.parametrize("flips", [12, pytest.param(200, marks=[pytest.mark.nightly, pytest.mark.timeout(7200)])])
def test_a_damaged_blob_stops_only_who_needs_it(quick: Path, home: Path, flips: int) -> None:
    dice = random.Random(1)
    for turn in range(flips):
        table, column = BLOBS[turn % len(BLOBS)]
        with _copy(quick, home) as copy:
            _flip_blob(copy, table, column, dice)
            shown = [_said(copy, line) for line in ("status", "log", "add-key NEW")]
            assert [said.status for said in shown] == [0, 0, 0], shown
            assert _said(copy, "check").status == 1
            for line in (dice.choice(LOOKING), dice.choice(DOING)):
                _said(copy, line)
            assert _said(copy, "add-key LAST").status == 0
    tally("damaged histories", flips, "flipped bits in blobs of changes and runs: told, 0 keys lost")


@pytest.mark.parametrize("flips", [15, pytest.param(400, marks=[pytest.mark.nightly, pytest.mark.timeout(7200)])])
def test_a_bit_that_flips_anywhere_in_the_database_costs_no_key(quick: Path, home: Path, flips: int) -> None:
    dice, noticed = random.Random(2), 0
    for _ in range(flips):
        with _copy(quick, home) as copy:
            _flip(copy / ".keysync" / "history.db", dice)
            if dice.random() < 0.5:
                shutil.rmtree(copy / ".keysync" / "cache")
            before = files(copy)
            assert _said(copy, "status").status in CODES
            looked = _said(copy, dice.choice(LOOKING))
            assert files(copy) == before
            _said(copy, dice.choice(DOING))
            noticed += _said(copy, "check").status == 1 or looked.status == 2
            _begin_anew(copy)
            assert _said(copy, "add-key LAST").status == 0
    tally("damaged histories", flips, "flipped bits anywhere in the database: 0 keys lost, no bug told")
    tally("damaged histories", noticed, "of them noticed by `check`")


def _said(home: Path, line: str) -> Said:
    """What a command says; that no file is malformed afterwards, and nothing is told as a bug."""
    said = command(home, *line.split())
    assert not said.crashed, (line, said.err)
    assert said.status in (*CODES, 3), (line, said)
    held = {name: data.splitlines() for name, data in files(home).items()}
    assert sorted(held) == [f"{name}.csv" for name in "ABCDE"]
    assert all(lines[0] == b"key,last_seen_at,system,status" for lines in held.values())
    return said


@contextlib.contextmanager
def _copy(folder: Path, home: Path) -> Iterator[Path]:
    copy = folder / "copy"
    shutil.copytree(home, copy)
    yield copy
    shutil.rmtree(copy)


def _flip(path: Path, dice: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(data)


def _flip_blob(home: Path, table: str, column: str, dice: random.Random) -> None:
    with contextlib.closing(sqlite3.connect(home / ".keysync" / "history.db")) as database:
        rows = database.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
        row, blob = dice.choice([(row, bytearray(blob)) for row, blob in rows if blob])
        blob[dice.randrange(len(blob))] ^= 1 << dice.randrange(8)
        database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (bytes(blob), row))
        database.commit()


def _begin_anew(home: Path) -> None:
    """As the hint about a damaged database says."""
    for path in (home / ".keysync").glob("history.db*"):
        path.unlink()
