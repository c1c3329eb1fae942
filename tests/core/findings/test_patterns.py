from __future__ import annotations

from hypothesis import given

from keysync_shell.core.findings.counting import summarize
from keysync_shell.core.findings.patterns import GAP, IN_SYNC, UNAUTHORIZED, matrix
from keysync_shell.core.model.state import State
from tests.building import FIVE, index, systems
from tests.strategies import STATES, states

STATE = systems(A="K1 K2 K3", B="K1 X1 X2 k2", C="K1 X1", D="K1 X1", E="K1 X1")


def test_rows_are_in_sync_then_gaps_then_unauthorized_the_larger_first() -> None:
    found = [(row.keys, row.kind, row.meaning) for row in matrix(index(STATE).totals.patterns, FIVE)]
    assert found == [
        (1, IN_SYNC, "in sync"),
        (1, GAP, "gap: C D E"),
        (1, GAP, "gap: B C D E"),
        (1, UNAUTHORIZED, "unauthorized: B C D E"),
        (1, UNAUTHORIZED, "unauthorized: B"),
    ]


def test_inclusive_counts_what_at_least_these_systems_hold() -> None:
    found = {row.members: row.keys for row in matrix(index(STATE).totals.patterns, FIVE, inclusive=True)}
    assert len(found) == 31
    assert (found["A",], found["B",], found["A", "B"], found["B", "C"], found[FIVE.names]) == (3, 4, 2, 2, 1)


def test_nothing_held_is_no_row() -> None:
    assert matrix(index(systems()).totals.patterns, FIVE) == []


@STATES
@given(states())
def test_rows_add_up_to_the_totals(state: State) -> None:
    rows, summary = matrix(index(state).totals.patterns, FIVE), summarize(index(state), state)
    found = summary.discrepancies
    assert sum(row.keys for row in rows) == summary.keys
    assert sum(row.keys for row in rows if row.kind == IN_SYNC) == summary.in_sync
    assert sum(row.keys for row in rows if row.kind == UNAUTHORIZED) == found["unauthorized"]
    assert sum(row.keys * (5 - len(row.members)) for row in rows if row.kind == GAP) == found["gaps"]
    for system in summary.systems:
        assert sum(row.keys for row in rows if system.name in row.members) == system.total


@STATES
@given(states())
def test_inclusive_row_is_the_sum_of_the_exact_rows_above_it(state: State) -> None:
    exact = matrix(index(state).totals.patterns, FIVE)
    for row in matrix(index(state).totals.patterns, FIVE, inclusive=True):
        assert row.keys == sum(one.keys for one in exact if set(one.members) >= set(row.members))
