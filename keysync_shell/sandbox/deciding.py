"""What an edit would lead to, on the state in memory. Nothing here is committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.edits.matching import NoSuchKey
from keysync_shell.core.model.change import SystemChange
from keysync_shell.core.model.keys import shown
from keysync_shell.core.model.normalize import canonical
from keysync_shell.core.model.state import State
from keysync_shell.core.model.table import KEY, key_series, rows_of
from keysync_shell.core.selecting import keysets
from keysync_shell.core.selecting.selectors import near_misses
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import conditions
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.memory import Memory
from keysync_shell.sandbox.outcome import Outcome, Request

Decide = Callable[[State], Edit]


@dataclass(frozen=True)
class Decision:
    """A decided edit with the memory that it leads to; `restores` are the digests of files that come back."""

    edit: Edit
    memory: Memory
    outcome: Outcome
    restores: Mapping[str, str | None] = field(default_factory=dict)


def decided(keeper: Keeper, decide: Decide, request: Request) -> Decision:
    """What a decision on the state in memory would lead to.

    Raises NoSuchKey's message with near misses, and KeySyncError if a system would hold too many rows.
    """
    try:
        with keeper.home.progress.doing("working out the change"):
            edit = decide(keeper.memory.state)
    except NoSuchKey as error:
        conditions.check_keys(keeper, key_series(error.query.literals), request)
        raise _with_near_misses(keeper, error) from None
    later = keeper.memory.after(edit.change, keeper.memory.newest)
    limits = keeper.home.config.limits
    for name, part in edit.change.parts.items():  # what reading enforces: a committed state can always be read again
        limits.check("keys_per_system", later.state.rows(name), f"rows in {name}")
        longest = part.after[KEY].str.len_bytes().max() if len(part.after) else 0
        assert isinstance(longest, int)
        limits.check("key_bytes", longest, f"the longest key in {name} in bytes")
    return Decision(edit, later, outcome_of(keeper, edit, later, request))


def outcome_of(keeper: Keeper, edit: Edit, later: Memory, request: Request) -> Outcome:
    """An edit that leads to that memory, in numbers."""
    return Outcome(
        kind=request.kind,
        counts=edit.counts,
        before=keeper.memory.summary(),
        after=later.summary(),
        change=edit.change,
        left_out=edit.left_out,
        lost=edit.lost,
        notes=edit.notes,
        dry_run=request.dry_run,
    )


def same(outcome: Outcome, approved: Outcome | None) -> bool:
    """Whether this is the change that was approved, on the same state."""
    return (
        approved is not None
        and outcome.counts == approved.counts
        and outcome.before == approved.before
        and all(
            part.before.equals(approved.change.parts[name].before)
            and part.after.equals(approved.change.parts[name].after)
            for name, part in outcome.change.parts.items()
        )
        and _same_registry(outcome.change.master_keys, approved.change.master_keys)
    )


def _same_registry(here: SystemChange | None, there: SystemChange | None) -> bool:
    if here is None or there is None:
        return here is there
    return here.before.equals(there.before) and here.after.equals(there.after)


def _with_near_misses(keeper: Keeper, error: NoSuchKey) -> KeySyncError:
    """The error with the keys that were probably meant, or with the systems that hold the key."""
    config = keeper.home.config
    for word in error.query.literals[:1]:
        rows = keeper.memory.index.rows
        masks = rows_of(rows, key_series([word]))["mask"]
        if len(masks):
            return KeySyncError(error.message, hint=f"It is in {', '.join(config.systems.members(masks[0]))}.")
        [wanted] = canonical(key_series([word]), config.rules)["canonical"]
        if near := keysets.meant(word) + near_misses(rows["key"], rows["canonical"], word, wanted):
            meant = ", ".join(shown(key) for key in near)
            return KeySyncError(error.message, hint=f"Did you mean {meant}? {error.hint}")
    return error
