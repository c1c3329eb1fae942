"""Keys that go with all their rows, and rows of which one is enough."""

from __future__ import annotations

from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.edits.matching import matching, not_matching
from keysync_shell.core.model import table
from keysync_shell.core.model.change import SystemChange, changes
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import KeyQuery


def remove(state: State, query: KeyQuery, systems: tuple[str, ...]) -> Edit:
    """Remove every row of the keys that match.

    Raises KeySyncError if no system has a matching key.
    """
    found = matching(state, query, systems)
    rows = {name: table.rows_of(state.tables[name], keys) for name, keys in found.items()}
    change = changes({name: SystemChange(gone, gone.clear()) for name, gone in rows.items()})
    return Edit(change, left_out=not_matching(query, found))


def without_repeats(state: State, query: KeyQuery, systems: tuple[str, ...]) -> Edit:
    """Of the matching keys that stand in several rows, keep the first row."""
    parts = {}
    for name in systems:
        rows = state.tables[name]
        repeated = table.distinct(rows[table.KEY].filter(rows[table.KEY].is_duplicated()))
        keys = query.matches(repeated)
        before = table.rows_of(rows, keys)
        parts[name] = SystemChange(before, before.unique(table.KEY, keep="first", maintain_order=True))
    return Edit(changes(parts))
