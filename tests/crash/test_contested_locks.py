"""Another process takes the lock between any two system calls of a command; what each of them says is true.

The command stands still after a call. If it does not hold the lock then, the other one goes between; else that one is
told that the sandbox is in use. A command that took the lock twice would decide on one state and commit on another, or
say that nothing was changed after a commit.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash import strace
from tests.crash.bench import Bench, complaints, sampled
from tests.crash.checking import Expected, copied, found, picture, probed
from tests.crash.operations import BY_NAME, LATER, OPERATIONS, Operation
from tests.crash.program import HOME, Ended, Program
from tests.crash.report import tally
from tests.crash.strace import Point

# What is about more than system files: the registry beside them, or a snapshot of what was looked at.
MORE = (
    Operation("apply", ("apply", "--yes")),
    Operation("reconcile", ("reconcile",)),
    Operation("approve", ("registry", "approve", "all"), prepare=("reconcile",)),
    Operation("restore", ("restore", "@1")),
)
CHOSEN = (BY_NAME["add"], BY_NAME["save-state"], *MORE[:3])
NIGHTLY = (pytest.mark.nightly, pytest.mark.timeout(7200))
JOBS = [
    *(pytest.param(one, 3, id=one.name) for one in CHOSEN),
    *(pytest.param(one, None, id=f"{one.name}-every", marks=NIGHTLY) for one in (*OPERATIONS, *MORE) if one.begin),
]
FINE = ("refused", "between")


Rivals = queue.SimpleQueue[Program]


@pytest.fixture(scope="module")
def rivals(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rivals]:
    """As many other processes as there are benches to work on; one says what it has to say elsewhere."""
    programs: Rivals = queue.SimpleQueue()
    for _ in range(bench.count):
        programs.put(Program(bench.package, tmp_path_factory.mktemp("rival")))
    yield programs
    for _ in range(bench.count):
        programs.get().close()


@pytest.mark.parametrize(("operation", "each"), JOBS)
def test_what_is_said_is_true_wherever_another_comes_between(
    bench: Bench, rivals: Rivals, operation: Operation, each: int | None
) -> None:
    [expected] = bench.expected([operation])
    [expected] = bench.each(_with_the_other_first, [expected])
    [there] = bench.points([expected])

    def contest(program: Program, folder: Path, point: Point) -> str:
        rival = rivals.get()
        try:
            return _contest(program, rival, folder, expected, point)
        finally:
            rivals.put(rival)

    results = bench.each(contest, _chosen(there, each))
    assert complaints(results, FINE) == ""
    tally("locks taken between two calls", len(results), "points: all that was said is true, 0 torn")
    tally("locks taken between two calls", results.count("between"), "times the other process went between")


def _chosen(points: list[Point], each: int | None) -> list[Point]:
    """So many points with the lock and as many without; every one that begins or ends it; all for None."""
    if each is None:
        return points
    held, with_it, without = False, list[Point](), list[Point]()
    for point in points:
        (with_it if held else without).append(point)
        held = "LOCK_EX" in point.text or (held and "LOCK_UN" not in point.text)
    turns = [point for point in points if point.name == "flock"]
    return [*turns, *sampled(with_it, each, seed=9), *sampled(without, each, seed=9)]


def _with_the_other_first(program: Program, folder: Path, expected: Expected) -> Expected:
    copied(expected.before, folder)
    for words in (LATER, expected.operation.words):
        ended = program.run(folder, _patiently(words))
        assert ended.status == 0, ended.err
    assert probed(program, folder) == ""
    return replace(expected, pictures={**expected.pictures, "later op": picture(folder / HOME)})


def _contest(program: Program, rival: Program, folder: Path, expected: Expected, point: Point) -> str:
    theirs: list[Ended] = []
    ours = program.traced(
        copied(expected.before, folder),
        _patiently(expected.operation.words),
        strace.stopped_after(point),
        meanwhile=lambda folder: theirs.append(rival.run(folder, ["--home", HOME, "--lock-timeout", "0", *LATER])),
        stops=True,
    )
    name, complaint = found(program, expected, folder)
    said = tuple(who for who, ended in (("op", ours), *(("later", one) for one in theirs)) if _was_done(ended))
    if complaint or sorted(name.split()) != sorted(said):
        return f"{expected.operation.name} at {point}: {name} {complaint}, but they said {said}: {ours}, {theirs}"
    return "between" if "later" in said else "refused"


def _was_done(ended: Ended) -> bool:
    """Whether a process said that it did what it was told; anything but that, or that it did nothing, is unclear."""
    refused = ended.status == 2 and ("in use by another process" in ended.err or "Nothing was changed." in ended.err)
    assert refused or ended.status == 0, ended
    return ended.status == 0


def _patiently(words: tuple[str, ...]) -> list[str]:
    return ["--home", HOME, "--lock-timeout", "20", *words]
