from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.edits import adding, carrying, corrupting, removing, replacing, respelling
from keysync_shell.core.edits.edit import Edit, together
from keysync_shell.core.model import table
from keysync_shell.core.model.counts import Counts
from keysync_shell.core.selecting.selectors import EVERYTHING
from tests.building import NOW, query, rows, systems
from tests.strategies import STATES, edits_of, states

STATE = systems(A="K1 K2 K2", B="K1", C="k1 K1")


@pytest.mark.parametrize(
    ("edit", "lost"),
    [
        (adding.add(STATE, table.key_series(["K9"]), ("A",), now=NOW), {}),
        (removing.remove(STATE, query("K2"), ("A", "B")), {"A": 2}),
        (removing.without_repeats(STATE, EVERYTHING, ("A",)), {"A": 1}),
        (respelling.respell(STATE, query("K2"), ("A",), str.lower, merge=True), {}),
        (respelling.respell(STATE, query("K1"), ("C",), str.lower, merge=True), {"C": 1}),
        (corrupting.corrupt(STATE, "case", EVERYTHING, ("A",), how_many=lambda count: count, seed=1), {}),
        (corrupting.corrupt(STATE, "empty", EVERYTHING, ("A",), how_many=lambda count: count, seed=1), {}),
        (corrupting.corrupt(STATE, "repeat", EVERYTHING, ("A",), how_many=lambda count: count, seed=1), {}),
        (carrying.copy(STATE, query("K2"), "A", ("B",)), {}),
        (carrying.move(STATE, query("K2"), "A", ("B",)), {}),
        (carrying.move(STATE, query("K1"), "A", ("B", "C")), {"A": 1}),
        (carrying.move(STATE, query("K1"), "A", ("B", "D")), {}),
        (carrying.move(STATE, query("K*"), "A", ("B",)), {"A": 1}),
        (replacing.replace(STATE, {"A": rows("K1 K3")}), {"A": 2}),
    ],
    ids=range(14),
)
def test_rows_are_lost_that_stand_nowhere_afterwards(edit: Edit, lost: dict[str, int]) -> None:
    assert edit.lost == lost


def in_a_row(first: Edit, second: Edit) -> Edit:
    return together(STATE, STATE.apply(first.change).apply(second.change), [first, second])


def test_row_that_is_renamed_and_then_goes_is_lost_once() -> None:
    first = respelling.rename(STATE, "A", {"K1": "k1", "K2": "k2"})
    second = removing.without_repeats(STATE.apply(first.change), query("k2"), ("A",))
    both = in_a_row(first, second)
    assert both.counts == {"A": Counts(removed=1, altered=2)}
    assert both.lost == {"A": 1}


def test_keys_are_followed_through_two_renamings() -> None:
    first = respelling.rename(STATE, "A", {"K1": "k1"})
    later = STATE.apply(first.change)
    both = in_a_row(first, respelling.rename(later, "A", {"k1": "x1", "K2": "x2"}))
    assert both.counts == {"A": Counts(altered=3)}


@STATES
@given(st.data())
def test_numbers_of_rows_add_up_and_no_system_loses_more_than_it_says(data: st.DataObject) -> None:
    state = data.draw(states())
    edit = data.draw(edits_of(state))
    after = state.apply(edit.change)
    for name in state.systems.names:
        counts = edit.counts.get(name, Counts())
        assert after.rows(name) - state.rows(name) == counts.added - counts.removed
        assert edit.lost.get(name, 0) <= counts.removed
    total = sum(after.rows(name) - state.rows(name) for name in state.systems.names)
    assert sum(edit.lost.values()) >= -total
