"""kill -9 before each system call of a command, and of the recovery after it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

import pytest

from tests.crash.bench import Bench, calls, complaints, sampled
from tests.crash.checking import Expected, copied, found
from tests.crash.operations import BY_NAME, OPERATIONS, PROBE, Operation, words
from tests.crash.program import Ended, Program
from tests.crash.report import tally, tried
from tests.crash.strace import Point, injected

KILL = "signal=KILL"
NO_EXCHANGE = ("-e", "trace=all", "-e", "inject=renameat2:error=ENOSYS")
FINE = ("", "op")  # the pictures that may be found
PENDING = "(not committed before the script ends)"
NIGHTLY = (pytest.mark.nightly, pytest.mark.timeout(7200))


@pytest.mark.parametrize("each", [16, pytest.param(None, marks=NIGHTLY)])
@pytest.mark.parametrize("operation", OPERATIONS, ids=attrgetter("name"))
def test_a_killed_command_is_done_or_not_done(bench: Bench, operation: Operation, each: int | None) -> None:
    [expected] = bench.expected([operation])
    [there] = bench.points([expected])
    acting = [point for point in there if point.acts]
    jobs = [(expected, point) for point in (there if each is None else sampled(acting, each, seed=1))]
    results = bench.each(kill_command, jobs)
    assert complaints(results, FINE) == ""
    part = "kill -9 in a command"
    tally(part, len(there), "points to try")
    tally(part, len(acting), "of them can change the disk")
    tally(part, len(results), "tried: 0 torn, 0 acknowledged lost, 0 leftovers")
    tally(part, results.count("op"), "of them after the commit")


@pytest.mark.parametrize(("states", "each"), [(2, 6), pytest.param(6, 1000, marks=NIGHTLY)])
@pytest.mark.parametrize("operation", OPERATIONS, ids=attrgetter("name"))
def test_a_killed_recovery_goes_on_at_the_next_start(
    bench: Bench, operation: Operation, states: int, each: int
) -> None:
    [expected] = bench.expected([operation])
    [there] = bench.points([expected])
    wrecks = sampled(in_the_middle(there), states, seed=2)
    results = bench.each(lambda program, folder, point: kill_recovery(program, folder, expected, point, each), wrecks)
    told = [complaint for result in results for complaint in result]
    assert complaints(told, FINE) == ""
    part = "kill -9 in the recovery"
    tally(part, len(wrecks), "crashes to recover from")
    tally(part, len(told), "points tried in the recovery: 0 torn, 0 leftovers")


@pytest.mark.parametrize("named", ["rename", pytest.param("", marks=NIGHTLY, id="all")])
def test_where_two_names_cannot_be_exchanged(bench: Bench, named: str) -> None:
    """The way of other file systems and other systems: plain renames."""
    expected = bench.expected([BY_NAME["add"], BY_NAME["replace-state"]])

    def kill(program: Program, folder: Path, job: tuple[Expected, Point]) -> str:
        one, point = job
        copied(one.before, folder)
        options = [*injected(point, KILL), *NO_EXCHANGE]
        return _verdict(program, folder, one, program.traced(folder, words(one.operation.words), options), point)

    jobs = [
        (one, point)
        for one, there in zip(expected, bench.points(expected, NO_EXCHANGE), strict=True)
        for point in in_the_middle(there)
        if point.name.startswith(named)
    ]
    assert complaints(bench.each(kill, jobs), FINE) == ""
    tried("kill -9 without RENAME_EXCHANGE", f"{len(jobs)} points in {len(expected)} operations: 0 torn, 0 leftovers")


@pytest.mark.parametrize("count", [8, pytest.param(None, marks=NIGHTLY)])
def test_the_whole_program_as_a_process_of_its_own(bench: Bench, count: int | None) -> None:
    """No forks of a server here: interpreter, imports and all."""
    expected = bench.expected()[0]
    command = expected.operation.words
    [there] = bench.each(
        lambda program, folder, one: calls(program, folder, one.before, command, alone=True), [expected]
    )

    def kill(program: Program, folder: Path, point: Point) -> str:
        copied(expected.before, folder)
        return _verdict(program, folder, expected, program.alone(folder, words(command), injected(point, KILL)), point)

    jobs = sampled([point for point in there if point.acts], count, seed=3)
    assert complaints(bench.each(kill, jobs), FINE) == ""
    tried("kill -9 of a whole process", f"{len(jobs)} points of add-key: 0 torn, 0 acknowledged lost, 0 leftovers")


def kill_command(program: Program, folder: Path, job: tuple[Expected, Point]) -> str:
    """Which picture is found after the kill, or a complaint."""
    expected, point = job
    copied(expected.before, folder)
    ended = program.traced(folder, words(expected.operation.words), injected(point, KILL))
    return _verdict(program, folder, expected, ended, point)


def _verdict(program: Program, folder: Path, expected: Expected, ended: Ended, point: Point) -> str:
    name, complaint = found(program, expected, folder)
    if _acknowledged(ended) and name != "op" and not complaint:
        complaint = "it was acknowledged, but is not there"
    return f"{expected.operation.name} killed at {point}: {complaint}" if complaint else name


def _acknowledged(ended: Ended) -> bool:
    return any(line.startswith("✓") and not line.endswith(PENDING) for line in ended.err.splitlines())


def kill_recovery(program: Program, folder: Path, expected: Expected, crash: Point, each: int) -> list[str]:
    """Crash a command, then kill the one after it at so many points, each time from the same wreck."""
    wreck = copied(expected.before, folder.with_name(f"{folder.name}.wreck"))
    try:
        program.traced(wreck, words(expected.operation.words), injected(crash, KILL))
        there = sampled([point for point in calls(program, folder, wreck, PROBE) if point.acts], each, seed=4)
        return [_kill_again(program, folder, expected, wreck, point) for point in there]
    finally:
        shutil.rmtree(wreck)


def _kill_again(program: Program, folder: Path, expected: Expected, wreck: Path, point: Point) -> str:
    """The probe is killed, then given again: if it was done already, the second time changes nothing."""
    copied(wreck, folder)
    program.traced(folder, words(PROBE), injected(point, KILL))
    name, complaint = found(program, expected, folder)
    shutil.rmtree(folder)
    return f"{expected.operation.name}, then the recovery killed at {point}: {complaint}" if complaint else name


def in_the_middle(points: Sequence[Point]) -> list[Point]:
    """The points from the first scratch file on."""
    acting = [point for point in points if point.acts]
    first = next(i for i, point in enumerate(acting) if ".new" in point.text or ".tmp" in point.text)
    return acting[first:]
