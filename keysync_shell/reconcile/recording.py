"""Carry a run out: compare, record it with its proposals, write the reports. All of it through the sandbox's door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.findings import kinds, losses
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.state import OnDemand, State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import Plan
from keysync_shell.core.planning.policy import Policy
from keysync_shell.errors import KeySyncError
from keysync_shell.reconcile import comparing, engine, reports
from keysync_shell.reconcile.comparing import Since
from keysync_shell.reconcile.engine import Prediction, Result
from keysync_shell.reconcile.recorded import Recorded, from_record, to_record
from keysync_shell.sandbox import Request, Sandbox
from keysync_shell.sandbox.memory import Memory
from keysync_shell.sandbox.running import Noted, RunDecision
from keysync_shell.storage.files import explained
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.records import Damaged
from keysync_shell.storage.registry import Recording, Registry, Run

# Data to run on, from the state and the time.
Generate = Callable[[State, str], Edit]

INCREMENTAL = "incremental"
PROPOSING = tuple(kind.name for kind in kinds.KINDS if "propose" in kind.decisions)


@dataclass(frozen=True)
class Order:
    """What kind of run is wanted, and by which policy; `folder` takes the reports of run N.

    `begins` lets an incremental run without a run before it be a full one.
    """

    mode: str
    auto_approve: bool
    policy: Callable[[Index], Policy]
    folder: Callable[[int], Path]
    absent: tuple[str, ...] = ()
    begins: bool = False


@dataclass(frozen=True)
class Reconciled:
    """A run, where its reports are, how the prediction fared, and in incremental mode what changed.

    `operation` is the one that proposed master keys, if any were. `next` are commands that lead on, none for a run
    without a shell.
    """

    result: Result
    folder: Path | None
    score: Mapping[str, Any]
    since: Since | None
    committed: bool
    operation: Operation | None = None
    warnings: tuple[str, ...] = ()
    next: str = ""


def run(sandbox: Sandbox, order: Order, request: Request, generate: Generate | None = None) -> Reconciled:
    """Predict, compare and propose; record it as one operation if anything is proposed, and write the reports.

    The run is on the data that `generate` makes, if it is given; both are the same operation. Raises KeySyncError for
    what cannot be read or written; its `committed` says whether the run is recorded.
    """
    looked: list[_Looked] = []

    def decide(memory: Memory, registry: Registry) -> RunDecision:
        first = generate(memory.state, sandbox.now()) if generate else Edit(Change())
        made = memory.after(first.change, memory.newest)
        looked[:] = [_look(made, registry, order, sandbox)]
        result = looked[0].result
        reports.check(order.folder(result.number), result, sandbox.home)
        number = memory.newest.number if memory.newest else 0
        operation = number + 1 if first.change else number
        return looked[0].ran(first, request.line, sandbox.author(), operation, order)

    noted = sandbox.record(decide, request)
    with sandbox.home.progress.doing("writing the reports"):
        return _reported(looked[0], order, noted, sandbox.home)


def look(sandbox: Sandbox, order: Order) -> Reconciled:
    """The same on the sandbox as it was last seen, without writing anything."""
    with sandbox.records() as registry:
        looked = _look(sandbox.seen, registry, order, sandbox, for_numbers=True)
    return Reconciled(looked.told, None, {}, looked.since, committed=False, warnings=looked.warnings)


def chosen(registry: Registry, number: int | None) -> Run:
    """A recorded run, None is the last. Raises KeySyncError if there is none, or its details are damaged."""
    for run in registry.runs():
        if number is None or run.number == number:
            if run.damaged:
                raise Damaged(f"run {run.number}", "its details cannot be read")
            return run
    if number is None:
        raise KeySyncError("there is no run yet", hint="Make one with: reconcile")
    raise KeySyncError(f"there is no run {number}", hint="`runs` lists them.")


def recorded(registry: Registry, run: Run, now: Systems) -> Recorded:
    """What a run recorded; `now` are the systems of the sandbox."""
    return from_record(run, *registry.tables(run.number), now)


@dataclass(frozen=True, eq=False)
class _Looked:
    """A run that is not recorded yet."""

    memory: Memory
    result: Result
    prediction: Prediction
    since: Since | None

    @property
    def told(self) -> Result:
        """What is told of it: in incremental mode only what is new."""
        if self.since is None:
            return self.result
        new = self.since.new
        about = pl.col("canonical").is_in(new["canonical"].unique().implode())
        made = Plan(self.result.policy, self.result.plan.actions.filter(about))
        return replace(self.result, listed=OnDemand(lambda: new), plan=made)

    @property
    def warnings(self) -> tuple[str, ...]:
        return losses.warnings(self.memory.index)

    def ran(self, first: Edit, line: str, user: str, operation: int, order: Order) -> RunDecision:
        """To be recorded together with the edit that came first; `operation` is the one after which the run looked."""
        result, memory = self.result, self.memory
        folder = str(order.folder(result.number))
        held = engine.score(self.prediction, result, result.registry)["held"]
        run = engine.as_run(result, line=line, user=user, operation=operation, folder=folder, held=held)
        rows = to_record(memory.state, memory.index, result.plan)
        change = first.change.then(Change(master_keys=engine.added(result.proposed) if len(result.proposed) else None))
        edit = Edit(change, details={**first.details, "run": run.number})
        return RunDecision(edit, Recording(run, rows, result.plan.actions, tuple(result.events)))


def _look(memory: Memory, registry: Registry, order: Order, sandbox: Sandbox, *, for_numbers: bool = False) -> _Looked:
    """What a run would be. `for_numbers`: nobody asks for its plan, but for the master keys that it would propose."""
    policy = order.policy(memory.index)
    only = PROPOSING if for_numbers and policy.settled else None  # else what is done first has a say in it
    made, prediction = engine.predict(memory.state, memory.index, policy, only=only)
    result = engine.run(
        memory.state,
        memory.index,
        made,
        number=registry.next_run(),
        time=sandbox.now(),
        mode=order.mode,
        auto_approve=order.auto_approve,
        absent=order.absent,
        home=sandbox.home.root.resolve().name,
    )
    return _Looked(memory, result, prediction, _since(memory.index, registry, order))


def _since(index: Index, registry: Registry, order: Order) -> Since | None:
    """What changed since the last run."""
    if order.mode != INCREMENTAL or (order.begins and not registry.runs()):
        return None
    return comparing.since(recorded(registry, chosen(registry, None), index.systems), index)


def _reported(looked: _Looked, order: Order, noted: Noted, home: Home) -> Reconciled:
    result, folder = looked.told, order.folder(looked.result.number)
    trouble = f"run {result.number} is recorded, but its reports were not written"
    try:
        with explained(trouble, lambda: True):
            reports.write(folder, result, noted.audit, home)
    except KeySyncError as error:
        if error.committed is True:
            raise
        raise KeySyncError(f"{trouble}: {error.message}", hint=error.hint, committed=True) from error
    score = engine.score(looked.prediction, result, noted.master_keys) if looked.since is None else {}
    return Reconciled(result, folder, score, looked.since, True, noted.operation, looked.warnings)
