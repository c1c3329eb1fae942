from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysync_shell.core.edits import replacing
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.kinds import KINDS
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import as_edit
from keysync_shell.core.planning.policy import Policy
from keysync_shell.reconcile import comparing
from keysync_shell.reconcile.comparing import CARRIED_OUT, DIFFERENT, OTHERWISE, STILL_OPEN, touched_by
from keysync_shell.reconcile.engine import Result
from keysync_shell.reconcile.recorded import Recorded, from_record, to_record
from tests.building import FIVE, deciding, index, systems
from tests.reconcile.building import ran, recorded_run
from tests.strategies import PURE, edits_of, states

Untold = dict[int, str]  # the number of an operation → names of systems

SOME = settings(PURE, max_examples=25)
DRIFTED = systems(A="K1 K2", B="K1 K2 X1", C="K1 K2", D="K1", E="K1 K2")
DECISIONS = {kind.name: kind.decisions for kind in KINDS}
policies = st.builds(deciding, **{name: st.sampled_from(decisions) for name, decisions in DECISIONS.items()})


def recorded(state: State, result: Result, now: Systems = FIVE) -> Recorded:
    """What a run is remembered as."""
    rows = to_record(state, Index.build(state, result.rules), result.plan)
    return from_record(recorded_run(result), rows, result.plan.actions, now)


def compared(before: State, policy: Policy, now: State, *changes: Change, untold: Untold = {}) -> list[str]:  # noqa: B006  # only read
    """Each row of `compare` in short, such as `new gap D K2`; the cause in brackets where there is one.

    `untold` are the systems in which nobody knows what an operation did.
    """
    past = recorded(before, ran(before, policy))
    rows = comparing.compare(past, index(now), _touched(changes, untold))
    return [" ".join(filter(None, row[:-1])) + (f" ({row[-1]})" if row[-1] else "") for row in rows.iter_rows()]


def _touched(changes: tuple[Change, ...], untold: Untold) -> pl.DataFrame:
    numbered = dict(enumerate(changes, 5))
    every = sorted({*numbered, *untold})
    return touched_by([(n, numbered.get(n, Change()), untold.get(n, "")) for n in every], Rules())


def carried_out(state: State, policy: Policy, rules: Rules | None = None) -> State:
    return state.apply(as_edit(state, ran(state, policy, rules=rules).plan).change)


def change_to(before: State, after: State) -> Change:
    return replacing.replace(before, after.tables).change


# Every decision: its finding before, whether the plan acts, and how it may go by another way

ALL = {"B": "K1", "C": "K1", "E": "K1"}
K1, GONE = {"A": "K1", "D": "K1", **ALL}, dict[str, str]()
OUTCOMES: list[tuple[dict[str, str], dict[str, Any], str, bool, dict[str, Any]]] = [
    ({"gap": "propagate"}, {"A": "K1", **ALL}, "gap D K1", True, GONE),
    ({"gap": "propagate"}, {"A": "K1", **ALL}, "gap D K1", True, {"A": "K1", "D": "k1", **ALL}),
    ({"gap": "ignore"}, {"A": "K1", **ALL}, "gap D K1", False, K1),
    ({"unauthorized": "propose"}, {"B": "X1"}, "unauthorized B X1", False, GONE),
    ({"unauthorized": "adopt"}, {"B": "X1"}, "unauthorized B X1", True, GONE),
    ({"unauthorized": "adopt"}, {"B": "X1"}, "unauthorized B X1", True, {"A": "x1"}),
    ({"unauthorized": "remove"}, {"B": "X1", "C": "X1"}, "unauthorized B C X1", True, {"A": "X1", "B": "X1"}),
    ({"unauthorized": "ignore"}, {"B": "X1"}, "unauthorized B X1", False, GONE),
    ({"variant": "report"}, {**K1, "D": "k1"}, "variant D K1 k1", False, K1),
    ({"variant": "respell"}, {**K1, "D": "k1"}, "variant D K1 k1", True, {"A": "K1", **ALL}),
    ({"variant": "respell"}, {**K1, "D": "k1"}, "variant D K1 k1", True, {**K1, "A": "k1", "D": "k1"}),
    ({"duplicate": "report"}, {**K1, "D": "K1 K1"}, "duplicate D K1", False, K1),
    ({"duplicate": "keep-first"}, {**K1, "D": "K1 K1"}, "duplicate D K1", True, {"A": "K1", **ALL}),
    ({"duplicate": "keep-first"}, {**K1, "D": "K1 k1"}, "duplicate D K1", True, {**K1, "D": "k1"}),
    ({"duplicate": "canonical"}, {**K1, "D": "K1 k1 k1"}, "duplicate D K1", True, {**K1, "D": "k1"}),
    ({"malformed": "report"}, {"D": ["!"]}, "malformed D !", False, GONE),
    ({"malformed": "remove"}, {**K1, "D": ["K1!"]}, "malformed D K1 K1!", True, {"A": "K1", **ALL}),
    ({"variant": "respell"}, {**K1, "D": ["K1!"]}, "malformed D K1 K1!", True, {"A": "K1", **ALL}),
]
IDS = [f"{finding} {policy} {number}" for number, (policy, _, finding, _, _) in enumerate(OUTCOMES)]


@pytest.mark.parametrize(("policy", "before", "finding", "acts", "otherwise"), OUTCOMES, ids=IDS)
def test_finding_is_open_until_it_is_carried_out_or_goes_another_way(
    policy: dict[str, Any], before: dict[str, Any], finding: str, acts: bool, otherwise: dict[str, Any]
) -> None:
    state, chosen, other = systems(**before), deciding(**policy), systems(**otherwise)
    left = "" if acts else " (the plan leaves it as it is)"
    assert f"{STILL_OPEN} {finding}{left}" in compared(state, chosen, state)
    after = compared(state, chosen, carried_out(state, chosen))
    assert (f"{CARRIED_OUT} {finding}" if acts else f"{STILL_OPEN} {finding}{left}") in after
    gone = [row for row in compared(state, chosen, other) if f" {finding} (" in row]
    assert gone == [f"{OTHERWISE} {finding} (what changed it is not kept)"]


def test_every_decision_about_whatever_a_finding_is_about_is_among_them() -> None:
    about = {kind.name: kind.about for kind in KINDS}
    decided = [(policy, finding.split()[0]) for policy, _, finding, _, _ in OUTCOMES]
    asked = {(about[kind], policy[kind]) for policy, kind in decided if kind in policy}
    assert asked == {(kind.about, decision) for kind in KINDS for decision in kind.decisions}


@settings(PURE, max_examples=40)
@given(states(), policies, st.sampled_from([0, 3]))
def test_plan_that_is_carried_out_leaves_nothing_new_and_its_undo_everything_open(
    state: State, policy: Policy, pad: int
) -> None:
    rules = Rules(pad_numbers=pad)
    result = ran(state, policy, rules=rules)
    past = recorded(state, result)
    nothing = touched_by([], rules)
    before = comparing.compare(past, Index.build(state, rules), nothing)
    assert before["status"].to_list() == [STILL_OPEN] * len(result.findings)
    after = carried_out(state, policy, rules)
    rows = comparing.compare(past, Index.build(after, rules), nothing)
    assert not rows["status"].is_in(DIFFERENT).any(), rows
    assert set(rows.filter(status=STILL_OPEN)["cause"]) <= {"the plan leaves it as it is"}


def test_odd_spelling_that_came_with_the_plan_is_nothing_new() -> None:
    state = systems(A=["K1!"], B=["K1!"], C=["K1!"], E=["K1!"])
    rows = compared(state, Policy(), carried_out(state, Policy()))
    assert "carried out malformed D K1 K1! (came with the plan)" in rows
    assert "carried out gap D K1" in rows
    other = systems(A=["K1!"], B=["K1!"], C=["K1!"], D=["K1", "K?1"], E=["K1!"])
    change = change_to(state, other)
    assert "new malformed D K1 K?1 (@5 changed D after the run)" in compared(state, Policy(), other, change)


def test_what_changed_otherwise_names_the_last_operation_that_touched_it() -> None:
    middle = systems(A="K1 K2", B="K1 K2 X1", C="K1 K2", D="K1", E="K1")
    now = systems(A="K1", B="K1 K2 X1", C="K1 K2", D="K1", E="K1")
    changes = change_to(DRIFTED, middle), change_to(middle, now)
    assert compared(DRIFTED, Policy(), now, *changes) == [
        "changed otherwise gap D K2 (@6 changed A after the run)",
        "new unauthorized B C K2 (@6 changed A after the run)",
        "still open unauthorized B X1 (the plan leaves it as it is)",
    ]


@pytest.mark.parametrize(
    ("untold", "cause"),
    [
        ({7: "A"}, "@7 may have changed it in A: what it did cannot be told"),
        ({7: "D"}, "@7 may have changed it in D: what it did cannot be told"),
        ({7: "E"}, "@5 changed A after the run"),
        ({4: "AD"}, "@5 changed A after the run"),
    ],
)
def test_operation_of_which_nothing_is_told_is_named_where_it_may_be_the_cause(untold: Untold, cause: str) -> None:
    now = systems(A="K1", B="K1 K2 X1", C="K1 K2", D="K1", E="K1 K2")
    rows = compared(DRIFTED, Policy(), now, change_to(DRIFTED, now), untold=untold)
    assert f"changed otherwise gap D K2 ({cause})" in rows


def test_part_of_the_plan_is_carried_out_and_the_rest_open() -> None:
    state = systems(A="K1", B="K1", C="K1")
    assert compared(state, Policy(), systems(A="K1", B="K1", C="K1", E="K1")) == [
        "still open gap D K1",
        "carried out gap E K1",
    ]


def test_unauthorized_key_that_spreads_is_one_finding_and_still_open() -> None:
    spread = systems(A="K1 K2", B="K1 K2 X1", C="K1 K2 X1", D="K1", E="K1 K2")
    assert compared(DRIFTED, deciding(unauthorized="remove"), spread) == [
        "still open gap D K2",
        "still open unauthorized B X1",
    ]
    since = comparing.since(recorded(DRIFTED, ran(DRIFTED)), index(spread))
    assert (len(since.new), len(since.resolved), since.still_open) == (0, 0, 2)


def test_recorded_run_is_read_by_the_names_of_its_systems() -> None:
    turned = Systems(("E", "D", "C", "B", "A"), "A")
    past = recorded(DRIFTED, ran(DRIFTED), now=turned)
    assert (past.systems, past.found["systems"].to_list()) == (FIVE, [FIVE.bit("D"), FIVE.bit("B")])
    now = State(turned, {name: DRIFTED.tables[name] for name in turned.names})
    since = comparing.since(past, index(now))
    assert (len(since.new), len(since.resolved), since.still_open) == (0, 0, 2)


def test_run_that_recorded_bits_and_nothing_of_its_plan_is_still_understood() -> None:
    result = ran(DRIFTED, deciding(unauthorized="remove"))
    run = recorded_run(result)
    run = type(run)(**{**vars(run), "details": {k: v for k, v in run.details.items() if k != "systems"}})
    past = from_record(run, result.findings, result.plan.actions, Systems(("B", "A", "C", "D", "E"), "A"))
    after = index(carried_out(DRIFTED, deciding(unauthorized="remove")))
    for now, status in ((index(DRIFTED), STILL_OPEN), (after, CARRIED_OUT)):
        assert comparing.compare(past, now, touched_by([], Rules()))["status"].to_list() == [status] * 2


# What changed since


def listed(found: pl.DataFrame) -> list[tuple[str, int, str, str]]:
    """What tells a finding from another."""
    return sorted(
        (kind, 0 if kind == "unauthorized" else mask, key, keys[0] if kind in ("variant", "malformed") else "")
        for kind, mask, key, keys in found.select("kind", "systems", "canonical", "keys").iter_rows()
    )


@SOME
@given(st.data(), states(), st.sampled_from([0, 2]))
def test_since_is_the_difference_of_two_full_runs(data: st.DataObject, before: State, pad: int) -> None:
    rules = Rules(pad_numbers=pad)
    now = Index.build(before.apply(data.draw(edits_of(before)).change), rules)
    was, is_now = listed(findings(Index.build(before, rules))), listed(findings(now))
    since = comparing.since(recorded(before, ran(before, rules=rules)), now)
    assert listed(since.new) == sorted(set(is_now) - set(was))
    assert listed(since.resolved) == sorted(set(was) - set(is_now))
    assert since.still_open == len(set(is_now) & set(was))
