"""Words for scenarios and what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from keysync_shell.commands.scenarios import Covered, Items, Linted, Reports, Results, Written
from keysync_shell.core.model.keys import safe
from keysync_shell.render.view import NUMBER, PROSE, TEXT, Grid, View, counted, fixed, plain
from keysync_shell.scenarios.playing import Played, Result
from keysync_shell.scenarios.reporting import Report, Verdict, explained

SIGNS = {Result.PASSED: "✓", Result.FAILED: "✗", Result.TROUBLE: "!", Result.SKIPPED: "·"}


def view(result: Results) -> View:
    """What a command of this topic returned, ready to be written."""
    match result:
        case Items():
            return _items(result)
        case Written():
            return _written(result)
        case Linted():
            return _linted(result)
        case Reports():
            return _reports(result)
        case Covered():
            return _covered(result)
        case _:
            assert_never(result)


def _items(result: Items) -> View:
    rows = [
        (
            item.name,
            "library" if item.shipped else "sandbox",
            " ".join(item.tags),
            safe(item.fault or item.description),
            " ".join(item.params),
        )
        for item in result.items
    ]
    columns = {"scenario": TEXT, "from": TEXT, "tags": TEXT, "description": PROSE, "params": TEXT}
    return View(
        data=lambda _: {"scenarios": plain(result.items)},
        grid=Grid(columns, fixed(rows), len(rows), all=True, hidden=("params",)),
        talk=("next: scenario run NAME · scenario show NAME",),
    )


def _written(result: Written) -> View:
    lines = tuple(result.text.split("\n")) if result.text else ()
    talk: tuple[str, ...] = ()
    if result.path:
        talk = (f"✓ Wrote {safe(str(result.path))}", f"  next: edit it, then: scenario run {result.path.stem}")
    return View(data=lambda _: result.data or {"text": result.text, "path": plain(result.path)}, exact=lines, talk=talk)


def _linted(result: Linted) -> View:
    return View(data=lambda _: plain(result), lines=(f"{counted(len(result.sound), 'scenario')} sound.",))


def _reports(result: Reports) -> View:
    rows = [_row(report) for report in result.reports]
    columns = {"run": NUMBER, "scenario": TEXT, "result": TEXT, "checkpoints": TEXT, "steps": TEXT}
    return View(
        data=lambda _: {"reports": plain(result.reports), "notes": plain(result.notes)},
        grid=None if result.printed or result.detail else Grid(columns, fixed(rows), len(rows), all=True),
        lines=tuple(result.printed.splitlines()) or (tuple(_steps(result.reports[0])) if result.detail else ()),
        after=() if result.printed or (result.looking and not result.detail) else tuple(_reasons(result)),
        talk=tuple(_talk(result)),
        exit_code=result.exit_code,
    )


def _row(report: Report) -> tuple[Any, ...]:
    cases = [one for one in report.cases if one.result is not Result.TROUBLE]
    passed = sum(one.result is Result.PASSED for one in cases)
    steps = f"{len(report.played)} of {report.actions}" if report.actions else str(len(report.played))
    return report.number or "", safe(report.name), report.verdict.value, f"{passed} of {len(cases)}", steps


def _steps(report: Report) -> Iterator[str]:
    for one in report.played:
        trail = f" ({one.trail})" if one.trail else ""
        yield f"{SIGNS[one.result]} {one.count:>4}  {one.word:<10} {safe(one.text)}{trail}"
    yield f"{report.name}: {report.verdict.value}" + (f", digest {report.digest[:12]}" if report.digest else "")


def _reasons(result: Reports) -> Iterator[str]:
    for report in result.reports:
        if report.reason:
            name = "" if report.faults else f"{safe(report.name)}: "
            yield from (f"{name}{safe(line)}" for line in report.reason.split("\n"))
        for one in report.played:
            if one.result in (Result.FAILED, Result.TROUBLE):
                yield f"{one.place}: {_what(one)}"
                yield from (f"  {safe(line)}" for line in explained(one))


def _what(one: Played) -> str:
    verb = "failed" if one.result is Result.FAILED else "made trouble"
    return f"{one.word} {safe(one.text)} {verb}"


def _talk(result: Reports) -> Iterator[str]:
    yield from (safe(note) for note in result.notes)
    yield from dict.fromkeys(f"hint: {safe(report.hint)}" for report in result.reports if report.hint)
    for report in result.reports:
        if report.verdict is Verdict.PAUSED and not result.looking:
            yield f"paused: scenario resume {report.number} · scenario abort {report.number}"
    for outcome in result.kept:
        if outcome.operation:
            yield f"✓ Kept as @{outcome.operation.number} · undo takes it back"


def _covered(result: Covered) -> View:
    found = result.coverage
    rows = [("cell", f"{kind} in {system}", " ".join(by)) for (kind, system), by in found.cells.items()]
    rows += [("pattern", pattern, " ".join(by)) for pattern, by in found.patterns.items()]
    missing = [f"{kind} in {system}" for kind, system in found.missing_cells] + list(found.missing_patterns)
    cells, patterns = len(found.cells), len(found.patterns)
    return View(
        data=lambda records: {"share": found.share, "missing": missing, "covered": records},
        grid=Grid({"what": TEXT, "which": TEXT, "by": TEXT}, fixed(rows), len(rows), all=True),
        after=(
            f"{counted(result.scenarios, 'scenario')}: {cells - len(found.missing_cells)} of {cells} cells and "
            f"{patterns - len(found.missing_patterns)} of {patterns} patterns are asserted ({found.share:.0%}).",
            *((f"Missing: {', '.join(missing)}",) if missing else ()),
        ),
        exit_code=result.exit_code,
    )
