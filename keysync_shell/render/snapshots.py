"""Words for snapshots."""

from __future__ import annotations

from typing import assert_never

from keysync_shell.commands.snapshots import Deleted, Results, Saved, SnapshotList
from keysync_shell.core.model.keys import safe
from keysync_shell.render.view import MOMENT, NUMBER, PROSE, TEXT, Grid, View, fixed, plain


def view(result: Results) -> View:
    """What a command of this topic returned, ready to be written."""
    match result:
        case Saved():
            return saved_view(result)
        case Deleted():
            return deleted_view(result)
        case SnapshotList():
            return states_view(result)
        case _:
            assert_never(result)


def saved_view(saved: Saved) -> View:
    manifest = saved.manifest
    rows = "  ".join(f"{name} {record.rows:,}" for name, record in manifest.systems.items())
    where = f"{'to' if saved.verb != 'Imported' else 'from'} {safe(saved.path)}"
    return View(
        data=lambda _: {"verb": saved.verb.lower(), "path": saved.path, "snapshot": plain(manifest)},
        talk=(
            f"✓ {saved.verb} snapshot {manifest.name} {where}",
            f"  rows: {rows}",
            f"  next: load-state {manifest.name}",
        ),
    )


def deleted_view(deleted: Deleted) -> View:
    said = (
        f"Would delete snapshot {deleted.name} (a dry run)" if deleted.dry_run else f"✓ Deleted snapshot {deleted.name}"
    )
    return View(data=lambda _: plain(deleted), talk=(said,))


def states_view(states: SnapshotList) -> View:
    rows = [
        (
            manifest.name,
            manifest.created_at,
            manifest.author,
            sum(record.rows for record in manifest.systems.values()),
            sum(manifest.discrepancies.values()),
            manifest.note,
        )
        for manifest in states.manifests
    ]
    columns = {"name": TEXT, "saved_at": MOMENT, "author": TEXT, "rows": NUMBER, "discrepancies": NUMBER, "note": PROSE}
    return View(
        data=lambda _: {"snapshots": plain(states.manifests), "damaged": plain(states.damaged)},
        grid=Grid(columns, fixed(rows), len(rows), all=True),
        after=(
            *(() if rows else ("No snapshots yet; save-state NAME makes one.",)),
            *(safe(f"damaged: {why}") for why in states.damaged.values()),
        ),
    )
