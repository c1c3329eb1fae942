"""Keys alone, as they come, give what whole rows in order give."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.findings.assessing import assess
from keysync_shell.core.findings.counting import summarize
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.plan import plan
from keysync_shell.core.planning.policy import Policy
from tests.building import index, systems
from tests.core.findings.test_index import padding
from tests.core.planning.test_plan import policies
from tests.strategies import STATES, states


def assessed(state: State, rules: Rules | None = None, seed: int = 0) -> tuple[State, Index]:
    """State and index of the keys of a state, in any order."""
    keys = {name: state.keys(name).shuffle(seed) for name in state.systems.names}
    return assess(keys, state.systems, rules or Rules(), state.registry)


@STATES
@given(states(), padding, policies, st.integers(0, 9))
def test_keys_alone_give_the_same_numbers_findings_and_plans(
    whole: State, rules: Rules, policy: Policy, seed: int
) -> None:
    every = index(whole, rules)
    state, found = assessed(whole, rules, seed)
    assert summarize(found, state) == summarize(every, whole)
    assert found.totals == every.totals
    assert plan(state, found, policy).actions.equals(plan(whole, every, policy).actions)
    assert findings(found).equals(findings(every))


def test_only_what_is_not_in_step_is_looked_at() -> None:
    everywhere = dict.fromkeys("ABCDE", "K1 K2 K3")
    state, found = assessed(systems(**{**everywhere, "D": "K1 k2 K3 K3", "E": "K1 K2"}))
    assert found.rows["key"].to_list() == ["K2", "K3", "k2"]
    assert state.tables["D"]["key"].to_list() == ["K3", "K3", "k2"]
    assert [state.rows(name) for name in "ABCDE"] == [3, 3, 3, 4, 2]


def test_sixteen_systems_and_many_repeats() -> None:
    many = Systems(tuple(f"S{i}" for i in range(16)), "S0")
    keys = {name: pl.Series("key", ["K1"] * (5000 if name == "S15" else 1)) for name in many.names}
    state, found = assess(keys, many, Rules(), State.empty(many).registry)
    assert (found.totals.patterns, found.rows["repeats"].to_list()) == ({2**16 - 1: 1}, [2**15])
    assert state.rows("S15") == len(state.tables["S15"]) == 5000


def test_no_keys_at_all() -> None:
    state, found = assessed(systems())
    assert (len(found.rows), found.totals.patterns, state.rows("A")) == (0, {}, 0)


@STATES
@given(states(), st.sampled_from([["unauthorized"], ["gap", "variant"], []]))
def test_findings_of_some_kinds_are_those_among_all(whole: State, wanted: list[str]) -> None:
    every = findings(index(whole)).filter(pl.col("kind").is_in(wanted))
    assert findings(index(whole), wanted).equals(every)
