"""Words for changes: the summary after a command, the preview before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.counts import Counts
from keysync_shell.core.model.keys import safe
from keysync_shell.render.view import KEY, TEXT, Grid, View, plain
from keysync_shell.sandbox import Outcome
from keysync_shell.storage.operations import Operation, OperationKind

if TYPE_CHECKING:
    from keysync_shell.commands.history import Travelled


SIGNS = {"+": "added", "-": "removed", "~": "the same key with other rows"}  # of keys
REGISTRY = "registry"  # where a list names systems
RESPELL = (OperationKind.MODIFY, OperationKind.CORRUPT)  # what they alter goes without saying
ALTERED = "another spelling, or other columns"  # of rows


def outcome_view(outcome: Outcome) -> View:
    """One change; a table lists what it does only for a dry run."""
    return View(
        data=lambda rows: _data(outcome) | ({"changes": rows} if outcome.dry_run else {}),
        grid=_changes(outcome),
        talk=_talk(outcome),
        aside=not outcome.dry_run,
    )


def travelled_view(travelled: Travelled) -> View:
    """Steps of an undo or redo."""
    talk = [line for step in travelled.steps[:-1] for line in (_headline(step),)]
    return View(
        data=lambda _: {"way": travelled.way, "steps": [_data(step) for step in travelled.steps]},
        talk=(*talk, *_talk(travelled.steps[-1])),
    )


def preview(outcome: Outcome) -> list[str]:
    """What would happen, for somebody who has to approve it."""
    return [
        f"This would {outcome.kind.doing}: {what_changes(outcome.counts, outcome.master_keys)}.",
        *_left_out(outcome),
        *_delta_lines(outcome),
    ]


def changed(counts: Mapping[str, Counts], master_keys: Counts | None = None) -> str:
    """`B +2 −1 ~3, C +2`: rows added, removed, and changed in spelling or other columns; then the registry."""
    parts = [f"{name} {_numbers(count) or '±0'}" for name, count in counts.items()]
    return ", ".join([*parts, *_master_keys(master_keys)])


def what_changes(counts: Mapping[str, Counts], master_keys: Counts | None = None) -> str:
    """The same with the unit: `B +2 −1 rows, +1 master key`."""
    one = sum(map(_total, counts.values())) == 1
    told = [f"{changed(counts)} {'row' if one else 'rows'}"] if counts else []
    return ", ".join([*told, *_master_keys(master_keys)])


def _master_keys(count: Counts | None) -> list[str]:
    if count is None:
        return []
    return [f"{_numbers(count)} {'master key' if _total(count) == 1 else 'master keys'}"]


def _total(count: Counts) -> int:
    return count.added + count.removed + count.altered


def _numbers(count: Counts) -> str:
    numbers = (("+", count.added), ("−", count.removed), ("~", count.altered))
    return " ".join(f"{sign}{number:,}" for sign, number in numbers if number)


def deltas(before: Summary, after: Summary) -> list[str]:
    """`gaps D 0 → 12, E 3 → 0`: a line for each kind of discrepancy whose numbers moved."""
    lines = []
    for name in after.discrepancies:
        moved = [
            f"{old.name} {old.findings[name]:,} → {new.findings[name]:,}"
            for old, new in zip(before.systems, after.systems, strict=True)
            if old.findings[name] != new.findings[name]
        ]
        if moved:
            lines.append(f"{name} {', '.join(moved)}")
    return lines


def deltas_of_totals(totals: Sequence[Mapping[str, int]]) -> str:
    """`gaps +12, variants −3`: what an operation did to the totals before and after it."""
    if len(totals) != 2:
        return ""
    before, after = totals
    moved = ((name, after[name] - before.get(name, 0)) for name in after)
    return ", ".join(f"{name} {'+' if by > 0 else '−'}{abs(by):,}" for name, by in moved if by)


def signed(change: Change, most: int | None) -> Iterator[tuple[str, str, str]]:
    """`+ - ~`, system and key of what a change adds, removes and alters, up to a number."""
    left = most
    registry = {REGISTRY: change.master_keys} if change.master_keys else {}
    for name, part in {**change.parts, **registry}.items():
        for sign, keys in (("+", part.added), ("-", part.removed), ("~", part.altered)):
            for key in keys if left is None else keys.head(left):
                yield sign, name, key
            left = None if left is None else left - min(left, len(keys))


def signed_total(change: Change) -> int:
    """How many lines `signed` gives in all."""
    every = [*change.parts.values(), *([change.master_keys] if change.master_keys else [])]
    return sum(len(part.added) + len(part.removed) + len(part.altered) for part in every)


def _talk(outcome: Outcome) -> tuple[str, ...]:
    lines = [_headline(outcome)]
    kind = outcome.undid.kind if outcome.undid else outcome.kind
    if not outcome.dry_run and kind not in RESPELL and any(count.altered for count in outcome.counts.values()):
        lines.append(f"  ~ {ALTERED}")
    lines += _left_out(outcome)
    lines += [f"  note: {safe(note)}" for note in outcome.notes]
    if outcome.change.parts:
        lines += _delta_lines(outcome)
    if outcome.operation:
        lines.append(f"  @{outcome.operation.number} · next: {_next(outcome)}")
    return tuple(lines)


def _left_out(outcome: Outcome) -> list[str]:
    return [
        f"  {name}: {', '.join(f'{count:,} {why}' for why, count in reasons.items())}"
        for name, reasons in outcome.left_out.items()
    ]


def _headline(outcome: Outcome) -> str:
    done, doing = outcome.kind.done, outcome.kind.doing
    about = f" @{outcome.undid.number} {line_of(outcome.undid)}:" if outcome.undid else ":"
    if not outcome.change:
        return f"Nothing to {doing}; nothing was changed."
    what = what_changes(outcome.counts, outcome.master_keys)
    if outcome.dry_run:
        return f"Would {doing}{about} {what} (a dry run: nothing was changed)"
    return f"✓ {done}{about} {what}" + (" (not committed before the script ends)" if outcome.pending else "")


def line_of(operation: Operation) -> str:
    """The command line of an operation, or its kind where nobody typed one."""
    return safe(operation.line or operation.kind)


def _delta_lines(outcome: Outcome) -> list[str]:
    rows = "  ".join(f"{system.name} {system.rows:,}" for system in outcome.after.systems)
    total = outcome.after.discrepancies.total
    same = f"discrepancies unchanged ({total:,})" if total else "no discrepancies"
    moved = deltas(outcome.before, outcome.after) or [same]
    return [f"  rows: {rows}", *(f"  {line}" for line in moved)]


def _next(outcome: Outcome) -> str:
    back = "redo" if outcome.kind is OperationKind.UNDO else "undo"
    if not outcome.change.parts:
        return f"registry · {back}"
    return f"discrepancies · {back}" if outcome.after.discrepancies.total else f"status · {back}"


def _data(outcome: Outcome) -> dict[str, Any]:
    return {
        "kind": outcome.kind,
        "operation": outcome.operation.number if outcome.operation else None,
        "target": outcome.undid.number if outcome.undid else None,
        "dry_run": outcome.dry_run,
        "pending": outcome.pending,
        "counts": plain(outcome.counts),
        "lost": plain(outcome.lost),
        "master_keys": plain(outcome.master_keys),
        "left_out": plain(outcome.left_out),
        "notes": list(outcome.notes),
        "rows": {system.name: system.rows for system in outcome.after.systems},
        "discrepancies": {
            "before": plain(outcome.before.discrepancies),
            "after": plain(outcome.after.discrepancies),
        },
        "kept": [str(path) for path in outcome.kept],
    } | ({"digest": outcome.digest} if outcome.dry_run else {})


def _changes(outcome: Outcome) -> Grid:
    columns = {"sign": TEXT, "system": TEXT, "key": KEY}
    total = signed_total(outcome.change)
    return Grid(columns, lambda most: signed(outcome.change, most), total, outline="plain", legend=SIGNS)
