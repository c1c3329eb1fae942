"""The state of a sandbox: one key table per system. Immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.systems import Systems


@dataclass(frozen=True, eq=False)
class State:
    """`tables[name]` is a key table (see core.table) for each of `systems.names`."""

    systems: Systems
    tables: Mapping[str, pl.DataFrame]

    @classmethod
    def empty(cls, systems: Systems) -> State:
        return cls(systems, {name: table.empty() for name in systems.names})

    def apply(self, change: Change) -> State:
        """The state after the change; untouched tables are shared, not copied.

        Raises ValueError if the change was made on other rows.
        """
        after = {name: part.applied(self.tables[name]) for name, part in change.parts.items()}
        return replace(self, tables={**self.tables, **after})

    def keys(self, name: str) -> pl.Series:
        """The keys of one system, in order, with repeats."""
        return self.tables[name][table.KEY]

    def rows(self, name: str) -> int:
        return len(self.tables[name])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, State)
            and self.systems == other.systems
            and all(self.tables[name].equals(other.tables[name]) for name in self.systems.names)
        )

    __hash__ = None  # type: ignore[assignment]  # tables have no cheap hash, and nobody needs one
