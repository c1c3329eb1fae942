"""Words for what is there: status, keys, findings, differences, the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, assert_never

import polars as pl

from keysync_shell.commands.looking import Cap, Difference, Findings, KeyList, Overview, Results, Scripted
from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.counting import Numbers
from keysync_shell.core.model.keys import shown
from keysync_shell.core.model.systems import Systems
from keysync_shell.render.view import KEY, NUMBER, TEXT, Grid, View, counted, fixed, plain

Rows = Callable[[int | None], Iterator[tuple[Any, ...]]]


def view(result: Results) -> View:
    """What a command of this topic returned, ready to be written."""
    match result:
        case Overview():
            return status_view(result)
        case KeyList():
            return keys_view(result)
        case Findings():
            return findings_view(result)
        case Difference():
            return difference_view(result)
        case Scripted():
            return scripted_view(result)
        case _:
            assert_never(result)


def status_view(status: Overview) -> View:
    summary = status.summary
    counts = [system.as_data() for system in summary.systems]
    columns = {"system": TEXT} | dict.fromkeys(list(counts[0])[1:], NUMBER)
    rows = [tuple(system.values()) for system in counts]
    discrepancies = summary.discrepancies
    return View(
        data=lambda _: plain(summary),
        grid=Grid(columns, fixed(rows), len(rows), all=True, outline="double_outline", parts=(kinds.KINDS[0].plural,)),
        after=(
            f"{counted(summary.keys, 'key')} in all, {summary.in_sync:,} in every system. The authority is "
            f"{status.systems.authority}.",
            f"{counted(discrepancies.total, 'discrepancy', 'discrepancies')}: {_numbers(discrepancies)}."
            if discrepancies.total
            else f"No discrepancies. Every system holds what {status.systems.authority} holds.",
        ),
        exit_code=status.exit_code,
    )


def keys_view(found: KeyList) -> View:
    systems = found.systems

    def rows(most: int | None) -> Iterator[tuple[Any, ...]]:
        for key, canonical, mask, pattern in _head(found.rows, most).iter_rows():
            yield key, systems.pattern(mask), canonical, systems.pattern(pattern)

    columns = {"key": KEY, "systems": TEXT, "canonical": KEY, "pattern": TEXT}
    return _listing(columns, rows, len(found.rows), found.cap, "keys", "No key matches.")


def findings_view(found: Findings) -> View:
    systems = found.systems

    def rows(most: int | None) -> Iterator[tuple[Any, ...]]:
        for kind, mask, canonical, keys, form in _head(found.rows, most).iter_rows():
            yield kind, _systems(mask, systems), canonical, tuple(keys), form

    columns = {"kind": TEXT, "systems": TEXT, "canonical": KEY, "keys": KEY, "form": TEXT}
    view = _listing(columns, rows, len(found.rows), found.cap, "findings", "No discrepancies.")
    return View(view.data, view.grid, view.lines, view.after, exit_code=found.exit_code)


def difference_view(found: Difference) -> View:
    counts = dict(found.rows.group_by("sign").len().iter_rows())
    kinds = (("+", f"only in {found.right}"), ("-", f"only in {found.left}"), ("~", "respelled or with other rows"))
    summary = ", ".join(f"{sign} {counts[sign]:,} {what}" for sign, what in kinds if sign in counts)
    same = f"{found.left} and {found.right} hold the same {'rows' if found.by_system else 'keys'}."
    same = "" if found.columns else same
    head = [f"From {found.left} to {found.right}: {summary}"] if len(found.rows) else [same] if same else []
    other = [f"{one.system} has other columns: {_header(one.left)} → {_header(one.right)}" for one in found.columns]

    def rows(most: int | None) -> Iterator[tuple[Any, ...]]:
        for sign, system, key, became in _head(found.rows, most).iter_rows():
            yield (sign, system, key, became) if found.by_system else (sign, key, became)

    columns = {"sign": TEXT, "system": TEXT, "key": KEY, "became": KEY}
    if not found.by_system:
        del columns["system"]
    grid = _grid(columns, rows, len(found.rows), found.cap, outline="plain")
    return View(
        data=lambda records: {
            "left": found.left,
            "right": found.right,
            "counts": {"added": counts.get("+", 0), "removed": counts.get("-", 0), "altered": counts.get("~", 0)},
            "columns": [plain(one) for one in found.columns],
            "differences": records,
        },
        grid=grid,
        lines=(*head, *other),
        exit_code=found.exit_code,
    )


def scripted_view(script: Scripted) -> View:
    head = f"# From {shown(script.left)} to {shown(script.right)}"
    data = {"left": script.left, "right": script.right, "lines": list(script.lines)}
    return View(data=lambda _: data, exact=(head, *script.lines), exit_code=script.exit_code)


def _header(names: tuple[str, ...]) -> str:
    return ", ".join(map(shown, names))


def _listing(columns: dict[str, str], rows: Rows, total: int, cap: Cap, name: str, none: str) -> View:
    return View(
        data=lambda records: {"total": total, name: records},
        grid=_grid(columns, rows, total, cap),
        after=(none,) if total == 0 else (),
    )


def _grid(columns: dict[str, str], rows: Rows, total: int, cap: Cap, outline: str = "simple") -> Grid:
    return Grid(columns, rows, total, rest=cap.rest, limit=cap.limit, all=cap.all, outline=outline)


def _head(rows: pl.DataFrame, most: int | None) -> pl.DataFrame:
    return rows if most is None else rows.head(most)


def _systems(mask: int, systems: Systems) -> tuple[str, ...]:
    return systems.members(mask)


def _numbers(counts: Numbers) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
