"""Conditions on the numbers of `status`: `gaps.D == 0`, `unauthorized < 10`, `in_sync >= keys - 10`.

A number is of one system after a dot, or of all systems together without one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.comparisons import Comparison, Metric, bad
from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import KeySyncError

OF_A_SYSTEM = ("rows", "total", "unique", "missing")
OF_ALL = ("keys", "in_sync")
DISCREPANCIES = "discrepancies"


@dataclass(frozen=True)
class Condition:
    """A comparison of numbers of `status`."""

    comparison: Comparison

    @classmethod
    def parse(cls, text: str, systems: Systems) -> Condition:
        """Raises KeySyncError for anything that is not one comparison of numbers that exist."""
        comparison = Comparison.parse(text)
        if comparison.needs_was:
            raise bad(text, "`was` means something at the checkpoints of a scenario only")
        for metric in comparison.metrics:
            check(metric, systems, text)
        return cls(comparison)

    def value(self, summary: Mapping[str, Any]) -> int | None:
        """The left number in a summary, as plain data (`Summary.as_data`); None if it was not counted then."""
        return number(summary, self.comparison.left)

    def holds(self, summary: Mapping[str, Any]) -> bool:
        """Whether it holds; not if a number was not counted then."""
        numbers = {metric: number(summary, metric) for metric in self.comparison.metrics}
        counted = {metric: value for metric, value in numbers.items() if value is not None}
        return len(counted) == len(numbers) and self.comparison.holds(counted.__getitem__)


def number(summary: Mapping[str, Any], metric: Metric) -> int | None:
    """A number in a summary, as plain data; None if it was not counted then."""
    kind = kinds.named(metric.name)
    name = kind.plural if kind else metric.name
    if metric.of:
        counts: Mapping[str, int] = next(
            (row for row in summary["systems"] if row["name"].casefold() == metric.of.casefold()), {}
        )
    else:
        findings = summary["discrepancies"]
        counts = {**findings, DISCREPANCIES: sum(findings.values()), **{one: summary[one] for one in OF_ALL}}
    return counts.get(name)


def check(metric: Metric, systems: Systems, text: str, others: Iterable[str] = ()) -> None:
    """Raise KeySyncError for a number that `status` does not have; `others` are names that exist besides."""
    kind = kinds.named(metric.name)
    names = numbers(of_a_system=bool(metric.of))
    if (kind.plural if kind else metric.name) not in names:
        known = [*names, *others]
        near = difflib.get_close_matches(str(metric) if others else metric.name, known, n=1, cutoff=0.6)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise bad(text, f"{metric.name} is not one of {', '.join(known)}{meant}")
    if metric.of:
        try:
            systems.find(metric.of)
        except KeySyncError as error:
            raise bad(text, error.message) from None


def numbers(*, of_a_system: bool) -> tuple[str, ...]:
    """What a condition can be about."""
    findings = [kind.plural for kind in kinds.KINDS]
    return (*OF_A_SYSTEM, *findings) if of_a_system else (*OF_ALL, *findings, DISCREPANCIES)
