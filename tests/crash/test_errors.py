"""EIO and ENOSPC at each call of input and output: what is then said must be true, and life goes on."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import pytest

from tests.crash.bench import Bench, complaints, sampled
from tests.crash.checking import Expected, copied, found
from tests.crash.operations import LATER, OPERATIONS, Operation, words
from tests.crash.program import Program
from tests.crash.report import tally
from tests.crash.strace import Point, injected, points

FAULTS = ("error=EIO", "error=EIO+", "error=ENOSPC", "error=ENOSPC+")
NEXT = f"+ {' '.join(LATER)}"
LAST = f'2, "{NEXT}'  # how strace shows that the second command begins
DONE, NOT_DONE, UNKNOWN = "It is committed.", "Nothing was changed.", "Unknown whether it is committed."
TOLD = {
    NOT_DONE: "told as not committed",
    DONE: "told as committed",
    UNKNOWN: "told as unknown",
    "": "did no harm, or could not be told",
}
FINE = tuple(TOLD)


@dataclass(frozen=True)
class Fault:
    """A call that fails in an operation, once or for ever."""

    expected: Expected
    point: Point
    error: str

    def __str__(self) -> str:
        return f"{self.expected.operation.name} with {self.error} at {self.point}"


@pytest.mark.parametrize("each", [18, pytest.param(None, marks=(pytest.mark.nightly, pytest.mark.timeout(3600)))])
@pytest.mark.parametrize("operation", OPERATIONS, ids=attrgetter("name"))
def test_an_error_is_told_truthfully(bench: Bench, operation: Operation, each: int | None) -> None:
    expected = bench.expected([operation])
    [there] = bench.each(calls_of_first, expected)
    every = [(point, error) for point in there for error in _faults(point)]
    seed = OPERATIONS.index(operation)
    results = bench.each(fail, [Fault(expected[0], *job) for job in sampled(every, each, seed)])
    assert complaints(results, FINE) == ""
    part = "EIO and ENOSPC"
    tally(part, len(every), "faults to try")
    tally(part, len(results), "tried: 0 torn, 0 tracebacks, 0 wrong words")
    for statement, what in TOLD.items():
        tally(part, results.count(statement), f"of them {what}")


def _faults(point: Point) -> tuple[str, ...]:
    """Where fcntl fails for ever, the threads of Polars cannot start, and there is no program to look at."""
    return tuple(fault for fault in FAULTS if point.name != "fcntl" or not fault.endswith("+"))


def _script(expected: Expected) -> list[str]:
    """Two commands in one process: the second shows whether it goes on."""
    return words(["-k", "-x", "-c", f"{expected.operation.line}; {' '.join(LATER)}"])


def calls_of_first(program: Program, folder: Path, expected: Expected) -> list[Point]:
    """Calls of input and output in the first command, and those of the start that are about files."""
    trace = copied(expected.before, folder) / "trace"
    ended = program.traced(folder, _script(expected), [], str(trace))
    assert ended.status == 0, ended.err
    there = points(trace)
    begin, end = (next(i for i, point in enumerate(there) if point.text.startswith(text)) for text in ('2, "+ ', LAST))
    return [point for i, point in enumerate(there[:end]) if point.is_input_output and (i > begin or not point.shows)]


def fail(program: Program, folder: Path, fault: Fault) -> str:
    """What was said of the first command; a complaint if anything is wrong."""
    copied(fault.expected.before, folder)
    ended = program.traced(folder, _script(fault.expected), injected(fault.point, fault.error))
    name, complaint = found(program, fault.expected, folder)
    first, _, second = ended.err.partition(NEXT)
    mute = fault.point.name == "write" and (fault.point.shows or fault.error.endswith("+"))  # nothing can be said
    if "Traceback" in ended.err or "should not have happened" in ended.err:
        complaint = complaint or "a traceback, or as good as one"
    elif not complaint and not first.lstrip().startswith("+"):
        complaint = _wrong_start(name, ended.status)
    elif not complaint:
        complaint = _wrong_words(first, ended.status, "op" in name, mute=mute)
        complaint = complaint or _wrong_words(second, ended.status, "later" in name, mute=mute)
        if not complaint and not fault.error.endswith("+") and "later" not in name:
            complaint = "the process did not go on"
    return f"{fault}: {complaint}\n{ended.err}" if complaint else _statement(first)


def _wrong_start(name: str, status: int) -> str:
    """A complaint unless a process that did not even begin says so with its exit code."""
    return "" if name == "" and status != 0 else f"it did not start, but exit {status} and {name!r}"


def _wrong_words(said: str, status: int, done: bool, *, mute: bool) -> str:
    """A complaint unless what was said of a command is what became of it."""
    statement = _statement(said)
    if mute and statement == "":
        return "" if done or status else "exit 0, but it is not there"
    if "failed with status" not in said and statement == "":
        return "" if done else "it was acknowledged, but is not there"
    allowed = {DONE: (True,), UNKNOWN: (True, False)}  # commands on snapshots fail without saying that nothing is there
    return "" if done in allowed.get(statement, (False,)) else f"{statement!r} was said, but done is {done}"


def _statement(said: str) -> str:
    return next((one for one in (DONE, NOT_DONE, UNKNOWN) if one in said), "")
