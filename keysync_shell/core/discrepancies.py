"""Findings: every discrepancy between the systems, read from the index.

Each check returns its findings as a table with the columns of `FINDING`; CHECKS lists the checks. The numbers of
`summarize` count the same findings, without listing them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from keysync_shell.core.index import MASK, Index, Totals, spellings
from keysync_shell.core.kinds import KINDS
from keysync_shell.core.state import State
from keysync_shell.core.systems import Systems

PolarsDataType = DataType | DataTypeClass

# `systems` is a mask: one bit, but for an unauthorized key the bits of all that hold it.
FINDING: dict[str, PolarsDataType] = {
    "kind": pl.String,
    "systems": MASK,
    "canonical": pl.String,
    "keys": pl.List(pl.String),
    "form": pl.String,
}


@dataclass(frozen=True)
class SystemCounts:
    """The numbers of one system. Rows are rows; the others count canonical keys or findings (DESIGN's words)."""

    name: str
    rows: int
    total: int
    unique: int
    missing: int
    gaps: int
    unauthorized: int
    duplicates: int
    variants: int
    malformed: int


@dataclass(frozen=True)
class Discrepancies:
    """Findings of each kind in all systems together."""

    gaps: int
    unauthorized: int
    duplicates: int
    variants: int
    malformed: int

    @property
    def total(self) -> int:
        return self.gaps + self.unauthorized + self.duplicates + self.variants + self.malformed


@dataclass(frozen=True)
class Summary:
    """What `status` shows: all counts are of canonical keys, but `rows`."""

    systems: tuple[SystemCounts, ...]
    keys: int
    in_sync: int
    discrepancies: Discrepancies
    patterns: Mapping[str, int]


def summarize(index: Index, state: State) -> Summary:
    """Count everything; the cost depends on the number of patterns, not of keys."""
    totals, systems = index.totals, index.systems
    return Summary(
        systems=tuple(_counts(name, state.rows(name), totals, systems) for name in systems.names),
        keys=totals.patterns.total(),
        in_sync=totals.patterns[systems.all_bits],
        discrepancies=discrepancies(index),
        patterns={
            systems.pattern(mask): n
            for mask, n in sorted(totals.patterns.items(), key=lambda item: (-item[0].bit_count(), item[0]))
        },
    )


def findings(index: Index, kinds: Collection[str] = tuple(KINDS), system: str | None = None) -> pl.DataFrame:
    """The findings themselves, sorted by kind (in the order of KINDS), canonical key and system."""
    rows = spellings(_suspects(index), index.systems)
    found = pl.concat([CHECKS[kind](rows, index.systems) for kind in KINDS if kind in kinds] or [_none()])
    if system is not None:
        found = found.filter((pl.col("systems") & index.systems.bit(system)) != 0)
    order = {kind: i for i, kind in enumerate(KINDS)}
    return found.sort(
        pl.col("kind").replace_strict(order, return_dtype=pl.Int32),
        "canonical",
        "systems",
        pl.col("keys").list.first(),
    )


def _gaps(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """The authority holds the key, this system does not; the spellings are the authority's."""
    bit = systems.authority_bit
    known = rows.filter((pl.col("pattern") & bit) != 0, (pl.col("mask") & bit) != 0)
    parts = [
        _finding("gap", known.filter((pl.col("pattern") & systems.bit(name)) == 0), systems.bit(name))
        for name in systems.others
    ]
    return pl.concat(parts)


def _unauthorized(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """Some system holds the key, the authority does not."""
    unknown = rows.filter((pl.col("pattern") & systems.authority_bit) == 0, pl.col("canonical") != "")
    return _finding("unauthorized", unknown, pl.col("pattern").first())


def _duplicates(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """This system holds the key in several rows: repeated, or respelled."""
    parts = []
    for name in systems.names:
        bit = systems.bit(name)
        held = rows.filter((pl.col("mask") & bit) != 0)
        parts += [
            _finding("duplicate", held.filter((pl.col(form) & bit) != 0), bit, form)
            for form in ("repeated", "respelled")
        ]
    return pl.concat(parts)


def _variants(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """This system spells the key as the authority does not."""
    return _per_spelling("variant", rows.filter("variant"), systems)


def _malformed(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """Normalization had to throw characters of this spelling away, or nothing of it was left."""
    return _per_spelling("malformed", rows.filter("malformed"), systems)


# A new check is a function and a line here, its name in KINDS and a count in Discrepancies.
CHECKS: dict[str, Callable[[pl.DataFrame, Systems], pl.DataFrame]] = {
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


def _finding(kind: str, rows: pl.DataFrame, systems: int | pl.Expr, form: str = "") -> pl.DataFrame:
    mask = pl.lit(systems) if isinstance(systems, int) else systems
    return (
        rows.group_by("canonical", maintain_order=True)
        .agg(systems=mask.cast(MASK), keys=pl.col("key"))
        .with_columns(kind=pl.lit(kind), form=pl.lit(form))
        .select(pl.col(name).cast(dtype) for name, dtype in FINDING.items())
    )


def _per_spelling(kind: str, rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    parts = []
    for name in systems.names:
        held = rows.filter((pl.col("mask") & systems.bit(name)) != 0)
        parts.append(
            held.select(
                kind=pl.lit(kind),
                systems=pl.lit(systems.bit(name), dtype=MASK),
                canonical=pl.col("canonical"),
                keys=pl.concat_list("key"),
                form=pl.lit(""),
            )
        )
    return pl.concat(parts)


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema=FINDING)


def _counts(name: str, rows: int, totals: Totals, systems: Systems) -> SystemCounts:
    bit, authority = systems.bit(name), systems.authority_bit
    patterns = totals.patterns
    total = sum(n for mask, n in patterns.items() if mask & bit)
    return SystemCounts(
        name=name,
        rows=rows,
        total=total,
        unique=patterns[bit],
        missing=patterns.total() - total,
        gaps=sum(n for mask, n in patterns.items() if mask & authority and not mask & bit),
        unauthorized=sum(n for mask, n in patterns.items() if mask & bit and not mask & authority),
        duplicates=totals.repeated[bit] + totals.respelled[bit],
        variants=totals.variants[bit],
        malformed=totals.malformed[bit],
    )


def discrepancies(index: Index) -> Discrepancies:
    """The numbers of findings, from the totals."""
    totals, systems = index.totals, index.systems
    authority, width = systems.authority_bit, len(systems.names)
    return Discrepancies(
        gaps=sum(n * (width - mask.bit_count()) for mask, n in totals.patterns.items() if mask & authority),
        unauthorized=sum(n for mask, n in totals.patterns.items() if not mask & authority),
        duplicates=totals.repeated.total() + totals.respelled.total(),
        variants=totals.variants.total(),
        malformed=totals.malformed.total(),
    )
