"""Short trials of each part of the harness, which stop at the first complaint: for code that has a fault on purpose."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from tests.crash import test_errors, test_kills, test_power_loss, test_readers
from tests.crash.bench import Bench, sampled
from tests.crash.checking import copied
from tests.crash.operations import BY_NAME, words
from tests.crash.program import HOME, Program
from tests.crash.strace import Point, injected
from tests.crash.world import WORLDS

CHUNK = 12
SETTLING = (
    "fsync",
    "fdatasync",
    "close",
    "renameat2",
    "unlink",
)  # calls at which it is decided what became of a change
PATIENCE_SECONDS = 20.0
SWAP_DELAY_MICROSECONDS = 1_500_000
WRITTEN_LATER_SECONDS = 0.5  # after the last file was staged: the row is there, and the swap is held up
Job = TypeVar("Job")


def kills(bench: Bench, name: str) -> str:
    [expected] = bench.expected([BY_NAME[name]])
    [there] = bench.points([expected])
    jobs = [(expected, point) for point in sampled(test_kills.in_the_middle(there), 60, seed=1)]
    return _first(bench, test_kills.kill_command, jobs, test_kills.FINE)


def mounted(bench: Bench, name: str) -> str:
    """Kills where files are mounted by themselves, around each step that writes over one."""
    folder = bench.folder / "mounted"
    folder.mkdir()
    with Bench(folder, bench.package, WORLDS["mounted"]) as other:
        [expected] = other.expected([BY_NAME[name]])
        [there] = other.points([expected])
        steps = [point for point in test_kills.in_the_middle(there) if point.name in ("write", "ftruncate", "rename")]
        return _first(other, test_kills.kill_command, [(expected, step) for step in steps], test_kills.FINE)


def readers(bench: Bench, name: str) -> str:
    [expected] = bench.expected([BY_NAME[name]])
    [there] = bench.points([expected])
    guest = test_readers.Guest(bench.package)
    steps = [(expected, guest, point) for point in there if point.name in ("fdatasync", "renameat2", "unlink")]
    try:
        return _first(bench, test_readers.look, steps, test_readers.FINE)
    finally:
        guest.close()


def errors(bench: Bench, name: str) -> str:
    expected = bench.expected([BY_NAME[name]])
    [there] = bench.each(test_errors.calls_of_first, expected)
    telling = [point for point in there if point.name in SETTLING or "history.db" in point.text]
    jobs = [test_errors.Fault(expected[0], point, error) for point in telling for error in ("error=EIO", "error=EIO+")]
    return _first(bench, test_errors.fail, list(reversed(jobs)), test_errors.FINE)


def power_loss(bench: Bench, name: str) -> str:
    [recording] = bench.each(test_power_loss.record, bench.expected([BY_NAME[name]]))
    return _first(bench, test_power_loss.lose_power, recording.states(250, seed=2), test_kills.FINE)


def lock(bench: Bench, name: str) -> str:
    """Whether a command waits while we hold the lock."""

    def run(program: Program, folder: Path, _: None) -> str:
        with (copied(expected.before, folder) / HOME / ".keysync" / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            ended = program.run(folder, words(expected.operation.words))
        return "" if ended.status == 2 and "in use" in ended.err else f"it did not wait: {ended}"

    [expected] = bench.expected([BY_NAME[name]])
    return _first(bench, run, [None], ("",))


def editor(bench: Bench, name: str) -> str:
    """Whether a file survives that another program puts there between the row and the swap."""

    def write(folder: Path) -> None:
        systems = folder / HOME / "systems"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and not list(systems.glob(".E.csv.*.new")):
            time.sleep(0.001)
        time.sleep(WRITTEN_LATER_SECONDS)
        theirs = folder / "theirs.csv"
        theirs.write_text("key\nTHEIRS\n")
        theirs.replace(systems / "C.csv")

    def run(program: Program, folder: Path, _: None) -> str:
        copied(expected.before, folder)
        options = injected(Point("renameat2", 1, ""), f"delay_enter={SWAP_DELAY_MICROSECONDS}")
        ended = program.traced(folder, words(expected.operation.words), options, meanwhile=write)
        there = any("THEIRS" in path.read_text() for path in (folder / HOME / "systems").iterdir())
        return "" if there and ended.status == 0 else f"what they wrote is gone; {ended}"

    [expected] = bench.expected([BY_NAME[name]])
    return _first(bench, run, [None], ("",))


def _first(bench: Bench, work: Callable[[Program, Path, Job], str], jobs: Sequence[Job], fine: Sequence[str]) -> str:
    """The first complaint; empty if there is none."""
    return next((one for results in _chunks(bench, work, jobs) for one in results if one not in fine), "")


def _chunks(bench: Bench, work: Callable[[Program, Path, Job], str], jobs: Sequence[Job]) -> Iterator[list[str]]:
    for start in range(0, len(jobs), CHUNK):
        yield bench.each(work, jobs[start : start + CHUNK])
