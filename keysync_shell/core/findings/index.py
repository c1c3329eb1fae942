"""The index: every spelling with its canonical key and the systems that hold it.

Built once from the tables, then updated by each change. All numbers come from it, so no two commands can
disagree. `Totals` add up over canonical keys, so that after a change only the touched ones are counted anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.normalize import canonical
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems

MASK = pl.UInt32
MOST_TOUCHED = 100_000  # canonical keys, and changes, after which findings are listed anew
MOST_CHANGES = 256


@dataclass(frozen=True)
class Totals:
    """Counts that add up over canonical keys.

    `patterns[mask]`: canonical keys held by exactly those systems. The others are findings per system bit:
    `repeated` and `respelled` duplicates (one per canonical key), `variants` and `malformed` (one per spelling).
    """

    patterns: Counter[int]
    repeated: Counter[int]
    respelled: Counter[int]
    variants: Counter[int]
    malformed: Counter[int]

    def moved(self, gone: Totals, come: Totals) -> Totals:
        """These totals after some canonical keys were counted anew."""

        def settle(old: Counter[int], less: Counter[int], more: Counter[int]) -> Counter[int]:
            return Counter({k: n for k in {*old, *more} if (n := old[k] - less[k] + more[k])})

        return Totals(
            settle(self.patterns, gone.patterns, come.patterns),
            settle(self.repeated, gone.repeated, come.repeated),
            settle(self.respelled, gone.respelled, come.respelled),
            settle(self.variants, gone.variants, come.variants),
            settle(self.malformed, gone.malformed, come.malformed),
        )


@dataclass(eq=False)
class Memo:
    """The findings of an index once somebody asked for them (core.findings.listing), so that nobody lists them twice.

    After a change `rows` are the findings from before, and `touched` the canonical keys whose findings may differ.
    """

    rows: pl.DataFrame | None = None
    touched: tuple[pl.Series, ...] = ()

    def after(self, touched: pl.Series) -> Memo:
        """To go on from; nothing where listing all anew would be cheaper."""
        every = (*self.touched, touched)
        if self.rows is None or sum(map(len, every)) > MOST_TOUCHED or len(every) > MOST_CHANGES:
            return Memo()
        return Memo(self.rows, every)


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

    def updated(self, change: Change) -> Index:
        """The index after a change, equal to one built anew."""
        if not change:
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


def count(rows: pl.DataFrame, systems: Systems) -> Totals:
    """Totals of whole canonical groups: every spelling of each canonical key is among the rows."""
    totals = Totals(Counter(), Counter(), Counter(), Counter(), Counter())
    mixed = _mixed(rows)
    simple = rows if mixed is None else rows.filter(~mixed)
    for mask, repeats, number in simple.group_by("mask", "repeats").len().iter_rows():
        totals.patterns[mask] += number
        _add_bits(totals.repeated, repeats, number, systems)
    if mixed is not None:
        _count_mixed(spellings(rows.filter(mixed), systems), totals, systems)
    return totals


def _count_mixed(spelled: pl.DataFrame, totals: Totals, systems: Systems) -> None:
    """Add canonical groups in which some spelling is not the canonical one."""
    real = spelled.filter(pl.col("canonical") != "").unique("canonical")
    for pattern, repeated, respelled, number in real.group_by("pattern", "repeated", "respelled").len().iter_rows():
        totals.patterns[pattern] += number
        _add_bits(totals.repeated, repeated, number, systems)
        _add_bits(totals.respelled, respelled, number, systems)
    for mask, variant, malformed, number in spelled.group_by("mask", "variant", "malformed").len().iter_rows():
        _add_bits(totals.variants, mask if variant else 0, number, systems)
        _add_bits(totals.malformed, mask if malformed else 0, number, systems)


def described(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """As `spellings` of whole canonical groups, in no order: only groups with an odd spelling pay for the join."""
    mixed = _mixed(rows)
    none = pl.lit(0, dtype=MASK)
    simple = (rows if mixed is None else rows.filter(~mixed)).with_columns(
        pattern="mask", respelled=none, repeated="repeats", variant=pl.lit(False)
    )
    return simple if mixed is None else pl.concat([simple, spellings(rows.filter(mixed), systems)])


def spellings(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """The rows with what their canonical group says of them.

    Adds `pattern` (mask of the group), `respelled` and `repeated` (systems where the group is a duplicate of that
    form; a group that is both counts as respelled) and `variant`. All are 0 or false where nothing was left.
    """
    authority = systems.authority_bit
    real = pl.col("canonical") != ""
    group = rows.group_by("canonical").agg(
        pattern=pl.col("mask").bitwise_or(),
        any_repeat=pl.col("repeats").bitwise_or(),
        respelled=_held_twice(systems),
    )
    known = (pl.col("pattern") & authority) != 0
    spelled_by_authority = (pl.col("mask") & authority) != 0
    nothing = pl.when(real).then(pl.col("pattern", "any_repeat", "respelled")).otherwise(0).cast(MASK)
    return (
        rows.lazy()
        .join(group.lazy(), on="canonical", how="left", maintain_order="left")
        .with_columns(nothing)
        .with_columns(
            repeated=pl.col("any_repeat") & ~pl.col("respelled"),
            variant=real & ~spelled_by_authority & (known | ~pl.col("plain")),
        )
        .drop("any_repeat")
        .collect()
    )


def by_system(rows: pl.DataFrame, systems: Systems, mask: str) -> pl.DataFrame:
    """Each row once for each system in the column `mask`, in the order of the systems; adds its name as `system`."""
    pairs = [(value, name) for value in rows[mask].unique() for name in systems.members(value)]
    members = pl.DataFrame(pairs, schema={mask: MASK, "system": pl.String}, orient="row")
    return rows.join(members, on=mask, maintain_order="left_right")


def _mixed(rows: pl.DataFrame) -> pl.Series | None:
    """Which rows belong to a canonical group in which some spelling is not the canonical one; None if there is none."""
    odd = rows.filter(~pl.col("plain") | (pl.col("key") != pl.col("canonical")))["canonical"]
    return rows["canonical"].is_in(odd.unique().implode()) if len(odd) else None


def _held_twice(systems: Systems) -> pl.Expr:
    """The systems that hold several spellings of a group."""
    bits = [1 << i for i in range(len(systems.names))]
    return pl.sum_horizontal(pl.when(((pl.col("mask") & bit) != 0).sum() > 1).then(bit).otherwise(0) for bit in bits)


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


def _add_bits(counter: Counter[int], mask: int, number: int, systems: Systems) -> None:
    for i in range(len(systems.names)):
        if mask >> i & 1:
            counter[1 << i] += number
