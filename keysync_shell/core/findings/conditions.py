"""Conditions on the numbers of a sandbox: `gaps.D == 0`, `unauthorized < 10`, `keys >= 1000`.

A number is one of `status`: of one system after a dot, or of all systems together without one.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keysync_shell.core.findings import kinds
from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import KeySyncError

OF_A_SYSTEM = ("rows", "total", "unique", "missing")
OF_ALL = ("keys", "in_sync")
DISCREPANCIES = "discrepancies"
TESTS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
FORM = re.compile(r"\s*([a-z_-]+)(?:\.([A-Za-z0-9]+))?\s*(==|!=|<=|>=|<|>)\s*([0-9]+)\s*")


@dataclass(frozen=True)
class Condition:
    """A comparison of one number with a constant."""

    number: str
    system: str | None
    test: str
    constant: int

    @classmethod
    def parse(cls, text: str, systems: Systems) -> Condition:
        """Raises KeySyncError for anything that is not one comparison of a number that there is."""
        found = FORM.fullmatch(text)
        if not found:
            raise _bad(text, "it is not a comparison with a whole number")
        word, system, test, constant = found.groups()
        kind = kinds.named(word)
        number = kind.plural if kind else word
        if number not in (choices := numbers(of_a_system=system is not None)):
            raise _bad(text, f"{word} is none of {', '.join(choices)}")
        return cls(number, systems.find(system) if system else None, test, int(constant))

    def value(self, summary: Mapping[str, Any]) -> int | None:
        """The number in a summary, as plain data (`Summary.as_data`); None if it was not counted then."""
        if self.system is not None:
            counts: Mapping[str, int] = next(row for row in summary["systems"] if row["name"] == self.system)
        else:
            findings = summary["discrepancies"]
            counts = {**findings, DISCREPANCIES: sum(findings.values()), **{name: summary[name] for name in OF_ALL}}
        return counts.get(self.number)

    def holds(self, summary: Mapping[str, Any]) -> bool:
        value = self.value(summary)
        return value is not None and TESTS[self.test](value, self.constant)


def numbers(*, of_a_system: bool) -> tuple[str, ...]:
    """What a condition can be about."""
    findings = [kind.plural for kind in kinds.KINDS]
    return (*OF_A_SYSTEM, *findings) if of_a_system else (*OF_ALL, *findings, DISCREPANCIES)


def _bad(text: str, why: str) -> KeySyncError:
    return KeySyncError(f"bad condition {safe(text)!r}: {why}", hint="Write one like 'gaps.D == 0' or 'keys >= 1000'.")
