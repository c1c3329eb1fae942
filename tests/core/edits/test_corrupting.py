from __future__ import annotations

import pytest

from keysync_shell.core.edits import corrupting
from keysync_shell.core.edits.matching import NoSuchKey
from keysync_shell.core.selecting.selectors import EVERYTHING
from tests.building import applied, grid, holding, query, systems


def test_corrupt_passes_over_keys_that_it_cannot_change() -> None:
    state = systems(A="DFG K1 K2 --")
    edit = corrupting.corrupt(state, "zero-pad", EVERYTHING, ("A",), how_many=lambda count: count, seed=0)
    assert applied(state, edit) == {"A": ["--", "DFG", "K01", "K02"]}
    assert edit.left_out == {"A": {"more asked for, but no other key can be damaged this way": 2}}


def test_corrupt_passes_over_a_spelling_that_is_there_already() -> None:
    edit = corrupting.corrupt(
        systems(A="K1 K01"), "zero-pad", query("K1"), ("A",), how_many=lambda count: count, seed=0
    )
    assert not edit.change


def test_corrupt_finds_other_victims_among_many() -> None:
    state = systems(A=[f"D{'F' * n}" for n in range(90)] + ["K1"])
    edit = corrupting.corrupt(state, "zero-pad", EVERYTHING, ("A",), how_many=lambda _: 1, seed=0)
    assert edit.change.parts["A"].removed.to_list() == ["K1"]


def test_empty_keys_may_repeat() -> None:
    state = systems(A="K1 K2")
    edit = corrupting.corrupt(state, "empty", EVERYTHING, ("A",), how_many=lambda count: count, seed=0)
    assert applied(state, edit) == {"A": ["", ""]}


def test_repeat_adds_one_row_of_each_key() -> None:
    state = holding(grid("key note / K1 a / K1 b / K2 c"))
    edit = corrupting.corrupt(state, "repeat", EVERYTHING, ("A",), how_many=lambda count: count, seed=0)
    after = state.apply(edit.change).tables["A"].rows()
    assert after == [("K1", "a"), ("K1", "a"), ("K1", "b"), ("K2", "c"), ("K2", "c")]


def test_each_system_is_damaged_for_itself() -> None:
    keys = [f"K{n}" for n in range(30)]
    edit = corrupting.corrupt(systems(A=keys, B=keys), "case", EVERYTHING, ("A", "B"), how_many=lambda _: 5, seed=0)
    assert edit.change.parts["A"].removed.to_list() != edit.change.parts["B"].removed.to_list()


def test_corrupt_of_named_keys_that_nobody_holds_is_an_error_and_of_no_keys_is_not() -> None:
    with pytest.raises(NoSuchKey):
        corrupting.corrupt(systems(), "case", query("K1"), ("A",), how_many=lambda count: count, seed=0)
    assert not corrupting.corrupt(systems(), "case", EVERYTHING, ("A",), how_many=lambda _: 1, seed=0).change
