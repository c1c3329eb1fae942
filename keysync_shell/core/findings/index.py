"""The index: every spelling with its canonical key and the systems that hold it.

Built once from the tables, then updated by each change. All numbers come from it, so no two commands can
disagree. Its totals add up over canonical keys, so that after a change only the touched ones are counted anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from keysync_shell.core.findings.masks import MASK
from keysync_shell.core.findings.totals import Totals, count
from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.normalize import canonical
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems

MOST_TOUCHED = 100_000  # canonical keys, and changes, after which findings are listed anew
MOST_CHANGES = 256
MOST_COUNTED = 10_000  # rows; a change of more than these, and than there are spellings, is counted by counting all


@dataclass(eq=False)
class Memo:
    """The findings of an index once somebody asked for them (core.findings.listing), so that nobody lists them twice.

    After a change `rows` are the findings from before, and `touched` the canonical keys whose findings may differ.
    `spelled` are the rows about which there is something to find, as core.findings.spellings describes them, where
    somebody had to look at them before.
    """

    rows: pl.DataFrame | None = None
    spelled: pl.DataFrame | None = None
    touched: tuple[pl.Series, ...] = ()

    def after(self, touched: pl.Series) -> Memo:
        """To go on from; nothing where listing all anew would be cheaper."""
        every = (*self.touched, touched)
        if self.rows is None or sum(map(len, every)) > MOST_TOUCHED or len(every) > MOST_CHANGES:
            return Memo()
        return Memo(self.rows, touched=every)


@dataclass(frozen=True, eq=False)
class Index:
    """`rows`: one row a spelling, sorted by it: `key, canonical, plain, malformed, mask, repeats`.

    Bit i of `mask`: system i holds the spelling; of `repeats`: in more than one row. The others are as in
    core.model.normalize.
    """

    systems: Systems
    rules: Rules
    rows: pl.DataFrame
    totals: Totals
    memo: Memo = field(default_factory=Memo, repr=False)

    @classmethod
    def build(cls, state: State, rules: Rules) -> Index:
        """Count everything."""
        held = _held(state)
        rows = canonical(held["key"], rules).with_columns(held["mask"], held["repeats"])
        return cls(state.systems, rules, rows, count(rows, state.systems))

    def after(self, change: Change, state: State) -> Index:
        """The index of the state that the change led to: counted anew where the change is about most of it."""
        touched = sum(len(part.before) + len(part.after) for part in change.parts.values())
        if touched > MOST_COUNTED and touched > len(self.rows):
            return Index.build(state, self.rules)
        return self.updated(change)

    def updated(self, change: Change) -> Index:
        """The index after a change, equal to one built anew."""
        if not change.parts:
            return self
        bits = _touched_bits(self.systems, change)
        old = table.rows_of(self.rows, bits["key"])
        new = _after(old, bits, self.rules)
        groups = table.distinct(pl.concat([old["canonical"], new["canonical"]]))
        before = self.rows.filter(pl.col("canonical").is_in(groups.implode()))
        after = table.splice(before, bits["key"], new)
        totals = self.totals.moved(count(before, self.systems), count(after, self.systems))
        rows = table.splice(self.rows, bits["key"], new)
        return Index(self.systems, self.rules, rows, totals, self.memo.after(groups))

    def groups(self, rows: pl.DataFrame | None = None) -> pl.DataFrame:
        """One row a canonical key: `canonical, pattern, keys` (its spellings, in order).

        The pattern is a mask. Spellings of which nothing was left belong to no canonical key.
        """
        rows = self.rows if rows is None else rows
        return (
            rows.filter(pl.col("canonical") != "")
            .group_by("canonical", maintain_order=True)
            .agg(pattern=pl.col("mask").bitwise_or(), keys=pl.col("key"))
        )


def _held(state: State) -> pl.DataFrame:
    """Columns `key, mask, repeats`, one row a spelling, sorted by it."""
    merged, repeated = None, []
    for name in state.systems.names:
        keys, bit = state.keys(name), state.systems.bit(name)
        again = (keys == keys.shift()).fill_null(False)
        if again.any():
            repeated.append(pl.DataFrame({"key": keys.filter(again).unique()}).with_columns(bit=pl.lit(bit)))
            keys = keys.filter(~again)
        column = pl.LazyFrame({"key": keys}).with_columns(bit=pl.lit(bit, dtype=MASK))
        merged = column if merged is None else merged.merge_sorted(column, "key")
    assert merged is not None, "a sandbox has systems"
    held = _one_row_a_key(merged.collect())
    if not repeated:
        return held.with_columns(repeats=pl.lit(0, dtype=MASK))
    repeats = pl.concat(repeated).group_by("key").agg(repeats=pl.col("bit").sum())
    return held.join(repeats, on="key", how="left", maintain_order="left").with_columns(
        pl.col("repeats").fill_null(0).cast(MASK)
    )


def _one_row_a_key(rows: pl.DataFrame) -> pl.DataFrame:
    """Sum the bits of each run of one key: differences of a running sum, five times as fast as a group-by."""
    last = (rows["key"] != rows["key"].shift(-1)).fill_null(True)
    sums = rows["bit"].cast(pl.UInt64).cum_sum().filter(last)
    return pl.DataFrame({"key": rows["key"].filter(last), "mask": (sums - sums.shift(fill_value=0)).cast(MASK)})


def _touched_bits(systems: Systems, change: Change) -> pl.DataFrame:
    """Columns `key, clear, mask, repeats` per touched key: bits to forget, and bits to set."""
    sides = []
    for name, part in change.parts.items():
        bit = pl.lit(systems.bit(name), dtype=MASK)
        sides.append(part.before.lazy().select("key", bit=bit, there=pl.lit(False)))
        sides.append(part.after.lazy().select("key", bit=bit, there=pl.lit(True)))
    there = pl.col("there").sum()
    none = pl.lit(0, dtype=MASK)
    return (
        pl.concat(sides)
        .group_by("key", "bit")
        .agg(
            mask=pl.when(there > 0).then(pl.col("bit").first()).otherwise(none),
            repeats=pl.when(there > 1).then(pl.col("bit").first()).otherwise(none),
        )
        .group_by("key")
        .agg(clear=pl.col("bit").bitwise_or(), mask=pl.col("mask").bitwise_or(), repeats=pl.col("repeats").bitwise_or())
        .sort("key")
        .collect()
    )


def _after(old: pl.DataFrame, bits: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The rows of the touched keys after the change; keys that nobody holds any more are left out."""
    was = old.select("key", was="mask", was_repeats="repeats")
    keep = ~pl.col("clear")
    masks = bits.join(was, on="key", how="left", maintain_order="left").select(
        mask=pl.col("mask") | (pl.col("was").fill_null(0) & keep),
        repeats=pl.col("repeats") | (pl.col("was_repeats").fill_null(0) & keep),
    )
    return canonical(bits["key"], rules).with_columns(masks["mask"], masks["repeats"]).filter(pl.col("mask") != 0)
