"""How many cases each part tried, told at the end of a run; a pytest plugin, loaded by tests/conftest.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

TRIED, TALLIED = "tried", "tallied"
_lines: list[tuple[str, str]] = []
_tallies: Counter[str] = Counter()


def tried(part: str, what: str) -> None:
    """Tell at the end of the run what this test tried: `tried("outside editors", "200 edits: 190 merged, …")`."""
    _lines.append((part, what))


def tally(part: str, count: int, what: str) -> None:
    """As `tried`, but the counts of all tests with the same words are added up."""
    _tallies[f"{part}: {{:,}} {what}"] += count


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the lines with the test's report: so they arrive from the workers of xdist, too."""
    report = yield
    report.user_properties.extend((TRIED, f"{part}: {what}") for part, what in _lines)
    report.user_properties.extend((TALLIED, tally) for tally in _tallies.items())
    _lines.clear()
    _tallies.clear()
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    every = [report for reports in terminalreporter.stats.values() for report in reports]
    told: list[tuple[str, Any]] = [
        pair for report in every if isinstance(report, pytest.TestReport) for pair in report.user_properties
    ]
    sums: Counter[str] = Counter()
    for words, count in [value for name, value in told if name == TALLIED]:
        sums[words] += count
    lines = {str(value) for name, value in told if name == TRIED} | {words.format(n) for words, n in sums.items()}
    if lines:
        terminalreporter.section("cases tried")
        for line in sorted(lines):
            terminalreporter.write_line(line)
