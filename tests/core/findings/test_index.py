from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.edits import adding, replacing
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from tests.building import NOW, index, rows, systems
from tests.strategies import STATES, edits_of, states

padding = st.sampled_from([Rules(), Rules(pad_numbers=3), Rules(letters="unicode")])


def test_each_spelling_has_one_row_with_who_holds_it_and_who_repeats_it() -> None:
    found = index(systems(A="K1 K2 K2", B="k1 K2", E="K2 K2"))
    assert found.rows.select("key", "canonical", "mask", "repeats").rows() == [
        ("K1", "K1", 0b00001, 0),
        ("K2", "K2", 0b10011, 0b10001),
        ("k1", "K1", 0b00010, 0),
    ]


def test_groups_bring_spellings_together_but_not_those_of_nothing() -> None:
    found = index(systems(A="K1", B=["k1", "!!", ""]))
    assert found.groups().rows() == [("K1", 0b00011, ["K1", "k1"])]


def test_nothing_changed_is_the_same_index() -> None:
    found = index(systems(A="K1"))
    assert found.updated(Change()) is found


def test_sixteen_systems_have_a_bit_each() -> None:
    many = Systems(tuple(f"S{i}" for i in range(16)), "S0")
    state = State(many, {name: rows("K1" if name in ("S0", "S15") else "", name) for name in many.names})
    assert Index.build(state, Rules()).totals.patterns == {0b1000000000000001: 1}


def test_update_follows_a_key_to_the_end_of_its_life() -> None:
    state = systems(A="K1")
    gone = replacing.replace(state, {"A": table.empty()}).change
    updated = index(state).updated(gone)
    assert (len(updated.rows), updated.totals.patterns) == (0, {})


@STATES
@given(st.data(), padding)
def test_updated_index_equals_one_built_anew(data: st.DataObject, rules: Rules) -> None:
    state = data.draw(states())
    found = index(state, rules)
    for _ in range(data.draw(st.integers(1, 3))):
        change = data.draw(edits_of(state)).change
        before, state, found = found, state.apply(change), found.updated(change)
    anew = index(state, rules)
    with pytest.MonkeyPatch.context() as patch:  # Hypothesis does not reset pytest's own
        patch.setattr("keysync_shell.core.findings.index.MOST_COUNTED", 0)
        assert before.after(change, state).rows.equals(anew.rows)
    assert found.rows.rows() == anew.rows.rows()
    assert found.rows.schema == anew.rows.schema
    assert found.totals == anew.totals


@STATES
@given(st.data(), padding)
def test_index_goes_back_with_the_inverse(data: st.DataObject, rules: Rules) -> None:
    state = data.draw(states())
    change = data.draw(edits_of(state)).change
    there_and_back = index(state, rules).updated(change).updated(change.inverse)
    assert there_and_back.rows.equals(index(state, rules).rows)
    assert there_and_back.totals == index(state, rules).totals


def test_many_keys_at_once_are_updated_as_few_are() -> None:
    state = systems(A=[f"K{i}" for i in range(200)], B=[f"k{i}" for i in range(0, 200, 3)])
    change = adding.add(state, table.key_series(f"k{i}" for i in range(0, 200, 2)), ("B", "C"), now=NOW).change
    updated, anew = index(state).updated(change), index(state.apply(change))
    assert updated.rows.equals(anew.rows)
    assert updated.totals == anew.totals
