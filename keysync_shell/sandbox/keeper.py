"""What one process holds of a sandbox. The modules of this package are functions over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.state import State
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox.memory import Memory, Source
from keysync_shell.sandbox.outcome import Outcome, Request
from keysync_shell.storage.commit import Store
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.unlocked import Reading


@dataclass
class Keeper:
    """Where a sandbox is, who works here, and its newest state. `clock` gives the time in UTC.

    `source` reads the keys of systems whose files are somebody else's: those are compared, and never written.
    `begun` says whether there is a sandbox at all, `unwritable` that it can only be looked at, `still` that it stays at
    one moment and looks no more. `reading` is what was seen where nothing may be written. `batch` is what an atomic
    script has changed so far, in memory only. `warnings` are for whoever shows them next. `committed` is what this
    process did, oldest first.
    """

    home: Home
    store: Store
    clock: Callable[[], datetime]
    user: str
    host: str
    memory: Memory
    source: Source | None = None
    begun: bool = False
    unwritable: bool = False
    still: bool = False
    reading: Reading | None = None
    batch: Change | None = None
    committed: list[Operation] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        return self.store.warnings

    @property
    def author(self) -> str:
        """Who works here, for manifests and runs."""
        return f"{self.user}@{self.host}"

    def now(self) -> str:
        """UTC, ISO 8601, to the second."""
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def forget(self) -> None:
        """Drop what is in memory; the next look reads the disk."""
        self.memory, self.begun = nothing(self.home), False

    def require_sandbox(self) -> None:
        """Raise KeySyncError if there is none."""
        if not self.store.exists():
            raise KeySyncError(
                f"there is no sandbox in {self.home.root}",
                hint="Make one with `init`, or name another folder with --home.",
            )

    def require_no_batch(self, what: str) -> None:
        """Raise KeySyncError inside an atomic script: `what` could not be rolled back."""
        if self.batch is not None:
            raise KeySyncError(f"{what} cannot be part of an atomic script", hint="Put it before or after the script.")

    def next_operation(self, request: Request, outcome: Outcome | None, after: Summary | None) -> Operation:
        """The operation that a commit would log now, before it has its place on the stacks; the files are as before."""
        newest, moved = self.memory.newest, outcome is None or bool(outcome.change.parts)
        before: Mapping[str, str | None] = newest.after if newest else dict.fromkeys(self.home.every_system)
        totals = (outcome.before, outcome.after) if outcome else ()
        return Operation(
            number=newest.number + 1 if newest else 1,
            time=self.now(),
            kind=request.kind,
            line=request.line,
            user=self.user,
            host=self.host,
            source=request.source,
            before=before,
            after=before,
            signatures=newest.signatures if newest else {},
            counts=outcome.counts if outcome else {},
            discrepancies=tuple(summary.discrepancies for summary in totals),
            summary=newest.summary if newest and not moved else after.as_data() if after else {},
            master_keys=outcome.master_keys if outcome else None,
        )


def nothing(home: Home) -> Memory:
    """Memory before the first look."""
    return Memory(State.empty(home.config.systems), home.config.rules, progress=home.progress)
