"""Rows that go from one system to others."""

from __future__ import annotations

import polars as pl

from keysync_shell.core.edits.edit import Edit, counted
from keysync_shell.core.edits.matching import matching
from keysync_shell.core.model import table
from keysync_shell.core.model.change import SystemChange, changes
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError


def copy(state: State, query: KeyQuery, source: str, targets: tuple[str, ...], *, move: bool = False) -> Edit:
    """Carry the rows of the matching keys from one system to others; `move` takes them away at the source.

    The column `system` gets the target's name. Columns that the target lacks are dropped, those that it has more
    stay empty; keys already there are left out.
    """
    if source in targets:
        raise KeySyncError(f"{source} is both the source and a target", hint="Name other systems after --to.")
    keys = matching(state, query, (source,))[source]
    carried = table.rows_of(state.tables[source], keys)
    parts, left_out, notes = {}, {}, []
    for name in targets:
        rows = state.tables[name]
        new = carried.filter(~table.holds(rows, carried[table.KEY]))
        parts[name] = SystemChange(rows.clear(), _fitted(new, rows.columns, source, name))
        left_out[name] = {"already there": int(table.holds(rows, keys).sum())}
        if lost := [column for column in carried.columns if column not in rows.columns]:
            notes.append(f"{name} has no column {', '.join(lost)}: not carried")
    if move:
        parts[source] = SystemChange(carried, carried.clear())
    return Edit(changes(parts), counted(left_out), tuple(notes))


def _fitted(rows: pl.DataFrame, columns: list[str], source: str, target: str) -> pl.DataFrame:
    """The rows in the target's columns."""
    if "system" in rows.columns:
        own = pl.col("system") == source
        rows = rows.with_columns(system=pl.when(own).then(pl.lit(target)).otherwise(pl.col("system")))
    fitted = rows.select(pl.col(column) if column in rows.columns else pl.lit("").alias(column) for column in columns)
    return table.ordered(fitted)
