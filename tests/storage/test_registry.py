from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keysync_shell.config import Retention
from keysync_shell.core.model.change import Change, SystemChange, between
from keysync_shell.core.model.counts import Counts
from keysync_shell.core.model.master_keys import ACTIVE, MasterKey, by_number, table_of
from keysync_shell.errors import KeySyncError
from keysync_shell.reconcile.recorded import to_record
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.oplog import OperationLog, looking, master_keys_of
from keysync_shell.storage.records import Damaged
from keysync_shell.storage.registry import Recording
from tests.building import NOW, index, systems
from tests.reconcile.building import master_key, ran, recorded_run


@pytest.fixture
def log(tmp_path: Path) -> Iterator[OperationLog]:
    made = OperationLog(tmp_path / "history.db", 5, Retention())
    yield made
    made.close()


def proposing(*keys: MasterKey) -> SystemChange:
    rows = table_of(keys)
    return SystemChange(rows.clear(), rows)


def commit(log: OperationLog, number: int, change: SystemChange | None, recording: Recording | None = None) -> None:
    operation = Operation(number, NOW, "test", "", "ada", "lab", "test", master_keys=Counts(1, 0, 0))
    log.append(operation, f"token{number}", Change(master_keys=change), recording=recording)


def a_run() -> Recording:
    state = systems(A="K1", B="X1")
    result = ran(state)
    rows = to_record(state, index(state), result.plan)
    return Recording(recorded_run(result), rows, result.plan.actions, tuple(result.events))


def test_registry_is_what_the_operations_made_of_it_at_any_moment(log: OperationLog) -> None:
    one, two = master_key("X1"), master_key("X2", number=2)
    active = replace(one, status=ACTIVE)
    commit(log, 1, proposing(one))
    commit(log, 2, proposing(two))
    commit(log, 3, between(table_of([one]), table_of([active])))
    assert [by_number(log.master_keys(number)) for number in (0, 1, 2, 3)] == [(), (one,), (one, two), (active, two)]
    assert by_number(log.master_keys(None)) == (active, two)
    assert log.change(2).master_keys is not None


def test_change_that_is_taken_back_leaves_no_master_key(log: OperationLog) -> None:
    commit(log, 1, proposing(master_key("X1")))
    commit(log, 2, proposing(master_key("X1")).inverse)
    assert by_number(log.master_keys(None)) == ()


def test_two_master_keys_may_have_one_number_if_history_has_it_so(log: OperationLog) -> None:
    commit(log, 1, proposing(master_key("X1"), master_key("X2")))
    assert [key.id for key in by_number(log.master_keys(None))] == [1, 1]


def test_registry_is_no_system_that_a_key_could_be_looked_up_in(log: OperationLog) -> None:
    commit(log, 1, proposing(master_key("X1")))
    assert not log.touching("X1").changes
    assert log.oldest_kept() == 1


def test_audit_tells_what_became_of_each_master_key(log: OperationLog, tmp_path: Path) -> None:
    one = master_key("X1")
    commit(log, 1, proposing(one))
    commit(log, 2, between(table_of([one]), table_of([replace(one, status=ACTIVE)])))
    commit(log, 3, between(table_of([replace(one, status=ACTIVE)]), table_of([])))
    with sqlite3.connect(tmp_path / "history.db") as connection:
        events = connection.execute("SELECT event, details, system, key FROM audit ORDER BY id").fetchall()
    assert events == [
        ("MASTER_KEY_PROPOSED", "X1", "B", "X1"),
        ("MASTER_KEY_ACTIVATED", "X1", "B", "X1"),
        ("MASTER_KEY_TAKEN_BACK", "X1", "B", "X1"),
    ]


def test_damaged_change_of_the_registry_is_named(log: OperationLog, tmp_path: Path) -> None:
    commit(log, 1, proposing(master_key("X1")))
    with sqlite3.connect(tmp_path / "history.db") as connection:
        connection.execute("UPDATE changes SET after = x'00'")
    assert len(log.master_keys(1)) == 1
    with pytest.raises(Damaged, match="what @1 changed in master keys is damaged"):
        log.master_keys(0)


def test_run_comes_back_with_its_tables_and_audit(log: OperationLog) -> None:
    recording = a_run()
    commit(log, 1, proposing(master_key("X1")), recording)
    registry = log.registry()
    [run] = registry.runs()
    assert replace(run, details={}) == replace(recording.run, details={})
    assert json.dumps(run.details) == json.dumps(recording.run.details)
    findings, actions = registry.tables(1)
    assert findings.equals(recording.findings)
    assert actions.equals(recording.actions)
    assert [event.event for _, event in registry.events(1)] == ["RUN_COMPLETED", "MASTER_KEY_PROPOSED", "RUN_STARTED"]
    assert registry.next_run() == 2


def test_run_that_changes_nothing_is_recorded_without_an_operation(log: OperationLog) -> None:
    log.add(a_run())
    assert (len(log.registry().runs()), log.newest()) == (1, None)


def test_operation_run_and_registry_are_recorded_together_or_not_at_all(log: OperationLog) -> None:
    recording = a_run()
    broken = replace(recording.events[0], event=None)  # type: ignore[arg-type]  # the database refuses it
    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
        commit(log, 1, proposing(master_key("X1")), replace(recording, events=(broken,)))
    assert (log.registry().runs(), by_number(log.master_keys(None)), log.newest()) == ([], (), None)


def test_registry_is_looked_at_without_a_trace(log: OperationLog, tmp_path: Path) -> None:
    commit(log, 1, proposing(master_key("X1")))
    log.close()
    before = sorted(path.name for path in tmp_path.iterdir())
    assert len(master_keys_of(tmp_path / "history.db", None)) == 1
    assert len(master_keys_of(tmp_path / "history.db", 0)) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_where_there_is_no_database_nothing_is_registered(tmp_path: Path) -> None:
    with looking(tmp_path / "none.db") as log:
        assert (log.registry().runs(), len(log.master_keys(None)), log.newest()) == ([], 0, None)
    assert list(tmp_path.iterdir()) == []


def test_database_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_bytes(b"no database" * 100)
    with pytest.raises(KeySyncError, match=r"history\.db: file is not a database"):
        master_keys_of(tmp_path / "history.db", None)
