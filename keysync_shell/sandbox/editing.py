"""An edit from the decision to the commit, with the approval that it needs; and several edits as one operation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.model.change import Change
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.sandbox.catching_up import locked
from keysync_shell.sandbox.committing import carry_out
from keysync_shell.sandbox.deciding import Decide, decided, same
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.outcome import Outcome, Request
from keysync_shell.storage.commit import ChangedMeanwhile

TRIES = 5


def edit(keeper: Keeper, decide: Decide, request: Request) -> Outcome:
    """Decide on the newest state, and commit what really changes.

    If somebody has to approve, the lock is free while they think; should the change be another one afterwards, they
    are asked again. Raises Declined, or KeySyncError whose `committed` says what became of the change.
    """
    if keeper.batch is not None:
        return _edit_in_batch(keeper, keeper.batch, decide, request)
    approved: Outcome | None = None
    for _ in range(TRIES):
        with contextlib.suppress(ChangedMeanwhile), locked(keeper, creates=request.creates):
            decision = decided(keeper, decide, request)
            outcome = decision.outcome
            if request.dry_run or not outcome.change:
                return outcome
            if request.approve is None or same(outcome, approved):
                return carry_out(keeper, decision, request)
        if request.approve is not None:
            if not request.approve(outcome):
                raise Declined("not confirmed")
            approved = outcome
    raise KeySyncError(
        "the system files change faster than this command can be carried out",
        hint="Wait for the other program to finish and say it again.",
    )


@contextlib.contextmanager
def atomically(keeper: Keeper, request: Request) -> Iterator[list[Outcome]]:
    """Hold the lock and gather every edit of the block into one operation; an exception drops them all.

    The outcome is put into the list that is yielded.
    """
    keeper.require_no_batch("an atomic script")
    outcomes: list[Outcome] = []
    with locked(keeper, creates=request.creates):
        base, keeper.batch = keeper.memory, Change()
        try:
            yield outcomes
            batch = keeper.batch
        finally:
            keeper.memory, keeper.batch = base, None
        decision = decided(keeper, lambda _: Edit(batch), request)
        outcomes.append(carry_out(keeper, decision, request) if batch else decision.outcome)


def _edit_in_batch(keeper: Keeper, batch: Change, decide: Decide, request: Request) -> Outcome:
    decision = decided(keeper, decide, request)
    outcome = decision.outcome
    if request.dry_run or not outcome.change:
        return outcome
    if request.approve is not None and not request.approve(outcome):
        raise Declined("not confirmed")
    keeper.batch = batch.then(decision.edit.change)
    keeper.memory = decision.memory
    return replace(outcome, pending=True)
