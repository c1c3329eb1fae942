"""Time things in turn with a baseline, and print the ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def paired(work: Callable[[], object], baseline: Callable[[], object], runs: int) -> tuple[list[float], list[float]]:
    """Seconds of both, run in turn, after one round that does not count."""
    rounds = [(seconds(work), seconds(baseline)) for _ in range(runs + 1)][1:]
    return [mine for mine, _ in rounds], [theirs for _, theirs in rounds]


def report(what: str, mine: list[float], theirs: list[float] | None = None, bar: str = "") -> None:
    """One line: median, fastest, ratio of medians, bar."""
    median = statistics.median(mine)
    ratio = f"{median / statistics.median(theirs):6.2f} x" if theirs else "        "
    print(f"{what:<44} {median * 1000:9.1f} ms  (best {min(mine) * 1000:8.1f})  {ratio}  {bar}", flush=True)
