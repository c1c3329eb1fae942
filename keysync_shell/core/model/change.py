"""What an operation changed: per system, the rows of every touched key before and after.

One shape for every edit, and for the registry of master keys. The inverse swaps the ends; changes in a row compose
to one.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.alignment import Alignment


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

    @functools.cached_property
    def alignment(self) -> Alignment:
        """How many rows each touched key has before and after."""
        return Alignment.of(self.before[table.KEY], self.after[table.KEY])

    @property
    def keys(self) -> pl.Series:
        """The touched keys, distinct and in order."""
        return self.alignment.keys

    @property
    def added(self) -> pl.Series:
        """Keys that are there only afterwards."""
        return self.keys.filter(self.alignment.before == 0)

    @property
    def removed(self) -> pl.Series:
        """Keys that were there only before."""
        return self.keys.filter(self.alignment.after == 0)

    @property
    def altered(self) -> pl.Series:
        """Keys that stand on both sides with other rows."""
        both = (self.alignment.before > 0) & (self.alignment.after > 0)
        return self.keys.filter(both if self.whole else both & _unequal(self.alignment, self.before, self.after))

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
        if len(self.before) == len(rows):  # every row is touched
            before, after = rows, self.after
        else:
            before, after = table.exchanged(rows, self.keys, self.after)
        if not self.before.equals(before):
            raise ValueError("the change was made on other rows")
        return after

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
    alignment = Alignment.of(before[table.KEY], after[table.KEY])
    unequal = _unequal(alignment, before, after)
    if unequal.all():
        return SystemChange(before, after)
    if unequal.sum() <= table.FEW:
        keys = alignment.keys.filter(unequal)
        return SystemChange(table.rows_of(before, keys), table.rows_of(after, keys))
    of_before, of_after = alignment.of_both(unequal)
    return SystemChange(before.filter(of_before), after.filter(of_after))


def _unequal(alignment: Alignment, before: pl.DataFrame, after: pl.DataFrame) -> pl.Series:
    """For each key whether its rows differ: in number, or one by one, since both tables have one order."""
    even = alignment.before == alignment.after
    one, other = (rows.filter(mask) for rows, mask in zip((before, after), alignment.of_both(even), strict=True))
    columns = [name for name in before.columns if name != table.KEY]
    unlike = pl.Series(dtype=pl.Boolean).extend_constant(False, len(one))
    for name in columns:
        unlike |= one[name].ne_missing(other[name])
    return ~even | alignment.among(even, unlike)
