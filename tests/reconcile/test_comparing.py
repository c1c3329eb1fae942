from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.planning.actions import as_edit
from keysync_shell.core.planning.policy import Policy
from keysync_shell.reconcile import comparing, engine
from keysync_shell.reconcile.comparing import Touched
from keysync_shell.reconcile.engine import Result
from tests.building import FIVE, index, systems
from tests.reconcile.building import ran
from tests.strategies import PURE, edits_of, states

SOME = settings(PURE, max_examples=25)
DRIFTED = systems(A="K1 K2", B="K1 K2 X1", C="K1 K2", D="K1", E="K1 K2")


def compared(result: Result, now: State, touched: Touched | None = None, *, kept: bool = True) -> list[str]:
    """Each row in short: `missed gap D K2 (@5 changed D after the plan)`."""
    known = result.master_keys if kept else ()
    rows = comparing.compare(result.findings, result.plan.actions, index(now), known, touched or {})
    return [" ".join(row[:4]) + (f" ({row[4]})" if row[4] else "") for row in rows.iter_rows()]


def test_everything_is_matched_where_nothing_intervened() -> None:
    assert compared(ran(DRIFTED), DRIFTED) == ["matched gap D K2", "matched unauthorized B X1"]


def test_what_was_planned_and_carried_out_is_matched() -> None:
    result = ran(DRIFTED, Policy(unauthorized="remove"))
    after = DRIFTED.apply(as_edit(DRIFTED, result.plan).change)
    assert compared(result, after) == ["matched gap D K2 (carried out)", "matched unauthorized B X1 (carried out)"]


def test_odd_spelling_that_came_with_what_was_carried_out_is_matched() -> None:
    state = systems(A=["K1!"], B=["K1!"], C=["K1!"], E=["K1!"])
    result = ran(state)
    after = state.apply(as_edit(state, result.plan).change)
    rows = compared(result, after)
    assert "matched malformed D K1 (came with what was carried out)" in rows
    assert "matched gap D K1 (carried out)" in rows
    assert not [row for row in rows if not row.startswith("matched")]
    other = systems(A=["K1!"], B=["K1!"], C=["K1!"], D=["K1", "K?1"], E=["K1!"])
    assert "unexpected malformed D K1 (@9 changed D after the plan)" in compared(result, other, {("D", "K1"): 9})


def test_finding_that_went_by_another_way_is_missed_with_the_cause() -> None:
    now = systems(A="K1", B="K1 X1", C="K1", D="K1", E="K1")
    assert compared(ran(DRIFTED), now, {("A", "K2"): 5}) == [
        "missed gap D K2 (@5 changed A after the plan)",
        "matched unauthorized B X1",
    ]


def test_unauthorized_key_that_somebody_removed_was_not_carried_out() -> None:
    now = systems(A="K1 K2", B="K1 K2", C="K1 K2", D="K1", E="K1 K2")
    assert compared(ran(DRIFTED), now, {("B", "X1"): 6})[0] == "missed unauthorized B X1 (@6 changed B after the plan)"


def test_new_finding_is_unexpected_with_the_cause() -> None:
    now = systems(A="K1 K2", B="K1 K2 X1", C="K2", D="K1", E="K1 K2")
    assert compared(ran(DRIFTED), now, {("C", "K1"): 7, ("A", "K1"): 3})[0] == (
        "unexpected gap C K1 (@7 changed C after the plan)"
    )


def test_cause_that_no_operation_explains_is_named_as_such() -> None:
    assert compared(ran(DRIFTED), systems())[0].endswith("(other rules or systems)")


def test_proposal_that_is_not_in_the_registry_is_missed() -> None:
    assert compared(ran(DRIFTED), DRIFTED, kept=False) == [
        "missed unauthorized B X1 (no master key)",
        "matched gap D K2",
    ]


def test_recorded_run_is_the_result_again() -> None:
    result = ran(DRIFTED)
    run = engine.as_run(result, line="reconcile", user="ada@lab", operation=1, folder="out")
    again = comparing.as_it_was(run, result.findings, result.plan.actions, result.master_keys, FIVE)
    assert (again.summary.discrepancies, again.rules) == (result.summary.discrepancies, result.rules)
    assert (again.policy, again.proposals) == (result.policy, result.proposals)


# What changed since


def listed(found: pl.DataFrame) -> list[tuple[str, int, str, str]]:
    """What tells a finding from another."""
    first = [keys[0] if kind in ("variant", "malformed") else "" for kind, keys in found.select("kind", "keys").rows()]
    return sorted(zip(*(found[name] for name in ("kind", "systems", "canonical")), first, strict=True))


@SOME
@given(st.data(), states(), st.sampled_from([0, 2]))
def test_since_is_the_difference_of_two_full_runs(data: st.DataObject, before: State, pad: int) -> None:
    rules = Rules(pad_numbers=pad)
    change = data.draw(edits_of(before)).change
    old, new = Index.build(before, rules), Index.build(before.apply(change), rules)
    was, now = listed(findings(old)), listed(findings(new))
    for since in (comparing.since(new, change, 1), comparing.since_findings(new, findings(old), 1)):
        assert listed(since.new) == sorted(set(now) - set(was))
        assert listed(since.resolved) == sorted(set(was) - set(now))
        assert since.still_open == len(set(now) & set(was))


@SOME
@given(states())
def test_since_of_no_change_is_nothing(state: State) -> None:
    nothing = edits_nothing(state)
    assert (len(nothing.new), len(nothing.resolved)) == (0, 0)
    assert nothing.still_open == len(findings(index(state)))


def edits_nothing(state: State) -> comparing.Since:
    from keysync_shell.core.model.change import Change

    return comparing.since(index(state), Change(), 1)
