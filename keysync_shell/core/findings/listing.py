"""Findings: every discrepancy between the systems, read from the index.

Each check returns its findings as a table with the columns of `FINDING`; CHECKS lists the checks. `counting` counts
the same findings, without listing them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from keysync_shell.core.findings.index import MASK, Index, spellings
from keysync_shell.core.findings.kinds import KINDS
from keysync_shell.core.model import table
from keysync_shell.core.model.systems import Systems

PolarsDataType = DataType | DataTypeClass

# `systems` is a mask: one bit, but for an unauthorized key the bits of all that hold it.
FINDING: dict[str, PolarsDataType] = {
    "kind": pl.String,
    "systems": MASK,
    "canonical": pl.String,
    "keys": pl.List(pl.String),
    "form": pl.String,
}
PLACES = {kind: i for i, kind in enumerate(KINDS)}
ORDER = (
    pl.col("kind").replace_strict(PLACES, return_dtype=pl.Int32),
    pl.col("canonical"),
    pl.col("systems"),
    pl.col("keys").list.first(),
)


def findings(index: Index, kinds: Collection[str] = tuple(KINDS), system: str | None = None) -> pl.DataFrame:
    """The findings themselves, sorted by kind (in the order of KINDS), canonical key and system."""
    found = _every(index)
    if set(kinds) != set(KINDS):
        found = found.filter(pl.col("kind").is_in(list(kinds)))
    if system is not None:
        found = found.filter((pl.col("systems") & index.systems.bit(system)) != 0)
    return found


def _every(index: Index) -> pl.DataFrame:
    """All findings. They stay with the index, so that after a change only touched canonical keys are listed anew."""
    memo = index.memo
    if memo.rows is None:
        memo.rows = _listed(_suspects(index), index.systems)
    elif memo.touched:
        groups = table.distinct(pl.concat(memo.touched)).implode()
        old = memo.rows.filter(~pl.col("canonical").is_in(groups))
        new = _listed(index.rows.filter(pl.col("canonical").is_in(groups)), index.systems)
        memo.rows = pl.concat([old, new]).sort(*ORDER) if len(new) else old
    memo.touched = ()
    return memo.rows


def _listed(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """The findings about whole canonical groups."""
    spelled = spellings(rows, systems).lazy()
    return pl.concat([check(spelled, systems) for check in CHECKS.values()]).sort(*ORDER).collect()


def _gaps(rows: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """The authority holds the key, this system does not; the spellings are the authority's."""
    bit = systems.authority_bit
    known = rows.filter((pl.col("mask") & bit) != 0, pl.col("canonical") != "", pl.col("pattern") != systems.all_bits)
    groups = known.group_by("canonical").agg(pl.col("pattern").first(), keys="key")
    return _finding("gap", _each(groups, systems).filter((pl.col("pattern") & pl.col("systems")) == 0))


def _unauthorized(rows: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """Some system holds the key, the authority does not."""
    unknown = rows.filter((pl.col("pattern") & systems.authority_bit) == 0, pl.col("canonical") != "")
    return _finding("unauthorized", unknown.group_by("canonical").agg(systems=pl.col("pattern").first(), keys="key"))


def _duplicates(rows: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """This system holds the key in several rows: repeated, or respelled."""
    held = _held(rows.filter((pl.col("repeated") | pl.col("respelled")) != 0), systems)
    form = (
        pl.when((pl.col("respelled") & pl.col("systems")) != 0)
        .then(pl.lit("respelled"))
        .when((pl.col("repeated") & pl.col("systems")) != 0)
        .then(pl.lit("repeated"))
    )
    twice = held.with_columns(form=form).filter(pl.col("form").is_not_null())
    return _finding("duplicate", twice.group_by("canonical", "systems", "form").agg(keys="key"), pl.col("form"))


def _variants(rows: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """This system spells the key as the authority does not."""
    return _finding("variant", _held(rows.filter("variant"), systems).with_columns(keys=pl.concat_list("key")))


def _malformed(rows: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """Normalization had to throw characters of this spelling away, or nothing of it was left."""
    return _finding("malformed", _held(rows.filter("malformed"), systems).with_columns(keys=pl.concat_list("key")))


# A new check is a function and a line here, its name in KINDS and a count in Discrepancies.
CHECKS: dict[str, Callable[[pl.LazyFrame, Systems], pl.LazyFrame]] = {
    "gap": _gaps,
    "unauthorized": _unauthorized,
    "duplicate": _duplicates,
    "variant": _variants,
    "malformed": _malformed,
}


def _suspects(index: Index) -> pl.DataFrame:
    """The rows of every canonical group about which there may be something to find."""
    all_bits = index.systems.all_bits
    quiet = pl.col("plain") & (pl.col("key") == pl.col("canonical"))
    loud = index.rows.filter(~(quiet & (pl.col("mask") == all_bits) & (pl.col("repeats") == 0)))
    return index.rows.filter(pl.col("canonical").is_in(loud["canonical"].unique().implode()))


def _each(rows: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """Each row once for each system, with its bit in `systems`."""
    bits = pl.LazyFrame({"systems": [systems.bit(name) for name in systems.names]}, schema={"systems": MASK})
    return rows.join(bits, how="cross")


def _held(rows: pl.LazyFrame, systems: Systems) -> pl.LazyFrame:
    """Each spelling once for each system that holds it."""
    return _each(rows, systems).filter((pl.col("mask") & pl.col("systems")) != 0)


def _finding(kind: str, rows: pl.LazyFrame, form: pl.Expr | None = None) -> pl.LazyFrame:
    said = pl.lit("") if form is None else form
    return rows.with_columns(kind=pl.lit(kind), form=said).select(
        pl.col(name).cast(dtype) for name, dtype in FINDING.items()
    )
