"""Conditions on the numbers of a sandbox: `gaps.D == 0`, `unauthorized < 10`, `keys >= 1000`.

A number is one of `status`: of one system after a dot, or of all systems together without one.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import KeySyncError

PER_SYSTEM = (
    "rows",
    "total",
    "unique",
    "missing",
    "gaps",
    "unauthorized",
    "duplicates",
    "variants",
    "malformed",
)
TOGETHER = ("keys", "in_sync", "gaps", "unauthorized", "duplicates", "variants", "malformed", "discrepancies")
TESTS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
FORM = re.compile(r"\s*([a-z_]+)(?:\.([A-Za-z0-9]+))?\s*(==|!=|<=|>=|<|>)\s*([0-9]+)\s*")


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
        number, system, test, constant = found.groups()
        known = PER_SYSTEM if system else TOGETHER
        if number not in known:
            raise _bad(text, f"{number} is none of {', '.join(known)}")
        return cls(number, systems.find(system) if system else None, test, int(constant))

    def value(self, summary: Mapping[str, Any]) -> int:
        """The number in a summary, as plain data (core.findings.counting.Summary as a mapping)."""
        if self.system is not None:
            return int(next(row[self.number] for row in summary["systems"] if row["name"] == self.system))
        if self.number == "discrepancies":
            return sum(summary["discrepancies"].values())
        together = summary if self.number in ("keys", "in_sync") else summary["discrepancies"]
        return int(together[self.number])

    def holds(self, summary: Mapping[str, Any]) -> bool:
        return TESTS[self.test](self.value(summary), self.constant)


def _bad(text: str, why: str) -> KeySyncError:
    return KeySyncError(f"bad condition {safe(text)!r}: {why}", hint="Write one like 'gaps.D == 0' or 'keys >= 1000'.")
