from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.edits import carrying
from keysync_shell.core.edits.matching import NoSuchKey
from keysync_shell.errors import KeySyncError
from tests.building import NOW, applied, grid, holding, query, systems
from tests.strategies import STATES, states


def test_copy_carries_rows_under_the_name_of_the_target() -> None:
    state = systems(A="K1 K1 K2")
    change = carrying.copy(state, query("K1"), "A", ("B", "C")).change
    assert state.apply(change).tables["B"].rows() == [("K1", NOW, "B", "active")] * 2
    assert list(change.parts) == ["B", "C"]


def test_copy_fits_the_columns_and_says_what_is_lost() -> None:
    state = holding(grid("key note system / K1 a A / K2 b CRM"), grid("size key system / 9 K0 B"))
    edit = carrying.copy(state, query("*"), "A", ("B",))
    assert state.apply(edit.change).tables["B"].rows() == [("9", "K0", "B"), ("", "K1", "B"), ("", "K2", "CRM")]
    assert edit.notes == ("B has no column note: not carried",)


def test_copy_leaves_out_what_the_target_has() -> None:
    edit = carrying.copy(systems(A="K1 K2", B="K1"), query("*"), "A", ("B",))
    assert edit.change.parts["B"].added.to_list() == ["K2"]
    assert edit.left_out == {"B": {"already there": 1}}


def test_move_takes_the_rows_away_even_where_the_target_has_them() -> None:
    state = systems(A="K1 K2", B="K1")
    assert applied(state, carrying.move(state, query("*"), "A", ("B",))) == {"B": ["K1", "K2"]}


def test_a_system_cannot_be_both_source_and_target() -> None:
    with pytest.raises(KeySyncError, match="A is both the source and a target"):
        carrying.copy(systems(A="K1"), query("K1"), "A", ("B", "A"))


def test_copy_of_a_key_that_the_source_lacks_is_an_error() -> None:
    with pytest.raises(NoSuchKey, match="no key in A matches K1"):
        carrying.copy(systems(B="K1"), query("K1"), "A", ("B",))


@STATES
@given(st.data(), st.booleans())
def test_no_edit_of_one_system_touches_another(data: st.DataObject, move: bool) -> None:
    state = data.draw(states().filter(lambda state: state.rows("A") > 0))
    key = data.draw(st.sampled_from(state.keys("A").to_list()))
    carry = carrying.move if move else carrying.copy
    change = carry(state, query(f"key:{key}"), "A", ("C",)).change
    assert set(change.parts) <= ({"A", "C"} if move else {"C"})
