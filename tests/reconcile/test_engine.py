from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysync_shell.core.findings.kinds import KINDS
from keysync_shell.core.model.counts import Counts
from keysync_shell.core.model.master_keys import ACTIVE, PROPOSED, table_of
from keysync_shell.core.model.state import State
from keysync_shell.core.planning.actions import as_edit
from keysync_shell.core.planning.policy import Policy
from keysync_shell.reconcile import engine
from keysync_shell.reconcile.recording import PROPOSING
from tests.building import NOW, deciding, index, systems
from tests.reconcile.building import master_key, ran
from tests.strategies import PURE, STATES, states

SETTLED = st.builds(
    deciding,
    gap=st.sampled_from(["propagate", "ignore"]),
    unauthorized=st.sampled_from(["propose", "ignore"]),
    strategy=st.sampled_from(["mirror", "namespaced"]),
    overrides=st.sampled_from([{}, {"K1": "ignore", "K2": "propose", "K-1": "report"}]),
)
DRIFTED = systems(A="K1 K2", B="k1 X1", C="K1 K2 x1", D="K1", E="K1 K2 K2")


def test_run_finds_plans_and_proposes() -> None:
    result = ran(DRIFTED)
    expected = {"gaps": 2, "unauthorized": 1, "duplicates": 1, "variants": 2}
    assert result.summary.discrepancies == {kind.plural: expected.get(kind.plural, 0) for kind in KINDS}
    [proposed] = result.proposals
    assert (proposed.master_key, proposed.source_system, proposed.source_key) == ("X1", "B", "X1")
    assert (proposed.status, proposed.created_at, proposed.activated_at, proposed.run) == (PROPOSED, NOW, None, 1)


def test_key_that_several_systems_hold_is_proposed_once_as_its_source_spells_it() -> None:
    [proposed] = ran(systems(C="x_1", D="X-1", E=["X 1"])).proposals
    assert (proposed.canonical, proposed.source_system, proposed.source_key) == ("X-1", "C", "x_1")


def test_approved_at_once_is_active() -> None:
    [proposed] = ran(systems(B="X1"), auto_approve=True).proposals
    assert (proposed.status, proposed.activated_at) == (ACTIVE, NOW)


def test_namespaced_master_key_names_prefix_and_source() -> None:
    [proposed] = ran(systems(D="x1"), deciding(strategy="namespaced", prefix="MK")).proposals
    assert (proposed.master_key, proposed.strategy) == ("MK-D-X1", "namespaced")


def test_what_is_registered_is_not_proposed_again() -> None:
    assert ran(systems(B="X1"), known=[master_key("X1")]).proposals == ()


@pytest.mark.parametrize("prefix", ["MK", "mk", "m_k"])
def test_namespaced_master_key_that_a_system_took_over_needs_none_itself(prefix: str) -> None:
    policy = deciding(strategy="namespaced", prefix=prefix)
    first = ran(systems(B="X1"), policy)
    [proposed] = first.proposals
    taken_over = systems(B=["X1", proposed.master_key])
    assert ran(taken_over, policy, first.master_keys).proposals == ()


def test_numbers_of_new_master_keys_follow_the_last() -> None:
    result = ran(systems(B="X1 X2"), known=[master_key("X0", number=7)])
    assert [key.id for key in result.proposals] == [8, 9]
    assert [key.canonical for key in result.master_keys] == ["X0", "X1", "X2"]


def test_events_tell_the_run_from_start_to_end() -> None:
    events = [(event.event, event.key) for event in ran(systems(B="X1")).events]
    assert events == [("RUN_STARTED", ""), ("MASTER_KEY_PROPOSED", "X1"), ("RUN_COMPLETED", "")]


def test_prediction_tells_findings_master_keys_and_systems() -> None:
    _, prediction = engine.predict(DRIFTED, index(DRIFTED), deciding(variant="respell", duplicate="keep-first"))
    assert prediction.discrepancies == ran(DRIFTED).summary.discrepancies
    assert prediction.master_keys == ("X1",)
    assert prediction.systems == {
        "B": Counts(added=1, altered=1),
        "C": Counts(altered=1),
        "D": Counts(added=1),
        "E": Counts(removed=1),
    }


def test_prediction_that_does_not_hold_says_in_which_number() -> None:
    _, prediction = engine.predict(DRIFTED, index(DRIFTED), Policy())
    meanwhile = systems(A="K1 K2", B="K1", C="K1 K2", D="K1", E="K1 K2")
    result = ran(meanwhile)
    score = engine.score(prediction, result, result.registry)
    assert not score["held"]
    assert score["numbers"]["gaps"] == {"predicted": 2, "actual": 2}
    assert score["numbers"]["unauthorized"] == {"predicted": 1, "actual": 0}
    assert score["numbers"]["master_keys"] == {"predicted": 1, "actual": 0}


def test_prediction_does_not_hold_if_the_registry_lost_a_key() -> None:
    _, prediction = engine.predict(DRIFTED, index(DRIFTED), Policy())
    assert not engine.score(prediction, ran(DRIFTED), table_of([]))["held"]


@settings(PURE, max_examples=20)
@given(states())
def test_prediction_holds_where_nothing_intervened(state: State) -> None:
    _, prediction = engine.predict(state, index(state), Policy())
    result = ran(state)
    score = engine.score(prediction, result, result.registry)
    assert score["held"], score
    assert prediction.systems.keys() == as_edit(state, result.plan).change.parts.keys()


def test_recorded_run_remembers_where_and_by_whom() -> None:
    run = engine.as_run(ran(DRIFTED), line="reconcile", user="ada@lab", operation=3, folder="out", held=True)
    assert (run.number, run.line, run.user, run.operation, run.folder) == (1, "reconcile", "ada@lab", 3, "out")
    assert run.details["proposed"] == 1
    assert replace(run, details={}).details == {}


@STATES
@given(states(), SETTLED)
def test_what_a_settled_policy_proposes_is_told_by_the_kinds_that_propose(state: State, policy: Policy) -> None:
    found = index(state)
    every, all_told = engine.predict(state, found, policy)
    some, told = engine.predict(state, found, policy, only=PROPOSING)
    assert told.master_keys == all_told.master_keys
    one, other = (engine.proposals(made, found, 1, NOW, False, 1) for made in (some, every))
    assert one.equals(other)
