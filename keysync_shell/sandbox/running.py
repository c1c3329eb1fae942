"""Runs: recorded under one lock, in one transaction with what they change in the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.edits.edit import Edit
from keysync_shell.sandbox.catching_up import locked
from keysync_shell.sandbox.committing import carry_out
from keysync_shell.sandbox.deciding import decided
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.memory import Memory
from keysync_shell.sandbox.outcome import Request
from keysync_shell.storage.commit import signals_wait
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.registry import Event, Recording, Registry


@dataclass(frozen=True, eq=False)
class RunDecision:
    """A run that is to be recorded, and what it changes."""

    edit: Edit
    recording: Recording


@dataclass(frozen=True)
class Noted:
    """A recorded run as it stands in the database: the operation that it is, if it changed anything, its audit,
    newest line first, and the registry."""

    operation: Operation | None
    audit: list[tuple[int, Event]]
    master_keys: pl.DataFrame


def record(keeper: Keeper, decide: Callable[[Memory, Registry], RunDecision], request: Request) -> Noted:
    """Decide on the newest state, and record the run. Raises KeySyncError whose `committed` says what became of it."""
    keeper.require_no_batch("a run")
    with locked(keeper, creates=request.creates or keeper.source is not None):
        registry = keeper.store.log.registry()
        with keeper.home.progress.doing("reconciling"):
            ran = decide(keeper.memory, registry)
        decision, operation = decided(keeper, lambda _: ran.edit, request), None
        if ran.edit.change:
            operation = carry_out(keeper, decision, request, recording=ran.recording).operation
        else:
            with signals_wait():
                keeper.store.add_run(ran.recording)
        registry = keeper.store.log.registry()
        return Noted(operation, registry.events(ran.recording.run.number), registry.master_keys())
