"""What an editing command decides: a change, and what was left out of it. Nothing is written here.

Only what really changes goes into the change: a key that is already there is no part of an addition, so that undo does
not take it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keysync_shell.core.model.change import Change
from keysync_shell.core.model.counts import Counts, counted


@dataclass(frozen=True)
class Edit:
    """A decided change, its rows in numbers, and what was left out of it: per system, how many keys and why.

    `renamed` says per system which keys became which, so that their rows go on; `carried` how many rows of a system
    stand in another one afterwards. Where nothing is said, rows of keys that go are lost.
    """

    change: Change
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    details: Mapping[str, str | int] = field(default_factory=dict)
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    carried: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, Counts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.counts:
            numbers = {name: counted(part, self.renamed.get(name)) for name, part in self.change.parts.items()}
            object.__setattr__(self, "counts", numbers)

    @property
    def lost(self) -> dict[str, int]:
        """The systems that lose rows which stand nowhere afterwards, and how many: such an edit asks first."""
        gone = {name: counts.removed - self.carried.get(name, 0) for name, counts in self.counts.items()}
        return {name: rows for name, rows in gone.items() if rows > 0}

    def then(self, later: Edit) -> Edit:
        """Both edits as one, where none carries rows from one system to another."""
        systems = dict.fromkeys([*self.renamed, *later.renamed])
        renamed = {name: _both(self.renamed.get(name, {}), later.renamed.get(name, {})) for name in systems}
        return Edit(self.change.then(later.change), renamed=renamed)


def _both(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """What became of each key in two steps."""
    return {**second, **{old: second.get(new, new) for old, new in first.items()}}


def leaving_out(left_out: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Only what counts to more than nothing."""
    numbers = {name: {why: n for why, n in reasons.items() if n > 0} for name, reasons in left_out.items()}
    return {name: reasons for name, reasons in numbers.items() if reasons}
