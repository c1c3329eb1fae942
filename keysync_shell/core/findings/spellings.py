"""Rows of the index with what their canonical group says of them: what the table of kinds looks at."""

from __future__ import annotations

import polars as pl

from keysync_shell.core.findings.masks import MASK, forms
from keysync_shell.core.model.systems import Systems

# A spelling that is not its canonical key.
ODD = ~pl.col("plain") | (pl.col("key") != pl.col("canonical"))

# What `spellings` adds, of a spelling that is the only one of its canonical key.
ALONE = {
    "pattern": pl.col("mask"),
    "respelled": pl.lit(0, dtype=MASK),
    "repeated": pl.col("repeats"),
}


def described(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """As `spellings` of whole canonical groups, in no order: only groups with an odd spelling pay for the join."""
    mixed = in_mixed_groups(rows)
    if mixed is None:
        return rows.with_columns(**ALONE)
    return pl.concat([rows.filter(~mixed).with_columns(**ALONE), spellings(rows.filter(mixed), systems)])


def spellings(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """The rows with what their canonical group says of them.

    Adds `pattern` (mask of the group), `respelled` and `repeated` (systems where the group is a duplicate of that
    form; a group that is both counts as respelled). All are 0 where nothing was left.
    """
    group = rows.group_by("canonical").agg(
        pattern=pl.col("mask").bitwise_or(),
        respelled=_held_twice(systems),
        repeated=pl.col("repeats").bitwise_or(),
    )
    of_group = pl.col("pattern", "respelled", "repeated")
    return (
        rows.lazy()
        .join(group.lazy(), on="canonical", how="left", maintain_order="left")
        .with_columns(pl.when(pl.col("canonical") != "").then(of_group).otherwise(0).cast(MASK))
        .with_columns(pl.col("repeated") & ~pl.col("respelled"))
        .collect()
    )


def loud(rows: pl.DataFrame, systems: Systems) -> pl.Series:
    """Which rows belong to a canonical group about which there may be something to find."""
    alone, mixed = found_alone(rows, systems), in_mixed_groups(rows)
    return alone if mixed is None else alone | mixed


def found_alone(rows: pl.DataFrame, systems: Systems) -> pl.Series:
    """Which rows there is something to find about, if each is the only spelling of its canonical key."""
    some = pl.any_horizontal(form.systems != 0 for form in forms(systems))
    return rows.lazy().with_columns(**ALONE).select(some).collect().to_series()


def by_system(rows: pl.DataFrame, systems: Systems, mask: str) -> pl.DataFrame:
    """Each row once for each system in the column `mask`, in the order of the systems; adds its name as `system`."""
    pairs = [(value, name) for value in rows[mask].unique() for name in systems.members(value)]
    members = pl.DataFrame(pairs, schema={mask: MASK, "system": pl.String}, orient="row")
    return rows.join(members, on=mask, maintain_order="left_right")


def in_mixed_groups(rows: pl.DataFrame) -> pl.Series | None:
    """Which rows belong to a canonical group in which some spelling is not the canonical one; None if there is none."""
    others = rows.filter(ODD)["canonical"]
    return rows["canonical"].is_in(others.unique().implode()) if len(others) else None


def _held_twice(systems: Systems) -> pl.Expr:
    """The systems that hold several spellings of a group."""
    bits = [1 << i for i in range(len(systems.names))]
    return pl.sum_horizontal(pl.when(((pl.col("mask") & bit) != 0).sum() > 1).then(bit).otherwise(0) for bit in bits)
