"""The numbers of findings and of keys, from the totals of the index: nothing is listed for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keysync_shell.core.findings.index import Index, Totals
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems


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
