"""kill -9 where a file cannot have another in its place, and where files are another user's."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.crash.bench import Bench, complaints, sampled
from tests.crash.checking import Expected, copied, found
from tests.crash.operations import BY_NAME, Operation, words
from tests.crash.program import Program
from tests.crash.report import tally
from tests.crash.strace import Point, injected
from tests.crash.test_kills import FINE, KILL, in_the_middle, kill_command, kill_recovery

SOME = [BY_NAME["add"], BY_NAME["remove"]]  # files become longer, and shorter
EVERY = [operation for operation in BY_NAME.values() if operation.begin]
NIGHTLY = (pytest.mark.nightly, pytest.mark.timeout(7200))
JOBS = [
    *(pytest.param(operation, 6, id=operation.name) for operation in SOME),
    *(pytest.param(operation, None, id=f"{operation.name}-every", marks=NIGHTLY) for operation in EVERY),
]


@pytest.mark.parametrize(("operation", "each"), JOBS)
def test_a_killed_command_is_done_or_not_done(world_bench: Bench, operation: Operation, each: int | None) -> None:
    expected, there = _middle(world_bench, operation)
    results = world_bench.each(kill_command, [(expected, point) for point in sampled(there, each, seed=1)])
    assert complaints(results, FINE) == ""
    tally("kill -9 in other worlds", len(results), "points tried: 0 torn, 0 acknowledged lost, 0 leftovers")
    tally("kill -9 in other worlds", results.count("op"), "of them after the commit")


@pytest.mark.parametrize(
    ("operation", "states", "each"),
    [
        pytest.param(BY_NAME["add"], 1, 4, id="add"),
        *(pytest.param(one, 6, 1000, id=f"{one.name}-every", marks=NIGHTLY) for one in SOME),
    ],
)
def test_a_killed_recovery_goes_on_at_the_next_start(
    world_bench: Bench, operation: Operation, states: int, each: int
) -> None:
    expected, there = _middle(world_bench, operation)
    results = world_bench.each(
        lambda program, folder, point: kill_recovery(program, folder, expected, point, each),
        sampled(there, states, seed=2),
    )
    told = [complaint for result in results for complaint in result]
    assert complaints(told, FINE) == ""
    tally("kill -9 in the recovery in other worlds", len(told), "points tried: 0 torn, 0 leftovers")


@pytest.mark.parametrize(
    ("operation", "each"),
    [
        pytest.param(SOME[0], 6, id="add"),
        *(pytest.param(one, None, id=f"{one.name}-every", marks=NIGHTLY) for one in SOME),
    ],
)
def test_a_killed_command_is_finished_when_the_world_has_changed(
    world_bench: Bench, operation: Operation, each: int | None
) -> None:
    """The mount is gone, or it is root who gives the next command."""
    expected, there = _middle(world_bench, operation)
    plain, one_at_a_time = Program(), threading.Lock()

    def kill(program: Program, folder: Path, point: Point) -> str:
        copied(expected.before, folder)
        program.traced(folder, words(operation.words), injected(point, KILL))
        with one_at_a_time:
            name, complaint = found(plain, expected, folder)
        return f"killed at {point}: {complaint}" if complaint else name

    results = world_bench.each(kill, sampled(there, each, seed=3))
    plain.close()
    assert complaints(results, FINE) == ""
    tally("kill -9, then another world", len(results), "points tried: 0 torn, 0 leftovers")


def _middle(bench: Bench, operation: Operation) -> tuple[Expected, list[Point]]:
    """What an operation leads to, and its calls from the first that writes beside the files on."""
    [expected] = bench.expected([operation])
    [there] = bench.points([expected])
    return expected, in_the_middle(there)
