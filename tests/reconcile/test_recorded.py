from __future__ import annotations

from keysync_shell.reconcile.recorded import as_it_was, from_record, to_record
from tests.building import FIVE, deciding, index, systems
from tests.reconcile.building import ran, recorded_run

DRIFTED = systems(A="K1 K2", B="K1 K2 X1", C="K1 K2", D="K1", E="K1 K2")


def test_systems_are_recorded_by_name() -> None:
    rows = to_record(DRIFTED, index(DRIFTED), ran(DRIFTED).plan)
    assert rows["systems"].to_list() == [["D"], ["B"]]


def test_findings_are_recorded_with_what_the_plan_makes_of_them() -> None:
    state = systems(A=["K1!"], B=["K1!"], C=["K1!", "X1"], E=["K1!"])
    rows = to_record(state, index(state), ran(state, deciding(unauthorized="ignore")).plan)
    told = set(rows.select("kind", "planned", "canonical").iter_rows())
    assert told == {
        ("gap", "goes", "K1"),
        ("unauthorized", "stays", "X1"),
        ("malformed", "stays", "K1"),
        ("malformed", "comes", "K1"),
    }


def test_recorded_run_is_the_result_again() -> None:
    result = ran(DRIFTED)
    past = from_record(recorded_run(result), to_record(DRIFTED, index(DRIFTED), result.plan), result.plan.actions, FIVE)
    again = as_it_was(recorded_run(result), past, result.registry)
    assert (again.summary.discrepancies, again.rules) == (result.summary.discrepancies, result.rules)
    assert (again.policy, again.proposals) == (result.policy, result.proposals)
    assert again.findings.equals(result.findings)
