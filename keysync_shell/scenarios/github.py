"""Reports of scenarios for GitHub Actions: annotations at file and line, and a summary in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keysync_shell.core.model.keys import safe
from keysync_shell.scenarios.places import Place
from keysync_shell.scenarios.playing import Played, Result
from keysync_shell.scenarios.reporting import Report, Verdict, explained

SIGNS = {Verdict.PASSED: "✅", Verdict.FAILED: "❌", Verdict.TROUBLE: "⚠️", Verdict.PAUSED: "⏸", Verdict.ABORTED: "⏹"}


def workflow_commands(reports: Sequence[Report]) -> str:
    """Workflow commands. Everything that comes from a scenario or a key is escaped: a line of it could be a command."""
    return "".join(f"{line}\n" for report in reports for line in _annotations(report))


def summary(reports: Sequence[Report]) -> str:
    """A table of scenarios, and the reasons of those that did not pass."""
    lines = ["## KeySync scenarios", "", "| | scenario | checkpoints | seconds |", "|---|---|---|---|"]
    for report in reports:
        cases = list(report.cases)
        passed = sum(one.result is Result.PASSED for one in cases)
        sign = SIGNS[report.verdict]
        lines.append(f"| {sign} | {_cell(report.name)} | {passed} of {len(cases)} | {report.seconds:.1f} |")
    for report in reports:
        reasons = [line for one in report.cases if _bad(one) for line in explained(one)] or [report.reason]
        if report.verdict is not Verdict.PASSED and any(reasons):
            shown = (safe(line).replace("```", "`\u200b``") for line in reasons)
            lines += ["", f"### {_cell(report.name)}", "", "```text", *shown, "```"]
    return "\n".join(lines) + "\n"


def _annotations(report: Report) -> Iterator[str]:
    if report.faults:
        yield from (_error(fault.place, f"{report.name}: {fault.reason}") for fault in report.faults)
    if report.reason and not report.faults:
        yield f"::error file={_property(report.file)}::{_data(f'{report.name}: {report.reason}')}"
    for one in report.cases:
        for mismatch in one.mismatches:
            message = f"{report.name}: {one.text}: expected {mismatch.expected}; {mismatch.actual}"
            yield _error(mismatch.place, message)
        if one.reason:
            yield _error(one.place, f"{report.name}: {one.text}: {one.reason}")


def _error(place: Place, message: str) -> str:
    return f"::error file={_property(place.file)},line={place.line},col={place.column}::{_data(message)}"


def _bad(one: Played) -> bool:
    return one.result in (Result.FAILED, Result.TROUBLE)


def _data(text: str) -> str:
    """As GitHub's own toolkit escapes the message of a command."""
    return safe(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    return safe(text).replace("|", "\\|").replace("<", "&lt;")
