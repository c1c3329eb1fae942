"""Carry a run out: compare, record it with its proposals, write the reports. A headless run reads the files first."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from keysync_shell.core.findings import losses
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import Plan
from keysync_shell.core.planning.policy import Policy
from keysync_shell.reconcile import comparing, engine, reports, sources
from keysync_shell.reconcile.comparing import Since
from keysync_shell.reconcile.engine import Result
from keysync_shell.reconcile.recorded import Recorded, from_record, to_record
from keysync_shell.reconcile.sources import Sources
from keysync_shell.storage import schema
from keysync_shell.storage.commit import Store
from keysync_shell.storage.files import explained
from keysync_shell.storage.home import Home
from keysync_shell.storage.oplog import OperationLog
from keysync_shell.storage.registry import Registry, Run

LOCK_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class Order:
    """What kind of run is wanted, when, by whom and after which operation; `folder` takes the reports of run N."""

    mode: str
    dry_run: bool
    auto_approve: bool
    line: str
    user: str
    time: str
    operation: int
    folder: Callable[[int], Path]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reconciled:
    """A run, where its reports are, how the prediction fared, and in incremental mode what changed.

    `next` are commands that lead on, none for a run without a shell.
    """

    result: Result
    folder: Path | None
    score: Mapping[str, Any]
    since: Since | None
    committed: bool
    warnings: tuple[str, ...] = ()
    next: str = ""


def carry_out(
    order: Order, registry: Registry | None, state: State, index: Index, policy: Policy, since: Since | None
) -> Reconciled:
    """Predict, compare and propose; unless it is a dry run, record it and write the reports.

    `since` limits what is told to what changed since another run. Raises KeySyncError for what cannot be written.
    """
    known = registry.master_keys() if registry else []
    made, prediction = engine.predict(state, index, policy, known)
    result = engine.run(
        state,
        index,
        made,
        known,
        number=registry.next_run() if registry else 1,
        time=order.time,
        mode=order.mode,
        auto_approve=order.auto_approve,
        absent=order.absent,
    )
    if since:
        about = pl.col("canonical").is_in(since.new["canonical"].unique().implode())
        result = replace(result, findings=since.new, plan=Plan(policy, made.actions.filter(about)))
    warnings = losses.warnings(index)
    if order.dry_run or registry is None:
        return Reconciled(result, None, {}, since, committed=False, warnings=warnings)
    folder = order.folder(result.number)
    run = engine.as_run(result, line=order.line, user=order.user, operation=order.operation, folder=str(folder))
    registry.add_run(run, to_record(state, index, made), made.actions, result.proposals, result.events)
    result = replace(result, master_keys=tuple(registry.master_keys()))
    with explained(f"run {result.number} is recorded, but its reports were not written", lambda: True):
        reports.write(folder, result, registry.events(result.number))
    score = engine.score(prediction, result, result.master_keys) if since is None else {}
    return Reconciled(result, folder, score, since, committed=True, warnings=warnings)


def recorded(registry: Registry, run: Run, now: Systems) -> Recorded:
    """What a run recorded; `now` are the systems of the sandbox."""
    return from_record(run, *registry.tables(run.number), now)


def run(
    chosen: Sources, *, mode: str, dry_run: bool, auto_approve: bool, line: str, exact_folder: bool, now: datetime
) -> Reconciled:
    """One headless run at that time. A dry run reads only, without even taking the lock.

    Raises KeySyncError for what cannot be read or written.
    """
    home = chosen.home or Home(chosen.output, chosen.config)
    # Of a sandbox, under the lock: between two files nobody may change both. Elsewhere before anything is made.
    early = None if chosen.home and home.database.exists() and not dry_run else sources.read(chosen)
    warnings = tuple(f"{name} is absent: its file was not read, and it is not compared" for name in chosen.absent)
    with _registry(home, dry_run=dry_run) as registry:
        state = sources.read(chosen) if early is None else early
        index = Index.build(state, chosen.config.rules)
        since = _since(registry, index) if mode == "incremental" and registry else None
        order = Order(
            mode=mode,
            dry_run=dry_run,
            auto_approve=auto_approve,
            line=line,
            user=f"{getpass.getuser()}@{os.uname().nodename}",
            time=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            operation=0 if dry_run else _newest(home),
            folder=lambda number: chosen.output if exact_folder else chosen.output / f"run-{number}",
            absent=chosen.absent,
        )
        done = carry_out(order, registry, state, index, chosen.config.policy, since)
        return replace(done, warnings=(*warnings, *done.warnings))


@contextlib.contextmanager
def _registry(home: Home, *, dry_run: bool) -> Iterator[Registry | None]:
    """The registry, with the lock held; for a dry run as it is, read-only, None if there is none."""
    if not dry_run:
        store = Store(home, LOCK_TIMEOUT)
        with store.locked():
            yield store.log.registry()
        store.close()
    elif home.database.exists():
        connection = schema.opened_for_reading(home.database)
        try:
            yield Registry(connection)
        finally:
            connection.close()
    else:
        yield None


def _newest(home: Home) -> int:
    log = OperationLog(home.database, LOCK_TIMEOUT, home.config.history)
    newest = log.newest()
    log.close()
    return newest.number if newest else 0


def _since(registry: Registry, index: Index) -> Since | None:
    """What changed since the last run, if there is one."""
    runs = registry.runs()
    return comparing.since(recorded(registry, runs[0], index.systems), index) if runs else None
