"""How many rows a change adds, removes and alters: the unit of every number that is told about a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.change import SystemChange

NAMES = {table.KEY: pl.String, "new": pl.String}


@dataclass(frozen=True)
class Counts:
    """Rows of one system: `added − removed` is by how many it has more, or less, afterwards.

    `altered` rows go on, with other columns or another spelling of their key.
    """

    added: int = 0
    removed: int = 0
    altered: int = 0

    @property
    def inverse(self) -> Counts:
        return Counts(self.removed, self.added, self.altered)


def counted(part: SystemChange, renamed: Mapping[str, str] | None = None) -> Counts:
    """The numbers of a change of one system.

    A row goes on if its key does, or the key that it was `renamed` to (old spelling to new).
    """
    going_on = _going_on_renamed(part, renamed) if renamed else _going_on(part)
    removed, added = len(part.before) - going_on, len(part.after) - going_on
    return Counts(added, removed, altered=going_on - _untouched(part))


def _going_on(part: SystemChange) -> int:
    """How many rows have a partner of the same key on the other side."""
    return int(pl.select(pl.min_horizontal(part.alignment.before, part.alignment.after)).to_series().sum())


def _going_on_renamed(part: SystemChange, renamed: Mapping[str, str]) -> int:
    """The same where keys have new names."""
    names = pl.DataFrame({table.KEY: list(renamed), "new": list(renamed.values())}, schema_overrides=NAMES)
    before = part.before.select(table.KEY).join(names, on=table.KEY, how="left")
    one = before.group_by(pl.coalesce("new", table.KEY).alias(table.KEY)).len()
    both = one.join(part.after.group_by(table.KEY).len(), on=table.KEY)
    return int(both.select(pl.min_horizontal("len", "len_right")).to_series().sum())


def _untouched(part: SystemChange) -> int:
    """How many rows are the same on both sides: such rows share their key with others that are not."""
    if part.whole:
        return 0
    several = (part.alignment.before > 1) | (part.alignment.after > 1)
    if not several.any():
        return 0
    sides = zip((part.before, part.after), part.alignment.of_both(several), strict=True)
    one, other = (rows.filter(mask).group_by(rows.columns).len() for rows, mask in sides)
    both = one.join(other, on=part.before.columns, nulls_equal=True)
    return int(both.select(pl.min_horizontal("len", "len_right")).to_series().sum())
