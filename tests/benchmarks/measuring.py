"""What a piece of work costs: seconds on the clock, seconds of processors, memory. Always in turn with a baseline."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Timed = Callable[[], "Cost"]


@dataclass(frozen=True)
class Cost:
    """`cpu` is user and system time of all threads; `peak` the largest resident size of the process, in bytes."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Work:
    """Something to measure, and what it is compared with. `bar` is the most that the ratio may be.

    `before` gets both ready, and costs nothing.
    """

    name: str
    baseline: str
    bar: float
    mine: Timed
    theirs: Timed
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Line:
    """A measured work. Ratios are of medians; `spread` is how far the ratios of single rounds are apart."""

    work: Work
    mine: Cost
    theirs: Cost
    spread: float

    @property
    def wall_ratio(self) -> float:
        return self.mine.wall / self.theirs.wall

    @property
    def cpu_ratio(self) -> float:
        return self.mine.cpu / max(self.theirs.cpu, 1e-3)

    def ratio(self, *, busy: bool) -> float:
        """The one that counts: where others use the machine, the clock tells more about them than about us."""
        return self.cpu_ratio if busy else self.wall_ratio

    def as_data(self, *, busy: bool) -> dict[str, Any]:
        ratio = self.ratio(busy=busy)
        return {
            "work": self.work.name,
            "baseline": self.work.baseline,
            "mine": vars(self.mine),
            "theirs": vars(self.theirs),
            "wall_ratio": round(self.wall_ratio, 3),
            "cpu_ratio": round(self.cpu_ratio, 3),
            "spread": round(self.spread, 3),
            "bar": self.work.bar,
            "met": ratio <= self.work.bar,
        }


def measured(work: Work, rounds: int) -> Line:
    """Both in turn, as often as there are rounds."""
    pairs = []
    for _ in range(rounds):
        work.before()
        theirs = work.theirs()
        pairs.append((work.mine(), theirs))
    ratios = [mine.wall / theirs.wall for mine, theirs in pairs]
    ours, others = zip(*pairs, strict=True)
    return Line(work, _median(ours), _median(others), max(ratios) - min(ratios))


def process(words: Sequence[str], expected: Sequence[int] = (0,)) -> tuple[Cost, str]:
    """A program from start to exit, and what it wrote. Raises AssertionError for another exit code."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said = out.read().decode()
        assert child.returncode in expected, f"{words}: {child.returncode}: {said}{err.read().decode()}"
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024), said


def inside(work: Callable[[], object]) -> Cost:
    """Something in this process."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, after.ru_maxrss * 1024)


def busy() -> bool:
    """Whether others use the machine, too."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.peak for cost in costs),
    )
