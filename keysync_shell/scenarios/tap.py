"""Reports of scenarios as TAP 14: a test point for each checkpoint, with its reasons as YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from keysync_shell.core.model.keys import safe
from keysync_shell.scenarios.playing import Played, Result
from keysync_shell.scenarios.reporting import Report, Verdict, explained


def tap(reports: Sequence[Report]) -> str:
    """The text of a TAP stream."""
    points = [point for report in reports for point in _points(report)]
    lines = ["TAP version 14", f"1..{len(points)}"]
    for number, (passed, name, reasons) in enumerate(points, 1):
        lines.append(f"{'ok' if passed else 'not ok'} {number} - {_escaped(name)}")
        if reasons:
            lines += ["  ---", "  reasons:", *(f"    - {json.dumps(safe(reason))}" for reason in reasons), "  ..."]
    return "\n".join(lines) + "\n"


def _points(report: Report) -> Iterator[tuple[bool, str, list[str]]]:
    for one in report.cases:
        yield one.result is not Result.FAILED and one.result is not Result.TROUBLE, _name(report, one), explained(one)
    if report.reason:
        yield False, f"{report.name}: it can be run", [report.reason]
    elif not any(report.cases):
        yield report.verdict is Verdict.PASSED, f"{report.name}: it runs to its end", []


def _name(report: Report, one: Played) -> str:
    trail = f" ({one.trail})" if one.trail else ""
    return f"{report.name}: {one.text}{trail}"


def _escaped(text: str) -> str:
    """A `#` would begin a directive such as SKIP."""
    return safe(text).replace("\\", "\\\\").replace("#", "\\#")
