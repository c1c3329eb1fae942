"""What somebody asks of a sandbox, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.counts import Counts, counted
from keysync_shell.core.model.digests import digest
from keysync_shell.storage.operations import Operation, OperationKind


@dataclass(frozen=True)
class Conditions:
    """What must hold where a change is committed; looked at under the lock.

    `base` is the newest operation that it builds on. `seen` is the operation that its author looked at: none of its
    keys may have changed since. `approved` is the digest of the very change that somebody agreed to.
    """

    base: int | None = None
    seen: int | None = None
    approved: str | None = None


UNCONDITIONALLY = Conditions()


@dataclass(frozen=True)
class Once:
    """A request that is carried out once, however often it is sent: its key, and a digest of what it asks."""

    key: str
    digest: str


@dataclass(frozen=True)
class Request:
    """Who asks for a change, in which words, and how far it may go.

    `approve` is shown what would happen and answers whether to do it, where the change `asks`; None asks nobody.
    `destroys`: what it touches is replaced, even where no row is lost. `creates` allows a sandbox to begin where there
    is none yet.
    """

    kind: OperationKind
    line: str
    source: str
    dry_run: bool = False
    approve: Callable[[Outcome], bool] | None = None
    destroys: bool = False
    creates: bool = False
    conditions: Conditions = UNCONDITIONALLY
    once: Once | None = None

    def asks(self, outcome: Outcome) -> bool:
        """The one rule: what loses rows or master keys asks first, and what replaces those that are there."""
        if self.approve is None:
            return False
        loses = bool(outcome.lost) or (outcome.master_keys is not None and outcome.master_keys.removed > 0)
        return loses or (self.destroys and any(len(part.before) for part in outcome.change.parts.values()))


@dataclass(frozen=True)
class Outcome:
    """What a command changed, or would change, in rows; `lost` are those that stand nowhere afterwards.

    `operation` is None if nothing was committed: nothing really changes, a dry run, or `pending` until the end of an
    atomic script. `undid` is the operation that an undo or a redo is about. `kept` are files of other programs that
    were in the way and were set aside.
    """

    kind: OperationKind
    counts: Mapping[str, Counts]
    before: Summary
    after: Summary
    change: Change
    left_out: Mapping[str, Mapping[str, int]]
    lost: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    operation: Operation | None = None
    undid: Operation | None = None
    dry_run: bool = False
    pending: bool = False
    kept: tuple[Path, ...] = ()

    @property
    def master_keys(self) -> Counts | None:
        """What it changes in the registry, if anything."""
        return counted(self.change.master_keys) if self.change.master_keys else None

    @property
    def digest(self) -> str:
        """What an approval of this very change is about."""
        return digest(self.change)

    @property
    def committed(self) -> bool:
        return self.operation is not None


def taken_back(operation: Operation, change: Change) -> dict[str, Counts]:
    """The numbers of an operation the other way round; none if they do not add up, as those of version 0.1, of keys."""
    fit = all(
        len(part.after) - len(part.before) == operation.counts[name].added - operation.counts[name].removed
        for name, part in change.parts.items()
        if name in operation.counts
    )
    return {name: counts.inverse for name, counts in operation.counts.items()} if fit else {}
