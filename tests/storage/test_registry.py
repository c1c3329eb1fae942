from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keysync_shell.config import Retention
from keysync_shell.reconcile import engine
from keysync_shell.storage.oplog import OperationLog
from keysync_shell.storage.registry import ACTIVE, DEPRECATED, PROPOSED, Event, Registry
from tests.building import systems
from tests.reconcile.building import master_key, ran

LATER = "2026-02-02T12:00:00Z"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    log = OperationLog(tmp_path / "history.db", 5, Retention())
    yield log.registry()
    log.close()


def event(name: str) -> Event:
    return Event(1, LATER, name, "", "B", "X1", "do", "success")


def test_proposal_is_kept_with_the_next_number(registry: Registry) -> None:
    registry.propose([master_key("X1", number=0), master_key("X2", number=0)])
    assert registry.master_keys() == [master_key("X1", number=1), master_key("X2", number=2)]


def test_proposing_again_is_nothing(registry: Registry) -> None:
    registry.propose([master_key("X1")])
    registry.propose([master_key("X1", name="MASTER-C-X1"), master_key("X2")])
    assert [(key.canonical, key.master_key) for key in registry.master_keys()] == [("X1", "X1"), ("X2", "X2")]
    assert sorted(registry.names()) == [("X1", "X1"), ("X2", "X2")]


def test_master_key_is_approved_and_deprecated(registry: Registry) -> None:
    registry.propose([master_key("X1"), master_key("X2")])
    registry.set_status([1], ACTIVE, LATER, [event("MASTER_KEY_ACTIVATED")])
    assert [(key.status, key.activated_at) for key in registry.master_keys()] == [(ACTIVE, LATER), (PROPOSED, None)]
    registry.set_status([1, 2], DEPRECATED, "2026-03-03T12:00:00Z", [])
    assert [(key.status, key.activated_at) for key in registry.master_keys()] == [
        (DEPRECATED, LATER),
        (DEPRECATED, None),
    ]


def test_run_comes_back_with_its_tables_and_audit(registry: Registry) -> None:
    result = ran(systems(A="K1", B="X1"))
    run = engine.as_run(result, line="reconcile", user="ada@lab", operation=1, folder="out")
    registry.add_run(run, result.findings, result.plan.actions, result.proposals, result.events)
    [found] = registry.runs()
    findings, actions = registry.tables(1)
    assert (found.number, found.line, found.details["proposed"]) == (1, "reconcile", 1)
    assert findings.equals(result.findings)
    assert actions.equals(result.plan.actions)
    assert [event.event for _, event in registry.events(1)] == ["RUN_COMPLETED", "MASTER_KEY_PROPOSED", "RUN_STARTED"]
    assert registry.next_run() == 2


def test_run_is_recorded_whole_or_not_at_all(registry: Registry) -> None:
    result = ran(systems(B="X1"))
    run = engine.as_run(result, line="reconcile", user="ada@lab", operation=1, folder="out")
    broken = replace(result.events[0], event=None)  # type: ignore[arg-type]  # the database refuses it
    with pytest.raises(Exception, match="NOT NULL"):
        registry.add_run(run, result.findings, result.plan.actions, result.proposals, [broken])
    assert (registry.runs(), registry.master_keys(), registry.next_run()) == ([], [], 1)
