"""Rows that go from one system to others."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from keysync_shell.core.edits.edit import Edit, leaving_out
from keysync_shell.core.edits.matching import matching
from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change, SystemChange, changes
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError


def copy(state: State, query: KeyQuery, source: str, targets: tuple[str, ...]) -> Edit:
    """Carry the rows of the matching keys from one system to others.

    The column `system` gets the target's name. Columns that the target lacks are dropped, those that it has more
    stay empty; keys already there are left out.
    """
    return _copied(state, _rows(state, query, source, targets), source, targets)


def copy_once(state: State, query: KeyQuery, source: str, targets: tuple[str, ...]) -> Edit:
    """As `copy`, but of each key only the first row."""
    rows = _rows(state, query, source, targets)
    return _copied(state, rows.unique(table.KEY, keep="first", maintain_order=True), source, targets)


def move(state: State, query: KeyQuery, source: str, targets: tuple[str, ...]) -> Edit:
    """As `copy`, and take all the rows away at the source, also those of keys that the targets have already."""
    rows = _rows(state, query, source, targets)
    edit = _copied(state, rows, source, targets)
    arrived = table.distinct(pl.concat([rows[table.KEY].clear(), *(part.added for part in edit.change.parts.values())]))
    return replace(
        edit,
        change=Change({**edit.change.parts, source: SystemChange(rows, rows.clear())}),
        carried={source: int(rows[table.KEY].is_in(arrived.implode()).sum())},
    )


def _rows(state: State, query: KeyQuery, source: str, targets: tuple[str, ...]) -> pl.DataFrame:
    """What is to be carried. Raises KeySyncError if it would go where it is, NoSuchKey if there is nothing."""
    if source in targets:
        raise KeySyncError(f"{source} is both the source and a target", hint="Name other systems after --to.")
    return table.rows_of(state.tables[source], matching(state, query, (source,))[source])


def _copied(state: State, carried: pl.DataFrame, source: str, targets: tuple[str, ...]) -> Edit:
    parts, left_out, notes = {}, {}, []
    keys = table.distinct(carried[table.KEY])
    for name in targets:
        rows = state.tables[name]
        new = carried.filter(~table.holds(rows, carried[table.KEY]))
        parts[name] = SystemChange(rows.clear(), _fitted(new, rows.columns, source, name))
        left_out[name] = {"already there": int(table.holds(rows, keys).sum())}
        if lost := [column for column in carried.columns if column not in rows.columns]:
            notes.append(f"{name} has no column {', '.join(lost)}: not carried")
    return Edit(changes(parts), leaving_out(left_out), tuple(notes))


def _fitted(rows: pl.DataFrame, columns: list[str], source: str, target: str) -> pl.DataFrame:
    """The rows in the target's columns."""
    if "system" in rows.columns:
        own = pl.col("system") == source
        rows = rows.with_columns(system=pl.when(own).then(pl.lit(target)).otherwise(pl.col("system")))
    fitted = rows.select(pl.col(column) if column in rows.columns else pl.lit("").alias(column) for column in columns)
    return table.ordered(fitted)
