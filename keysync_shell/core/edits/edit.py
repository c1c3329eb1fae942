"""What an editing command decides: a change, and what was left out of it. Nothing is written here.

Only what really changes goes into the change: a key that is already there is no part of an addition, so that undo does
not take it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keysync_shell.core.model.change import Change


@dataclass(frozen=True)
class Edit:
    """A decided change, with what was left out of it: per system, how many keys and why."""

    change: Change
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    details: Mapping[str, str | int] = field(default_factory=dict)


def counted(left_out: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Only what counts to more than nothing."""
    counted = {name: {why: n for why, n in reasons.items() if n > 0} for name, reasons in left_out.items()}
    return {name: reasons for name, reasons in counted.items() if reasons}
