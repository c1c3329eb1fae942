"""Another user writes its file slowly while commands replace it: nobody can see that, and yet nothing is lost."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash import strace, world
from tests.crash.bench import Bench, complaints, sampled
from tests.crash.checking import Expected, copied
from tests.crash.operations import BY_NAME, LATER, words
from tests.crash.program import HOME, Program
from tests.crash.report import tally
from tests.crash.strace import Point
from tests.crash.test_kills import in_the_middle
from tests.crash.world import NOBODY, WORLDS

TAIL = b"SLOW-1,,A,active\n"
NIGHTLY = (pytest.mark.nightly, pytest.mark.timeout(7200))
AGAIN = ("add-key", "AGAIN-1")


@dataclass(frozen=True)
class Job:
    """The tail comes while the command stands still after a call, and then after so many commands more."""

    expected: Expected
    point: Point
    commands: int


@pytest.mark.parametrize(("each", "latest"), [(4, 1), pytest.param(None, 2, marks=NIGHTLY)])
def test_a_tail_is_in_its_system_or_kept_and_named(quick: Path, each: int | None, latest: int) -> None:
    if why := strace.unusable() or world.unusable(WORLDS["foreign"]):
        pytest.skip(why)
    with Bench(quick, world=WORLDS["foreign"]) as bench:
        [expected] = bench.expected([BY_NAME["add"]])
        [there] = bench.points([expected])
        points = sampled(in_the_middle(there), each, seed=5)
        jobs = [Job(expected, point, commands) for point in points for commands in range(latest + 1)]
        results = bench.each(_write_slowly, jobs)
    assert complaints(results, ("in its system", "kept and named")) == ""
    tally("slow writers of another user", len(results), "tails written during and after a command: 0 lost")
    tally("slow writers of another user", results.count("kept and named"), "of them kept beside the file and named")


def _write_slowly(program: Program, folder: Path, job: Job) -> str:
    path = copied(job.expected.before, folder) / HOME / "systems" / "A.csv"
    os.chown(path, NOBODY, NOBODY)  # nobody else is granted a lease on it
    file = path.open("ab", buffering=0)
    said: list[str] = []

    def meanwhile(folder: Path) -> None:
        if job.commands == 0:
            file.write(TAIL)

    stop = strace.stopped_after(job.point)
    line = words(job.expected.operation.words)
    said.append(program.traced(folder, line, stop, meanwhile=meanwhile, stops=True).err)
    said += [program.run(folder, words(AGAIN)).err for _ in range(job.commands)]
    if job.commands:
        file.write(TAIL)
    file.close()
    said += [program.run(folder, words(command)).err for command in (AGAIN, LATER)]
    return _verdict(folder / HOME / "systems", said, job)


def _verdict(systems: Path, said: list[str], job: Job) -> str:
    if TAIL in (systems / "A.csv").read_bytes():
        return "in its system"
    kept = [path for path in systems.glob("A.csv.external-*") if TAIL in path.read_bytes()]
    if not kept:
        return f"the tail after {job.point} and {job.commands} more is lost: {said}"
    return "kept and named" if any(kept[0].name in words for words in said) else f"{kept[0]} was not named: {said}"
