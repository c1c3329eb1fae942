"""How many cases each part tried, told at the end of a run; a pytest plugin, loaded by tests/conftest.py."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

import pytest

TRIED = "tried"
_lines: list[tuple[str, str]] = []


def tried(part: str, what: str) -> None:
    """Tell at the end of the run what this test tried: `tried("outside editors", "200 edits: 190 merged, …")`."""
    _lines.append((part, what))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the lines with the test's report: so they arrive from the workers of xdist, too."""
    report = yield
    report.user_properties.extend((TRIED, f"{part}: {what}") for part, what in _lines)
    _lines.clear()
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = sorted(set(_told(report for reports in terminalreporter.stats.values() for report in reports)))
    if lines:
        terminalreporter.section("cases tried")
        for line in lines:
            terminalreporter.write_line(line)


def _told(reports: Iterable[Any]) -> Iterable[str]:
    for report in reports:
        if isinstance(report, pytest.TestReport):
            yield from (str(value) for name, value in report.user_properties if name == TRIED)
