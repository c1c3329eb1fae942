"""Runs for the tests of this folder."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from keysync_shell.core.model.master_keys import MasterKey, table_of
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import OnDemand, State
from keysync_shell.core.planning.policy import Policy
from keysync_shell.reconcile import engine
from keysync_shell.reconcile.engine import Result
from keysync_shell.storage.registry import Run
from tests.building import NOW, index


def ran(
    state: State,
    policy: Policy | None = None,
    known: Collection[MasterKey] = (),
    rules: Rules | None = None,
    **options: Any,
) -> Result:
    """A run at noon, number 1."""
    found, state = index(state, rules), with_registry(state, known)
    made, _ = engine.predict(state, found, policy or Policy())
    return engine.run(state, found, made, number=1, time=NOW, **options)


def with_registry(state: State, known: Collection[MasterKey]) -> State:
    """The state with these master keys."""
    return State(state.systems, state.tables, OnDemand(lambda: table_of(known)))


def master_key(canonical: str, *, number: int = 1, name: str | None = None, status: str = "proposed") -> MasterKey:
    return MasterKey(number, name or canonical, canonical, "B", canonical, status, "mirror", NOW, None, 1)


def recorded_run(result: Result) -> Run:
    """The run as it is recorded, after operation 1."""
    return engine.as_run(result, line="reconcile", user="ada@lab", operation=1, folder="out", held=True)
