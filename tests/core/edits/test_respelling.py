from __future__ import annotations

import pytest

from keysync_shell.core.edits import respelling
from keysync_shell.errors import KeySyncError
from tests.building import grid, holding, query, systems


def lower(key: str) -> str:
    return key.lower()


def test_respell_keeps_the_other_columns() -> None:
    state = holding(grid("key note / K1 a / K1 b / K2 c"))
    change = respelling.respell(state, query("K1"), ("A",), lower, merge=False).change
    assert state.apply(change).tables["A"].rows() == [("K2", "c"), ("k1", "a"), ("k1", "b")]


def test_respell_counts_what_it_leaves_as_it_is() -> None:
    edit = respelling.respell(systems(A="K1 k2"), query("*"), ("A",), lower, merge=False)
    assert edit.left_out == {"A": {"unchanged": 1}}


def test_respell_onto_a_key_that_is_there_is_refused() -> None:
    with pytest.raises(KeySyncError) as error:
        respelling.respell(systems(B="K1 k1"), query("K1"), ("B",), lower, merge=False)
    assert error.value.message == "K1 would land on k1, which B already has"
    assert "--merge" in error.value.hint


def test_two_keys_that_become_one_are_refused() -> None:
    with pytest.raises(KeySyncError, match=r"A and B would both become C in A"):
        respelling.respell(systems(A="A B C1"), query("*"), ("A",), lambda _: "C", merge=False)


def test_merge_keeps_the_row_that_is_there() -> None:
    state = holding(grid("key note / K1 mine / k1 theirs"))
    edit = respelling.respell(state, query("K1"), ("A",), lower, merge=True)
    assert state.apply(edit.change).tables["A"].rows() == [("k1", "theirs")]
    assert edit.left_out == {"A": {"merged": 1}}


def test_merge_of_keys_that_become_one_keeps_the_first() -> None:
    state = holding(grid("key note / A 1 / B 2"))
    edit = respelling.respell(state, query("*"), ("A",), lambda _: "C", merge=True)
    assert state.apply(edit.change).tables["A"].rows() == [("C", "1")]


def test_keys_may_swap_names() -> None:
    state = holding(grid("key note / A 1 / B 2"))
    edit = respelling.respell(state, query("*"), ("A",), {"A": "B", "B": "A"}.__getitem__, merge=False)
    assert state.apply(edit.change).tables["A"].rows() == [("A", "2"), ("B", "1")]


def test_respell_keeps_a_column_of_any_name() -> None:
    state = holding(grid("key new / K1 a"))
    change = respelling.respell(state, query("K1"), ("A",), lower, merge=False).change
    assert state.apply(change).tables["A"].rows() == [("k1", "a")]
