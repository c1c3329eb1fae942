"""Readers without the lock, after a kill at any step of a commit and beside a live writer: never a torn state.

Who may read the log is shown the state before or the state after; who may not is shown one of them, or told that it
cannot be known.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from keysync_shell.config import Config
from keysync_shell.storage import unlocked
from keysync_shell.storage.home import Home
from tests.building import sandbox
from tests.crash import world
from tests.crash.bench import Bench, complaints, sampled
from tests.crash.checking import Expected, copied
from tests.crash.operations import BY_NAME, words
from tests.crash.program import HOME, ROOT, Ended, Program
from tests.crash.report import tally, tried
from tests.crash.strace import Point, injected
from tests.crash.test_kills import KILL, in_the_middle
from tests.crash.world import NOBODY, World
from tests.crash.writer import Writer, stop

GUEST = World(user=NOBODY, guest=True)
STATUS = words(["status", "--format", "json"])
DRY_RUN = ["keysync", "--home", HOME, "--dry-run", "--exit-zero", "--format", "json"]
UNKNOWN = "at work or was broken off"
FINE = ("refused", "shown")
Rows = Mapping[str, int]

LOOKING = """
import os, sys
from pathlib import Path
from keysync_shell.config import Config
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import files, unlocked
from keysync_shell.storage.home import Home
files.PATIENCE_SECONDS = 60.0
os.chdir(sys.argv[1])
unlocked.read(Home(Path(), Config()))
os.setgroups([]); os.setgid(USER); os.setuid(USER)
for _ in range(int(sys.argv[2])):
    tables = unlocked.read(Home(Path(), Config())).tables
    print(len({tuple(rows["key"]) for rows in tables.values()}) == 1, len(tables["A"]), flush=True)
"""


@pytest.mark.parametrize("each", [15, pytest.param(None, marks=[pytest.mark.nightly, pytest.mark.timeout(7200)])])
def test_after_a_kill_every_reader_sees_the_state_before_or_after(bench: Bench, each: int | None) -> None:
    [expected] = bench.expected([BY_NAME["add"]])
    [there] = bench.points([expected])
    guest = Guest(bench.package)
    points = sampled(in_the_middle(there), each, seed=1)
    results = bench.each(look, [(expected, guest, point) for point in points])
    guest.close()
    assert complaints(results, FINE) == ""
    tally("readers after a kill", len(points), "points: 0 dry runs torn")
    tally("readers after a kill", results.count("shown"), "whole states shown to another user, 0 torn")
    tally("readers after a kill", results.count("refused"), "times another user was told that it cannot be known")


@pytest.mark.parametrize("count", [80, pytest.param(2000, marks=pytest.mark.nightly)])
def test_beside_a_live_writer_a_reader_sees_whole_states(quick: Path, count: int) -> None:
    with _busy(quick) as home:
        seen = [unlocked.read(Home(home, Config())) for _ in range(count)]
    assert [reading.outside for reading in seen if reading.outside] == []
    assert all(len({tuple(rows["key"]) for rows in reading.tables.values()}) == 1 for reading in seen)
    numbers = [reading.number or 0 for reading in seen]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 1
    tried("readers beside a live writer", f"{count} reads of {len(set(numbers))} operations: 0 torn")


@pytest.mark.parametrize("count", [20, pytest.param(400, marks=pytest.mark.nightly)])
def test_beside_a_live_writer_another_user_sees_whole_states(quick: Path, count: int) -> None:
    if why := world.unusable(GUEST):
        pytest.skip(why)
    quick.chmod(0o711)
    with _busy(quick) as home:
        program = LOOKING.replace("USER", str(NOBODY))
        command = [sys.executable, "-c", program, str(home), str(count)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = [line.split() for line in done.stdout.splitlines()]
    assert [line for line in seen if line[0] != "True"] == []
    tried("readers beside a live writer", f"{len(seen)} reads by another user of {len({n for _, n in seen})}: 0 torn")


def look(program: Program, folder: Path, job: tuple[Expected, Guest, Point]) -> str:
    """Kill a command that adds two keys everywhere, and look; FINE, or a complaint."""
    expected, guest, point = job
    before = _rows(program.run(copied(expected.before, folder), STATUS))
    program.traced(folder, words(expected.operation.words), injected(point, KILL))
    after = {name: rows + 2 for name, rows in before.items()}
    dry = _rows(program.run(folder, DRY_RUN))
    seen = guest.status(folder)
    settled = _rows(program.run(folder, STATUS))
    if settled not in (before, after) or dry != settled:
        return f"killed at {point}: a dry run saw {dry}, and the state was {settled}"
    if seen.status == 2 and UNKNOWN in seen.err:
        return "refused"
    return "shown" if _rows(seen) == settled else f"killed at {point}: a guest saw {_rows(seen)}, not {settled}"


class Guest:
    """Another user's process, for one question at a time; there is none where nobody can become another user."""

    def __init__(self, package: Path) -> None:
        self._turn = threading.Lock()
        self._program = None if world.unusable(GUEST) else Program(package, world=GUEST)

    def status(self, folder: Path) -> Ended:
        if self._program is None:
            return Ended(2, "", UNKNOWN)
        with self._turn:
            return self._program.run(folder, STATUS)

    def close(self) -> None:
        if self._program is not None:
            self._program.close()


@contextlib.contextmanager
def _busy(folder: Path) -> Iterator[Path]:
    """A sandbox in which a writer adds a key to every system, as fast as it can."""
    home = folder / "home"
    made = sandbox(home, A="K1", B="K1", C="K1", D="K1", E="K1")
    made.close()
    writer = Writer(home, "w", 1_000_000)
    while not writer.acknowledged():
        assert writer.running()
    try:
        yield home
    finally:
        stop(home)
        assert writer.finish() == ""


def _rows(ended: Ended) -> dict[str, int]:
    """How many rows each system was said to have; nothing after an error."""
    if ended.status != 0:
        return {}
    assert ended.out.startswith("{"), ended
    data = json.loads(ended.out)["data"]
    systems = data.get("summary", data)["systems"]
    return {system["name"]: system["rows"] for system in systems}
