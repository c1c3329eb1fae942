"""Keys as they come → index and state of those canonical keys about which there is something to say.

A comparison needs keys, not rows, and most keys are in step. So spellings are brought together by hashing, and only
what is not in step is sorted and looked at; of the others there are numbers. Canonical groups do not depend on each
other, so findings, plans and proposals are those of the whole state.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from keysync_shell.core.findings.index import Index, Memo
from keysync_shell.core.findings.masks import MASK
from keysync_shell.core.findings.spellings import ALONE, found_alone, in_mixed_groups, spellings
from keysync_shell.core.findings.totals import count_parted
from keysync_shell.core.model import table
from keysync_shell.core.model.normalize import canonical
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import OnDemand, State
from keysync_shell.core.model.systems import Systems


def assess(keys: Mapping[str, pl.Series], systems: Systems, rules: Rules, registry: OnDemand) -> tuple[State, Index]:
    """State and index of the keys of each system, in any order and with repeats.

    Tables have no column but the keys. Rows that are in none of them count as `aside`.
    """
    held, again = _held(keys, systems)
    spelled = canonical(held["key"], rules).with_columns(held["mask"], held["repeats"])
    together = in_mixed_groups(spelled)
    simple = spelled if together is None else spelled.filter(~together)
    mixed = spellings(spelled.clear() if together is None else spelled.filter(together), systems)
    totals = count_parted(simple, mixed, systems)
    alone = simple.filter(found_alone(simple, systems)).with_columns(**ALONE)
    told = pl.concat([alone, mixed.select(alone.columns)]).sort("key")
    rows = told.select(spelled.columns)
    tables = {name: _table(name, rows, again, systems) for name in systems.names}
    aside = {name: len(keys[name]) - len(tables[name]) for name in systems.names}
    return State(systems, tables, registry, aside), Index(systems, rules, rows, totals, Memo(spelled=told))


def _held(keys: Mapping[str, pl.Series], systems: Systems) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Columns `key, mask, repeats`, one row a spelling, in no order; and who repeats them, as `_again`."""
    parts = [
        pl.LazyFrame({"key": keys[name]}).with_columns(bit=pl.lit(systems.bit(name), dtype=MASK))
        for name in systems.names
    ]
    both = pl.concat(parts).group_by("key").agg(mask=pl.col("bit").bitwise_or(), rows=pl.len())
    held = both.collect(engine="streaming")
    several = held["rows"] > held["mask"].bitwise_count_ones()
    again = _again(held.filter(several)["key"], keys, systems)
    repeats = again.group_by("key").agg(repeats=pl.col("bit").bitwise_or())
    return held.join(repeats, on="key", how="left").select("key", "mask", pl.col("repeats").fill_null(0)), again


def _again(some: pl.Series, keys: Mapping[str, pl.Series], systems: Systems) -> pl.DataFrame:
    """Columns `key, bit, rows`: how many rows of these spellings a system has, where it has several."""
    wanted = some.implode()
    parts = [
        pl.DataFrame({"key": keys[name].filter(keys[name].is_in(wanted))})
        .group_by("key")
        .agg(bit=pl.lit(systems.bit(name), dtype=MASK), rows=pl.len())
        for name in systems.names
    ]
    return pl.concat(parts).filter(pl.col("rows") > 1)


def _table(name: str, rows: pl.DataFrame, again: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """The keys of a system among the rows, in order, with repeats."""
    bit = systems.bit(name)
    once = rows.filter((pl.col("mask") & bit) != 0).select("key")
    more = again.filter(pl.col("bit") == bit)
    if len(more) == 0:
        return once
    extra = more.select(pl.col("key").repeat_by(pl.col("rows") - 1)).explode("key", empty_as_null=True)
    return once.merge_sorted(extra.sort("key"), table.KEY)
