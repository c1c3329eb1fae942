"""A value in another column than the key."""

from __future__ import annotations

import polars as pl

from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.edits.matching import matching
from keysync_shell.core.model import table
from keysync_shell.core.model.change import between, changes
from keysync_shell.core.model.keys import shown
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError


def set_value(state: State, query: KeyQuery, system: str, column: str, value: str) -> Edit:
    """Put a value into a column of every row of a key. Raises KeySyncError if there is no such key or column."""
    rows = state.tables[system]
    if column == table.KEY:
        raise KeySyncError("the key itself is no value", hint="Respell it with: modify-key KEY --to NEW")
    if column not in rows.columns:
        there = ", ".join(shown(name) for name in rows.columns if name != table.KEY)
        raise KeySyncError(f"{system} has no column {shown(column)}", hint=f"There is {there or 'only the key'}.")
    before = table.rows_of(rows, matching(state, query, (system,))[system])
    after = table.ordered(before.with_columns(pl.lit(value).alias(column)))
    return Edit(changes({system: between(before, after)}))
