"""The state of a sandbox: one key table per system, and the registry of master keys. Immutable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.master_keys import table_of
from keysync_shell.core.model.systems import Systems


class OnDemand:
    """A table that is read when somebody first asks for it: few commands ask for the registry."""

    def __init__(self, read: Callable[[], pl.DataFrame]) -> None:
        self._read = read
        self._table: pl.DataFrame | None = None

    @property
    def table(self) -> pl.DataFrame:
        if self._table is None:
            self._table = self._read()
        return self._table


@dataclass(frozen=True, eq=False)
class State:
    """`tables[name]` is a key table (see core.table) for each of `systems.names`.

    `aside` counts rows that are in no table, where only keys that are not in step were kept (core.findings.assessing).
    """

    systems: Systems
    tables: Mapping[str, pl.DataFrame]
    registry: OnDemand = field(default_factory=lambda: OnDemand(lambda: table_of([])))
    aside: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def empty(cls, systems: Systems) -> State:
        return cls(systems, {name: table.empty() for name in systems.names})

    def apply(self, change: Change) -> State:
        """The state after the change; untouched tables are shared, not copied.

        Raises ValueError if the change was made on other rows.
        """
        after = {name: part.applied(self.tables[name]) for name, part in change.parts.items()}
        registry = self.registry
        if change.master_keys:
            after_it = change.master_keys.applied(self.master_keys)
            registry = OnDemand(lambda: after_it)
        return replace(self, tables={**self.tables, **after}, registry=registry)

    @property
    def master_keys(self) -> pl.DataFrame:
        """The registry as a table (see core.model.master_keys)."""
        return self.registry.table

    def keys(self, name: str) -> pl.Series:
        """The keys of one system, in order, with repeats."""
        return self.tables[name][table.KEY]

    def rows(self, name: str) -> int:
        return len(self.tables[name]) + self.aside.get(name, 0)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, State)
            and self.systems == other.systems
            and self.aside == other.aside
            and all(self.tables[name].equals(other.tables[name]) for name in self.systems.names)
            and self.master_keys.equals(other.master_keys)
        )

    __hash__ = None  # type: ignore[assignment]  # tables have no cheap hash, and nobody needs one
