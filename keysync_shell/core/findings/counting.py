"""The numbers of keys and findings, from the totals of the index: nothing is listed for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.kinds import About
from keysync_shell.core.findings.totals import Totals
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems


class Numbers(dict[str, int]):
    """How many findings there are of each kind, by its plural. Not to be changed."""

    @property
    def total(self) -> int:
        return sum(self.values())


@dataclass(frozen=True)
class SystemCounts:
    """The numbers of one system. Rows are rows; the others count canonical keys or findings (DESIGN's words)."""

    name: str
    rows: int
    total: int
    unique: int
    missing: int
    findings: Numbers

    def as_data(self) -> dict[str, Any]:
        """All numbers side by side."""
        keys = {"rows": self.rows, "total": self.total, "unique": self.unique, "missing": self.missing}
        return {"name": self.name, **keys, **self.findings}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> SystemCounts:
        """As it was recorded, also with kinds of findings that this version does not have."""
        keys = ("name", "rows", "total", "unique", "missing")
        findings = Numbers((name, number) for name, number in data.items() if name not in keys)
        return cls(**{name: data[name] for name in keys}, findings=findings)


@dataclass(frozen=True)
class Summary:
    """What `status` shows: all counts are of canonical keys, but `rows`."""

    systems: tuple[SystemCounts, ...]
    keys: int
    in_sync: int
    discrepancies: Numbers
    patterns: Mapping[str, int]

    def as_data(self) -> dict[str, Any]:
        """As plain data, to be recorded or written as JSON."""
        return {**vars(self), "systems": [system.as_data() for system in self.systems]}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Summary:
        """As it was recorded."""
        systems = tuple(SystemCounts.of_data(system) for system in data["systems"])
        return cls(systems, data["keys"], data["in_sync"], Numbers(data["discrepancies"]), data["patterns"])


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


def discrepancies(index: Index) -> Numbers:
    """How many findings of each kind there are in all systems together."""
    return Numbers((kind.plural, sum(forms(index, kind.name).values())) for kind in kinds.KINDS)


def forms(index: Index, kind: str) -> dict[str, int]:
    """How many findings of a kind there are of each of its forms."""
    about = {one.name: one.about for one in kinds.KINDS}[kind]
    return {form: _number(found, about) for (name, form), found in index.totals.found.items() if name == kind}


def _number(found: Counter[int], about: About) -> int:
    if about is About.KEY:
        return found.total()
    return sum(number * mask.bit_count() for mask, number in found.items())


def _counts(name: str, rows: int, totals: Totals, systems: Systems) -> SystemCounts:
    bit, patterns = systems.bit(name), totals.patterns
    total = sum(n for mask, n in patterns.items() if mask & bit)
    findings = Numbers((kind.plural, 0) for kind in kinds.KINDS)
    plurals = {kind.name: kind.plural for kind in kinds.KINDS}
    for (kind, _), found in totals.found.items():
        findings[plurals[kind]] += sum(n for mask, n in found.items() if mask & bit)
    return SystemCounts(name, rows, total, patterns[bit], patterns.total() - total, findings)
