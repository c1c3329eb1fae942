"""What an editing command decides: a change, and what was left out of it. Nothing is written here.

Only what really changes goes into the change: a key that is already there is no part of an addition, so that undo does
not take it away.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change, between, changes
from keysync_shell.core.model.counts import Counts, counted
from keysync_shell.core.model.state import State


@dataclass(frozen=True)
class Edit:
    """A decided change, its rows in numbers, and what was left out of it: per system, how many keys and why.

    `renamed` says per system which keys became which, so that their rows go on; `carried` how many rows of a system
    stand in another one afterwards. Where nothing is said, rows of keys that go are lost. `recounted` are the numbers
    of an edit that is told otherwise than its rows say: what is taken back is told as it was done.
    """

    change: Change
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    details: Mapping[str, str | int] = field(default_factory=dict)
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    carried: Mapping[str, int] = field(default_factory=dict)
    recounted: Mapping[str, Counts] | None = None

    @functools.cached_property
    def counts(self) -> Mapping[str, Counts]:
        """The rows of each system in numbers; nobody counts an edit that becomes a part of another one."""
        if self.recounted is not None:
            return self.recounted
        return {name: counted(part, self.renamed.get(name)) for name, part in self.change.parts.items()}

    @property
    def lost(self) -> dict[str, int]:
        """The systems that lose rows which stand nowhere afterwards, and how many: such an edit asks first."""
        gone = {name: counts.removed - self.carried.get(name, 0) for name, counts in self.counts.items()}
        return {name: rows for name, rows in gone.items() if rows > 0}


def together(before: State, after: State, edits: Iterable[Edit]) -> Edit:
    """Edits in a row as one: none of them carries rows away or changes columns, and all lead from state to state."""
    touched: dict[str, list[pl.Series]] = {}
    renamed: dict[str, dict[str, str]] = {}
    for edit in edits:
        for name, part in edit.change.parts.items():
            touched.setdefault(name, []).append(part.keys)
        for name, names in edit.renamed.items():
            renamed[name] = _both(renamed.get(name, {}), names)
    parts = {}
    for name, each in touched.items():
        keys = table.distinct(pl.concat(each))
        parts[name] = between(*(table.rows_of(state.tables[name], keys) for state in (before, after)))
    return Edit(changes(parts), renamed=renamed)


def _both(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """What became of each key in two steps."""
    return {**second, **{old: second.get(new, new) for old, new in first.items()}}


def leaving_out(left_out: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Only what counts to more than nothing."""
    numbers = {name: {why: n for why, n in reasons.items() if n > 0} for name, reasons in left_out.items()}
    return {name: reasons for name, reasons in numbers.items() if reasons}
