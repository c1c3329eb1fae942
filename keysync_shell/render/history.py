"""Words for what was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from keysync_shell.commands.history import Bisected, Operations, Results, Shown, Touches, Travelled
from keysync_shell.core.model.change import SystemChange
from keysync_shell.core.model.keys import safe, shown
from keysync_shell.render.changes import SIGNS, changed, deltas_of_totals, line_of, signed, signed_total, travelled_view
from keysync_shell.render.view import KEY, MOMENT, OPERATION, TEXT, Grid, View, counted, fixed, plain
from keysync_shell.storage.operations import Operation

WHO = ("number", "time", "kind", "line", "user", "host", "source", "target")
FIELDS = (*WHO, "counts", "unknown", "master_keys", "discrepancies", "details")


def view(result: Results) -> View:
    """What a command of this topic returned, ready to be written."""
    match result:
        case Travelled():
            return travelled_view(result)
        case Operations():
            return log_view(result)
        case Shown():
            return shown_view(result)
        case Touches():
            return blame_view(result)
        case Bisected():
            return bisected_view(result)
        case _:
            assert_never(result)


def log_view(log: Operations) -> View:
    columns = {
        "number": OPERATION,
        "time": MOMENT,
        "kind": TEXT,
        "user": TEXT,
        "host": TEXT,
        "source": TEXT,
        "command": TEXT,
        "changed": TEXT,
        "discrepancies": TEXT,
    }
    rows = [_row(operation) for operation in log.operations]
    after = ("No operations.",) if not rows else (f"Older ones: {log.older}",) if log.older else ()
    return View(
        data=lambda _: {"operations": [_data(operation) for operation in log.operations], "more": bool(log.older)},
        grid=Grid(columns, fixed(rows), len(rows), all=True, hidden=("kind", "user", "host", "source")),
        after=after,
    )


def shown_view(found: Shown) -> View:
    """The operation, and `+ - ~` per system."""
    operation = found.operation
    about = [f"{safe(operation.kind)} by {safe(operation.user)}@{safe(operation.host)} ({operation.source})"]
    about += [safe(operation.line)] if operation.line else []
    return View(
        data=lambda rows: {"operation": _data(operation), "changes": rows},
        grid=Grid(
            {"sign": TEXT, "system": TEXT, "key": KEY},
            lambda most: signed(found.change, most),
            signed_total(found.change),
            rest=f"log show @{operation.number} --format csv",
            outline="plain",
            legend=SIGNS,
        ),
        lines=(f"@{operation.number}  {operation.time}  {', '.join(about)}",),
    )


def blame_view(blame: Touches) -> View:
    columns = {"number": OPERATION, "time": MOMENT, "user": TEXT, "command": TEXT, "changed": TEXT}
    rows = [
        (op.number, op.time, op.user, op.line or op.kind, ", ".join(_touched(parts, blame.key)))
        for op, parts in blame.touches
    ]
    return View(
        data=lambda _: {
            "key": blame.key,
            "operations": [_data(op) | {"touched": _touched(parts, blame.key)} for op, parts in blame.touches],
        },
        grid=Grid(columns, fixed(rows), len(rows), all=True),
        lines=(f"{shown(blame.key)}: {counted(len(rows), 'operation')}, oldest first",),
    )


def bisected_view(found: Bisected) -> View:
    first = found.turns[0] if found.turns else None
    return View(
        data=lambda _: {
            "condition": found.condition,
            "operation": _data(first.operation) if first else None,
            "before": first.before if first else found.now,
            "after": first.after if first else found.now,
            "turns": [plain(turn) | {"operation": turn.operation.number} for turn in found.turns],
            "exit_code": found.exit_code,
        },
        lines=tuple(_turns(found)),
        exit_code=found.exit_code,
    )


def _turns(found: Bisected) -> Iterator[str]:
    """The first turns in full, and how it is now."""
    if not found.turns:
        yield f"{safe(found.condition)} still holds (now {found.now:,})."
    for turn, what in zip(found.turns, (f"{safe(found.condition)} no longer holds", "It holds again"), strict=False):
        numbers = f"{turn.before:,} → {turn.after:,}"
        yield f"{what} since @{turn.operation.number} ({numbers}): {line_of(turn.operation)}"
    if len(found.turns) > 2:
        last = found.turns[-1]
        how = "it holds" if last.holds else "it does not hold"
        yield f"Since then {counted(len(found.turns) - 2, 'more turn')}; now {how}, since @{last.operation.number}."


def _row(operation: Operation) -> tuple[Any, ...]:
    about = f"of @{operation.target}: " if operation.target is not None else ""
    return (
        operation.number,
        operation.time,
        operation.kind,
        operation.user,
        operation.host,
        operation.source,
        operation.line or operation.kind,
        about + (", ".join(_moved(operation)) or "nothing"),
        deltas_of_totals(operation.discrepancies),
    )


def _moved(operation: Operation) -> list[str]:
    known = changed(operation.counts, operation.master_keys)
    damaged = ["damaged in the log"] if operation.damaged else []
    return [*([known] if known else []), *(f"{name} unknown" for name in operation.unknown), *damaged]


def _data(operation: Operation) -> dict[str, Any]:
    return {name: plain(getattr(operation, name)) for name in FIELDS}


def _touched(parts: Mapping[str, SystemChange], key: str) -> list[str]:
    return [f"{sign}{name}" for name, part in parts.items() for sign in _signs(part, key)]


def _signs(part: SystemChange, key: str) -> Iterator[str]:
    before, after = (rows.filter(rows["key"] == key) for rows in (part.before, part.after))
    if len(before) and len(after):
        if not before.equals(after):
            yield "~"
    elif len(before) or len(after):
        yield "+" if len(after) else "-"
