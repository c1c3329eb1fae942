from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.edits import edits
from keysync_shell.core.edits.edits import NoSuchKey
from keysync_shell.core.model import table
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import EVERYTHING
from keysync_shell.errors import KeySyncError
from tests.building import FIVE, NOW, applied, grid, query, systems
from tests.strategies import STATES, few_spellings, some_names, states


def held(*tables: pl.DataFrame) -> State:
    """A state with these tables for the first systems, the others empty."""
    return State(FIVE, {**systems().tables, **dict(zip(FIVE.names, tables, strict=False))})


def lower(key: str) -> str:
    return key.lower()


# add


def test_add_gives_new_keys_their_columns() -> None:
    state = held(grid("key status region / K1 old eu"))
    change = edits.add(state, table.key_series(["K2"]), ("A", "B"), now=NOW).change
    assert change.parts["A"].after.rows() == [("K2", "active", "")]
    assert change.parts["B"].after.rows() == [("K2", NOW, "B", "active")]


def test_key_that_is_there_is_left_out_of_add() -> None:
    edit = edits.add(systems(A="K1", B="K2"), table.key_series(["K1", "K2"]), ("A", "B"), now=NOW)
    assert {name: part.added.to_list() for name, part in edit.change.parts.items()} == {"A": ["K2"], "B": ["K1"]}
    assert edit.left_out == {"A": {"already there": 1}, "B": {"already there": 1}}


def test_add_of_what_is_all_there_changes_nothing() -> None:
    edit = edits.add(systems(A="K1"), table.key_series(["K1"]), ("A",), now=NOW)
    assert not edit.change


@STATES
@given(states(), few_spellings, some_names)
def test_after_add_every_named_system_holds_every_key(state: State, keys: list[str], names: tuple[str, ...]) -> None:
    later = state.apply(edits.add(state, table.key_series(keys), names, now=NOW).change)
    for name in FIVE.names:
        assert set(later.keys(name)) == set(state.keys(name)) | (set(keys) if name in names else set())


# remove


def test_remove_takes_every_row_of_a_key() -> None:
    state = systems(A="K1 K1 K2", B="K1")
    assert applied(state, edits.remove(state, query("K1"), ("A",))) == {"A": ["K2"], "B": ["K1"]}


def test_remove_counts_the_named_keys_that_are_not_there() -> None:
    edit = edits.remove(systems(A="K1", B="K1 K2"), query("K1", "K2", "K3"), ("A", "B"))
    assert edit.left_out == {"A": {"not there": 2}, "B": {"not there": 1}}


@pytest.mark.parametrize(
    ("words", "what"),
    [(["K9"], "K9"), (["K8", "K9"], "any of 2 keys and patterns"), (["K8..K9"], "K8..K9"), (["key: "], "' '")],
)
def test_keys_that_nobody_holds_are_an_error(words: list[str], what: str) -> None:
    with pytest.raises(NoSuchKey) as error:
        edits.remove(systems(A="K1", C="K9 K8"), query(*words), ("A", "B"))
    assert error.value.message == f"no key in A, B matches {what}"
    assert error.value.hint == "`list` shows the keys that are there."


# respell


def test_respell_keeps_the_other_columns() -> None:
    state = held(grid("key note / K1 a / K1 b / K2 c"))
    change = edits.respell(state, query("K1"), ("A",), lower, merge=False).change
    assert state.apply(change).tables["A"].rows() == [("K2", "c"), ("k1", "a"), ("k1", "b")]


def test_respell_counts_what_it_leaves_as_it_is() -> None:
    edit = edits.respell(systems(A="K1 k2"), query("*"), ("A",), lower, merge=False)
    assert edit.left_out == {"A": {"unchanged": 1}}


def test_respell_onto_a_key_that_is_there_is_refused() -> None:
    with pytest.raises(KeySyncError) as error:
        edits.respell(systems(B="K1 k1"), query("K1"), ("B",), lower, merge=False)
    assert error.value.message == "K1 would land on k1, which B has already"
    assert "--merge" in error.value.hint


def test_two_keys_that_become_one_are_refused() -> None:
    with pytest.raises(KeySyncError, match=r"A and B would both become C in A"):
        edits.respell(systems(A="A B C1"), query("*"), ("A",), lambda _: "C", merge=False)


def test_merge_keeps_the_row_that_is_there() -> None:
    state = held(grid("key note / K1 mine / k1 theirs"))
    edit = edits.respell(state, query("K1"), ("A",), lower, merge=True)
    assert state.apply(edit.change).tables["A"].rows() == [("k1", "theirs")]
    assert edit.left_out == {"A": {"merged": 1}}


def test_merge_of_keys_that_become_one_keeps_the_first() -> None:
    state = held(grid("key note / A 1 / B 2"))
    edit = edits.respell(state, query("*"), ("A",), lambda _: "C", merge=True)
    assert state.apply(edit.change).tables["A"].rows() == [("C", "1")]


def test_keys_may_swap_names() -> None:
    state = held(grid("key note / A 1 / B 2"))
    edit = edits.respell(state, query("*"), ("A",), {"A": "B", "B": "A"}.__getitem__, merge=False)
    assert state.apply(edit.change).tables["A"].rows() == [("A", "2"), ("B", "1")]


def test_respell_keeps_a_column_of_any_name() -> None:
    state = held(grid("key new / K1 a"))
    change = edits.respell(state, query("K1"), ("A",), lower, merge=False).change
    assert state.apply(change).tables["A"].rows() == [("k1", "a")]


# corrupt


def test_corrupt_passes_over_keys_that_it_cannot_change() -> None:
    state = systems(A="DFG K1 K2 --")
    edit = edits.corrupt(state, "zero-pad", EVERYTHING, ("A",), how_many=lambda count: count, seed=0)
    assert applied(state, edit) == {"A": ["--", "DFG", "K01", "K02"]}
    assert edit.left_out == {"A": {"asked for, but nothing to change": 2}}


def test_corrupt_passes_over_a_spelling_that_is_there_already() -> None:
    edit = edits.corrupt(systems(A="K1 K01"), "zero-pad", query("K1"), ("A",), how_many=lambda count: count, seed=0)
    assert not edit.change


def test_corrupt_finds_other_victims_among_many() -> None:
    state = systems(A=[f"D{'F' * n}" for n in range(90)] + ["K1"])
    edit = edits.corrupt(state, "zero-pad", EVERYTHING, ("A",), how_many=lambda _: 1, seed=0)
    assert edit.change.parts["A"].removed.to_list() == ["K1"]


def test_empty_keys_may_repeat() -> None:
    state = systems(A="K1 K2")
    edit = edits.corrupt(state, "empty", EVERYTHING, ("A",), how_many=lambda count: count, seed=0)
    assert applied(state, edit) == {"A": ["", ""]}


def test_repeat_adds_one_row_of_each_key() -> None:
    state = held(grid("key note / K1 a / K1 b / K2 c"))
    edit = edits.corrupt(state, "repeat", EVERYTHING, ("A",), how_many=lambda count: count, seed=0)
    after = state.apply(edit.change).tables["A"].rows()
    assert after == [("K1", "a"), ("K1", "a"), ("K1", "b"), ("K2", "c"), ("K2", "c")]


def test_each_system_is_damaged_for_itself() -> None:
    keys = [f"K{n}" for n in range(30)]
    edit = edits.corrupt(systems(A=keys, B=keys), "case", EVERYTHING, ("A", "B"), how_many=lambda _: 5, seed=0)
    assert edit.change.parts["A"].removed.to_list() != edit.change.parts["B"].removed.to_list()


def test_corrupt_of_named_keys_that_nobody_holds_is_an_error_and_of_no_keys_is_not() -> None:
    with pytest.raises(NoSuchKey):
        edits.corrupt(systems(), "case", query("K1"), ("A",), how_many=lambda count: count, seed=0)
    assert not edits.corrupt(systems(), "case", EVERYTHING, ("A",), how_many=lambda _: 1, seed=0).change


# copy and move


def test_copy_carries_rows_under_the_name_of_the_target() -> None:
    state = systems(A="K1 K1 K2")
    change = edits.copy(state, query("K1"), "A", ("B", "C")).change
    assert state.apply(change).tables["B"].rows() == [("K1", NOW, "B", "active")] * 2
    assert list(change.parts) == ["B", "C"]


def test_copy_fits_the_columns_and_says_what_is_lost() -> None:
    state = held(grid("key note system / K1 a A / K2 b CRM"), grid("size key system / 9 K0 B"))
    edit = edits.copy(state, query("*"), "A", ("B",))
    assert state.apply(edit.change).tables["B"].rows() == [("9", "K0", "B"), ("", "K1", "B"), ("", "K2", "CRM")]
    assert edit.notes == ("B has no column note: not carried",)


def test_copy_leaves_out_what_the_target_has() -> None:
    edit = edits.copy(systems(A="K1 K2", B="K1"), query("*"), "A", ("B",))
    assert edit.change.parts["B"].added.to_list() == ["K2"]
    assert edit.left_out == {"B": {"already there": 1}}


def test_move_takes_the_rows_away_even_where_the_target_has_them() -> None:
    state = systems(A="K1 K2", B="K1")
    assert applied(state, edits.copy(state, query("*"), "A", ("B",), move=True)) == {"B": ["K1", "K2"]}


def test_a_system_cannot_be_both_source_and_target() -> None:
    with pytest.raises(KeySyncError, match="A is both the source and a target"):
        edits.copy(systems(A="K1"), query("K1"), "A", ("B", "A"))


def test_copy_of_a_key_that_the_source_lacks_is_an_error() -> None:
    with pytest.raises(NoSuchKey, match="no key in A matches K1"):
        edits.copy(systems(B="K1"), query("K1"), "A", ("B",))


# replace and fill


def test_replace_changes_only_what_differs() -> None:
    state = systems(A="K1 K2", B="K1")
    edit = edits.replace(state, {"A": systems(A="K2 K3").tables["A"], "B": state.tables["B"]}, {"keys": 2})
    assert edit.change.parts["A"].keys.to_list() == ["K1", "K3"]
    assert list(edit.change.parts) == ["A"]
    assert edit.details == {"keys": 2}


def test_filled_gives_every_system_the_same_keys() -> None:
    tables = edits.filled(systems(), table.key_series(["K1", "K2"]), now=NOW)
    assert {name: rows["key"].to_list() for name, rows in tables.items()} == {name: ["K1", "K2"] for name in FIVE.names}
    assert tables["D"].row(0) == ("K1", NOW, "D", "active")


@STATES
@given(st.data(), st.booleans())
def test_no_edit_of_one_system_touches_another(data: st.DataObject, move: bool) -> None:
    state = data.draw(states().filter(lambda state: state.rows("A") > 0))
    key = data.draw(st.sampled_from(state.keys("A").to_list()))
    change = edits.copy(state, query(f"key:{key}"), "A", ("C",), move=move).change
    assert set(change.parts) <= ({"A", "C"} if move else {"C"})
