"""Whole systems with another content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from keysync_shell.core.edits.adding import new_rows
from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.model import table
from keysync_shell.core.model.change import between, changes
from keysync_shell.core.model.master_keys import table_of
from keysync_shell.core.model.state import State


def replace(
    state: State,
    tables: Mapping[str, pl.DataFrame],
    details: Mapping[str, str | int] | None = None,
    notes: Sequence[str] = (),
) -> Edit:
    """Put other tables in the place of those of some systems."""
    parts = {name: between(state.tables[name], rows) for name, rows in tables.items()}
    return Edit(changes(parts), notes=tuple(notes), details=details or {})


def renew(
    state: State,
    tables: Mapping[str, pl.DataFrame],
    details: Mapping[str, str | int] | None = None,
    master_keys: pl.DataFrame | None = None,
) -> Edit:
    """Begin anew with other tables, and with another registry: an empty one unless one is given.

    A master key that stayed would name a key of the systems that were there before.
    """
    parts = {name: between(state.tables[name], rows) for name, rows in tables.items()}
    registry = between(state.master_keys, table_of([]) if master_keys is None else master_keys)
    return Edit(changes(parts, registry), details=details or {})


def filled(state: State, keys: pl.Series, *, now: str) -> dict[str, pl.DataFrame]:
    """The same keys, with new rows, for every system."""
    return {name: new_rows(keys, name, table.COLUMNS, now) for name in state.systems.names}
