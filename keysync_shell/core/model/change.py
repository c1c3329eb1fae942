"""What an operation changed: per system, the rows of every touched key before and after.

One shape for every edit, and for the registry of master keys. The inverse swaps the ends; changes in a row compose
to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from keysync_shell.core.model import table

SIDE = "\0side"  # the name of no column: a file cannot hold NUL


@dataclass(frozen=True, eq=False)
class SystemChange:
    """All rows of the touched keys of one system, before and after; both are key tables.

    Where the columns differ, both are the whole table.
    """

    before: pl.DataFrame
    after: pl.DataFrame

    @property
    def whole(self) -> bool:
        return self.before.columns != self.after.columns

    @property
    def keys(self) -> pl.Series:
        """The touched keys, distinct and in order."""
        return table.distinct(pl.concat([self.before[table.KEY], self.after[table.KEY]]))

    @property
    def added(self) -> pl.Series:
        """Keys that are there only afterwards."""
        return _only(self.after, self.before)

    @property
    def removed(self) -> pl.Series:
        """Keys that were there only before."""
        return _only(self.before, self.after)

    @property
    def altered(self) -> pl.Series:
        """Keys that stand on both sides with other rows."""
        if len(self.before) == 0 or len(self.after) == 0:
            return self.before[table.KEY].clear()
        keys = table.distinct(self.before[table.KEY])
        both = keys.filter(table.holds(self.after, keys))
        if self.whole or len(both) == 0:
            return both
        return between(table.rows_of(self.before, both), table.rows_of(self.after, both)).keys

    @property
    def inverse(self) -> SystemChange:
        return SystemChange(self.after, self.before)

    def applied(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The table after the change.

        Raises ValueError if the touched keys have other rows than the change was made on.
        """
        if self.whole:
            if not self.before.equals(rows):
                raise ValueError("the change was made on another table")
            return self.after
        keys = self.keys
        if not self.before.equals(table.rows_of(rows, keys)):
            raise ValueError("the change was made on other rows")
        return table.splice(rows, keys, self.after)

    def then(self, later: SystemChange) -> SystemChange:
        """Both changes as one."""
        if later.whole:
            return SystemChange(self.inverse.applied(later.before), later.after)
        if self.whole:
            return SystemChange(self.before, later.applied(self.after))
        new = later.keys.filter(~later.keys.is_in(self.keys.implode()))
        old = self.keys.filter(~self.keys.is_in(later.keys.implode()))
        before = table.splice(self.before, new, table.rows_of(later.before, new))
        after = table.splice(table.rows_of(self.after, old), later.keys, later.after)
        return between(before, after)


@dataclass(frozen=True)
class Change:
    """`parts[name]` for each system that really changes, `master_keys` if the registry does."""

    parts: Mapping[str, SystemChange] = field(default_factory=dict)
    master_keys: SystemChange | None = None

    def __bool__(self) -> bool:
        return bool(self.parts) or self.master_keys is not None

    @property
    def inverse(self) -> Change:
        registry = self.master_keys.inverse if self.master_keys else None
        return Change({name: part.inverse for name, part in self.parts.items()}, registry)

    def then(self, later: Change) -> Change:
        """Both changes as one; what the later one takes back is not in it."""
        parts = dict(self.parts)
        for name, part in later.parts.items():
            parts[name] = parts[name].then(part) if name in parts else part
        if self.master_keys and later.master_keys:
            return changes(parts, self.master_keys.then(later.master_keys))
        return changes(parts, self.master_keys or later.master_keys)


def changes(parts: Mapping[str, SystemChange], master_keys: SystemChange | None = None) -> Change:
    """A change of the systems whose rows really differ, and of the registry if it does."""
    differ = {name: part for name, part in parts.items() if not part.before.equals(part.after)}
    if master_keys and master_keys.before.equals(master_keys.after):
        master_keys = None
    return Change(differ, master_keys)


def between(before: pl.DataFrame, after: pl.DataFrame) -> SystemChange:
    """The change that leads from one table to another, only what really differs."""
    if before.columns != after.columns:
        return SystemChange(before, after)
    keys = _differing_keys(before, after)
    return SystemChange(table.rows_of(before, keys), table.rows_of(after, keys))


def _differing_keys(before: pl.DataFrame, after: pl.DataFrame) -> pl.Series:
    if len(before) == 0 or len(after) == 0:
        return table.distinct(pl.concat([before[table.KEY], after[table.KEY]]))
    side = pl.lit(-1, dtype=pl.Int32).alias(SIDE)
    both = before.with_columns(side).merge_sorted(after.with_columns(-side), table.KEY)
    unsettled = both.filter(~_settled(both))
    columns = before.columns
    unequal = unsettled.group_by(columns).agg(pl.col(SIDE).sum()).filter(pl.col(SIDE) != 0)
    return table.distinct(unequal[table.KEY])


def _settled(both: pl.DataFrame) -> pl.Series:
    """Rows of keys with exactly one row on each side, and the same one: nearly all, found without hashing."""
    key = pl.col(table.KEY)
    second = (
        pl.all_horizontal(pl.exclude(SIDE) == pl.exclude(SIDE).shift())
        & (pl.col(SIDE) != pl.col(SIDE).shift())
        & (key != key.shift(2)).fill_null(True)
        & (key != key.shift(-1)).fill_null(True)
    ).fill_null(False)
    return both.select(settled=second | second.shift(-1, fill_value=False))["settled"]


def _only(here: pl.DataFrame, there: pl.DataFrame) -> pl.Series:
    keys = table.distinct(here[table.KEY])
    return keys.filter(~table.holds(there, keys)) if len(keys) and len(there) else keys
