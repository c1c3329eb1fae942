"""New keys with new rows."""

from __future__ import annotations

import polars as pl

from keysync_shell.core.edits.edit import Edit, leaving_out
from keysync_shell.core.model import table
from keysync_shell.core.model.change import SystemChange, changes
from keysync_shell.core.model.state import State


def add(state: State, keys: pl.Series, systems: tuple[str, ...], *, now: str) -> Edit:
    """Add keys (distinct, in order) to systems; those already there are left out."""
    parts, left_out = {}, {}
    for name in systems:
        rows = state.tables[name]
        there = table.holds(rows, keys)
        new = keys.filter(~there)
        parts[name] = SystemChange(rows.clear(), new_rows(new, name, rows.columns, now))
        left_out[name] = {"already there": int(there.sum())}
    return Edit(changes(parts), leaving_out(left_out))


def new_rows(keys: pl.Series, system: str, columns: list[str] | tuple[str, ...], now: str) -> pl.DataFrame:
    """Rows for new keys: `status` is active, `last_seen_at` is now (UTC, ISO 8601), unknown columns are empty."""
    values = {"last_seen_at": now, "system": system, "status": "active"}
    return pl.DataFrame({table.KEY: keys}).select(
        pl.col(table.KEY) if column == table.KEY else pl.lit(values.get(column, "")).alias(column) for column in columns
    )
