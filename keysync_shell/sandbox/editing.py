"""An edit from the decision to the commit, with the approval that it needs; and several edits as one operation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.model.change import Change
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.sandbox.catching_up import locked
from keysync_shell.sandbox.committing import carry_out
from keysync_shell.sandbox.deciding import Decide, Decision, decided, same
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.outcome import Outcome, Request
from keysync_shell.storage.commit import ChangedMeanwhile

TRIES = 5


def edit(keeper: Keeper, decide: Decide, request: Request) -> Outcome:
    """Decide on the newest state, and commit what really changes, as `settled` does."""
    if keeper.batch is not None:
        return _edit_in_batch(keeper, keeper.batch, decide, request)
    return settled(keeper, lambda: decided(keeper, decide, request), request)


def settled(keeper: Keeper, decision: Callable[[], Decision], request: Request) -> Outcome:
    """Commit a decision, if it changes anything and whoever has to approve it does.

    The lock is free while they think; should the change be another one afterwards, they are asked again. Raises
    Declined, or KeySyncError whose `committed` says what became of the change.
    """
    approved: Outcome | None = None
    for _ in range(TRIES):
        with contextlib.suppress(ChangedMeanwhile), locked(keeper, creates=request.creates):
            taken = decision()
            outcome = taken.outcome
            if request.dry_run or not outcome.change:
                return outcome
            if not request.asks(outcome) or same(outcome, approved):
                return carry_out(keeper, taken, request)
        if request.asks(outcome):
            _require_approval(request, outcome)
            approved = outcome
    raise KeySyncError(
        "the system files change faster than this command can be carried out",
        hint="Wait for the other program to finish, then try again.",
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


def _require_approval(request: Request, outcome: Outcome) -> None:
    if request.approve is not None and not request.approve(outcome):
        raise Declined("not confirmed")


def _edit_in_batch(keeper: Keeper, batch: Change, decide: Decide, request: Request) -> Outcome:
    decision = decided(keeper, decide, request)
    outcome = decision.outcome
    if request.dry_run or not outcome.change:
        return outcome
    if request.asks(outcome):
        _require_approval(request, outcome)
    keeper.batch = batch.then(decision.edit.change)
    keeper.memory = decision.memory
    return replace(outcome, pending=True)
