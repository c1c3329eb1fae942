"""Carry a headless run out: read, compare, record it with its proposals, write the reports."""

from __future__ import annotations

import contextlib
import getpass
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keysync_shell.core.discrepancies import findings
from keysync_shell.core.index import Index
from keysync_shell.reconcile import comparing, engine, reports, sources
from keysync_shell.reconcile.comparing import Since
from keysync_shell.reconcile.engine import Result
from keysync_shell.reconcile.sources import Sources
from keysync_shell.storage.commit import Store
from keysync_shell.storage.files import explained
from keysync_shell.storage.home import Home
from keysync_shell.storage.oplog import OperationLog
from keysync_shell.storage.registry import Registry

LOCK_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class Headless:
    """What a headless run did."""

    result: Result
    folder: Path | None
    score: Mapping[str, Any]
    since: Since | None
    warnings: tuple[str, ...]


def run(chosen: Sources, *, mode: str, dry_run: bool, auto_approve: bool, line: str, exact_folder: bool) -> Headless:
    """One run. A dry run reads only, without even taking the lock.

    Raises KeySyncError for what cannot be read or written.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    home = chosen.home or Home(chosen.output, chosen.config)
    # Of a sandbox, under the lock: between two files nobody may change both. Elsewhere before anything is made.
    early = None if chosen.home and home.database.exists() and not dry_run else sources.read(chosen)
    warnings = tuple(f"{name} is absent: its file was not read, and it is not compared" for name in chosen.absent)
    with _registry(home, dry_run=dry_run) as registry:
        state = sources.read(chosen) if early is None else early
        index = Index.build(state, chosen.config.rules)
        known = registry.master_keys() if registry else []
        since = _since(registry, index) if mode == "incremental" and registry else None
        made, prediction = engine.predict(state, index, chosen.config.policy, known)
        number = registry.next_run() if registry else 1
        result = engine.run(
            state,
            index,
            made,
            known,
            number=number,
            time=now,
            mode=mode,
            auto_approve=auto_approve,
            absent=chosen.absent,
        )
        if since:
            result = replace(result, findings=since.new)
        if dry_run or registry is None:
            return Headless(result, None, {}, since, warnings)
        folder = chosen.output if exact_folder else chosen.output / f"run-{number}"
        user = f"{getpass.getuser()}@{os.uname().nodename}"
        recorded = engine.as_run(result, line=line, user=user, operation=_newest(home), folder=str(folder))
        registry.add_run(recorded, findings(index), result.plan.actions, result.proposals, result.events)
        there = tuple(registry.master_keys())
        result = replace(result, master_keys=there)
        with explained(f"run {number} is recorded, but its reports were not written", lambda: True):
            reports.write(folder, result, registry.events(number))
        score = engine.score(prediction, result, there) if since is None else {}
    return Headless(result, folder, score, since, warnings)


@contextlib.contextmanager
def _registry(home: Home, *, dry_run: bool) -> Iterator[Registry | None]:
    """The registry, with the lock held; for a dry run as it is, read-only, None if there is none."""
    if not dry_run:
        store = Store(home, LOCK_TIMEOUT)
        with store.locked():
            yield store.log.registry()
        store.close()
    elif home.database.exists():
        # Even who only reads makes the files of a write-ahead log, unless told that nobody writes: then there is none.
        log = home.database.with_name(f"{home.database.name}-wal")
        how = "mode=ro" if log.exists() else "immutable=1"
        connection = sqlite3.connect(f"{home.database.resolve().as_uri()}?{how}", uri=True)
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
    """What changed since the last run, told from its findings: the files of a headless run have no history."""
    runs = registry.runs()
    if not runs:
        return None
    before, _ = registry.tables(runs[0].number)
    return comparing.since_findings(index, before, runs[0].number)
