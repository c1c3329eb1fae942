"""Findings: every discrepancy between the systems, read from the index. `counting` counts the same without listing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from keysync_shell.core.findings import kinds, masks
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.kinds import About
from keysync_shell.core.findings.masks import MASK, Form
from keysync_shell.core.findings.spellings import described, loud
from keysync_shell.core.model import table
from keysync_shell.core.model.systems import Systems

PolarsDataType = DataType | DataTypeClass

# `systems` is a mask: one bit, but for a kind that is about a canonical key in all of them. `keys` are the spellings
# that these systems hold; where they hold none, as of a gap, those of the authority.
FINDING: dict[str, PolarsDataType] = {
    "kind": pl.String,
    "systems": MASK,
    "canonical": pl.String,
    "keys": pl.List(pl.String),
    "form": pl.String,
}


def findings(
    index: Index, wanted: Collection[str] | None = None, systems: Collection[str] | None = None
) -> pl.DataFrame:
    """The findings themselves, sorted by kind (in the order of KINDS), canonical key and system."""
    if wanted is not None and index.memo.rows is None:
        some = [form for form in masks.forms(index.systems) if form.kind.name in wanted]
        listed = _listed(_spelled(index), index.systems, some) if some else pl.DataFrame(schema=FINDING)
    else:
        listed = _every(index)
    if wanted is not None:
        listed = listed.filter(pl.col("kind").is_in(list(wanted)))
    if systems is not None:
        listed = listed.filter((pl.col("systems") & index.systems.mask(systems)) != 0)
    return listed


def place_of_kind() -> pl.Expr:
    """The place in KINDS of what the column `kind` names: everything is told in that order."""
    places = {name: place for place, name in enumerate(kinds.names())}
    return pl.col("kind").replace_strict(places, return_dtype=pl.Int32)


def _every(index: Index) -> pl.DataFrame:
    """All findings. They stay with the index, so that after a change only touched canonical keys are listed anew."""
    memo = index.memo
    if memo.rows is None:
        memo.rows = _listed(_spelled(index), index.systems, masks.forms(index.systems))
    elif memo.touched:
        groups = table.distinct(pl.concat(memo.touched)).implode()
        old = memo.rows.filter(~pl.col("canonical").is_in(groups))
        new = described(index.rows.filter(pl.col("canonical").is_in(groups)), index.systems)
        new = _listed(new, index.systems, masks.forms(index.systems))
        memo.rows = _ordered(pl.concat([old, new])) if len(new) else old
    memo.touched = ()
    return memo.rows


def _spelled(index: Index) -> pl.DataFrame:
    """The rows about which there is something to find, as `described` gives them."""
    if index.memo.spelled is None:
        rows = index.rows.filter(loud(index.rows, index.systems))
        index.memo.spelled = described(rows, index.systems)
    return index.memo.spelled


def _listed(spelled: pl.DataFrame, systems: Systems, forms: Sequence[Form]) -> pl.DataFrame:
    """The findings of some forms about whole canonical groups, which are as `described` gives them."""
    return _ordered(pl.concat([_found(form, spelled.lazy(), systems) for form in forms]).collect())


def _ordered(found: pl.DataFrame) -> pl.DataFrame:
    return found.sort(place_of_kind(), "canonical", "systems", pl.col("keys").list.first())


def _found(form: Form, rows: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """The findings of one form of a kind, with the columns of FINDING."""
    found = rows.with_columns(systems=form.systems).filter(pl.col("systems") != 0)
    match form.kind.about:
        case About.KEY:
            told = _of_keys(found, systems)
        case About.KEY_IN_SYSTEM:
            told = _of_keys_in_systems(found, systems)
        case About.SPELLING:
            told = _each(found, systems).with_columns(keys=pl.concat_list("key"))
    return told.with_columns(kind=pl.lit(form.kind.name), form=pl.lit(form.form)).select(
        pl.col(name).cast(dtype) for name, dtype in FINDING.items()
    )


def _of_keys(found: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """One row for each canonical key, with the spellings that the systems of the finding hold.

    Where they hold none, those of the authority; where that holds none either, all.
    """
    held, ours = pl.col("pattern") & pl.col("systems"), pl.col("pattern") & systems.authority_bit
    holders = pl.when(held != 0).then(held).when(ours != 0).then(ours).otherwise("pattern")
    told = found.filter((pl.col("mask") & holders) != 0)
    return told.group_by("canonical").agg(pl.col("systems").first(), keys="key")


def _of_keys_in_systems(found: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """The same, one row for each canonical key and system.

    What systems lack is mostly lacked by many, with the same spellings: so keys come together before systems part.
    """
    here, lacking = pl.col("systems") & pl.col("pattern"), pl.col("systems") & ~pl.col("pattern")
    holding = _each(found.with_columns(systems=here).filter(pl.col("systems") != 0), systems)
    held = holding.filter((pl.col("mask") & pl.col("systems")) != 0).group_by("canonical", "systems").agg(keys="key")
    lacked = _each(_of_keys(found.with_columns(systems=lacking).filter(pl.col("systems") != 0), systems), systems)
    return pl.concat([held, lacked])


def _each(found: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """Each row once for each system of its mask `systems`, with that bit alone."""
    bits = pl.LazyFrame({"bit": [systems.bit(name) for name in systems.names]}, schema={"bit": MASK})
    each = found.join(bits, how="cross").filter((pl.col("systems") & pl.col("bit")) != 0)
    return each.with_columns(systems="bit").drop("bit")
