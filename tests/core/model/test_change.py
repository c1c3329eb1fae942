from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change, SystemChange, between, changes
from keysync_shell.core.model.state import State
from tests.building import grid, systems
from tests.strategies import PURE, STATES, edits_of, states, tables

OLD = grid("key note / a 1 / b 1 / c 1 / c 1 / d 1")
NEW = grid("key note / a 1 / b 2 / c 1 / e 1")
some_columns = st.sampled_from([("key", "note"), ("key", "other"), ("key",)])


def test_change_names_what_it_adds_removes_and_alters() -> None:
    change = between(OLD, NEW)
    assert (change.added.to_list(), change.removed.to_list(), change.altered.to_list()) == (["e"], ["d"], ["b", "c"])
    assert change.keys.to_list() == ["b", "c", "d", "e"]


@pytest.mark.parametrize(("before", "after"), [(OLD, OLD.clear()), (OLD.clear(), OLD)])
def test_change_from_or_to_nothing_alters_nothing(before: pl.DataFrame, after: pl.DataFrame) -> None:
    change = between(before, after)
    assert len(change.altered) == 0
    assert len(change.added) + len(change.removed) == 4


def test_other_columns_make_it_the_whole_table() -> None:
    change = between(grid("key note / a 1 / b 1"), grid("key size / a 1 / c 1"))
    assert change.whole
    assert (change.added.to_list(), change.removed.to_list(), change.altered.to_list()) == (["c"], ["b"], ["a"])


def test_change_does_not_apply_to_other_rows() -> None:
    with pytest.raises(ValueError, match="made on other rows"):
        between(OLD, NEW).applied(NEW)


def test_whole_change_does_not_apply_to_another_table() -> None:
    with pytest.raises(ValueError, match="made on another table"):
        between(OLD, grid("key / a")).applied(NEW)


def test_change_that_changes_nothing_is_false() -> None:
    assert not Change()
    assert not changes({"A": SystemChange(OLD, OLD)})
    assert changes({"A": between(OLD, NEW)})


def test_what_a_later_change_takes_back_is_not_in_both_together() -> None:
    change = Change({"A": between(OLD, NEW)})
    assert not change.then(change.inverse)


def test_changes_of_different_systems_stand_side_by_side() -> None:
    both = Change({"A": between(OLD, NEW)}).then(Change({"B": between(NEW, OLD)}))
    assert list(both.parts) == ["A", "B"]


@PURE
@given(tables(), tables())
def test_between_leads_from_one_to_the_other_and_touches_only_what_differs(x: pl.DataFrame, y: pl.DataFrame) -> None:
    change = between(x, y)
    with pytest.MonkeyPatch.context() as patch:  # Hypothesis does not reset pytest's own
        patch.setattr(table, "FEW", 0)
        large = between(x, y)
    assert (large.before.rows(), large.after.rows()) == (change.before.rows(), change.after.rows())
    assert change.applied(x).rows() == y.rows()
    differing = {row[0] for row in x.rows() + y.rows() if x.rows().count(row) != y.rows().count(row)}
    assert set(change.keys) == differing


@PURE
@given(st.data(), some_columns, some_columns)
def test_between_tables_of_any_columns_applies(data: st.DataObject, old: tuple[str, ...], new: tuple[str, ...]) -> None:
    x, y = data.draw(tables(old)), data.draw(tables(new))
    assert between(x, y).applied(x).equals(y)
    assert between(x, y).inverse.applied(y).equals(x)


@PURE
@given(st.data(), st.lists(some_columns, min_size=3, max_size=3))
def test_two_changes_of_a_system_as_one_do_what_both_do(data: st.DataObject, columns: list[tuple[str, ...]]) -> None:
    x, y, z = (data.draw(tables(names)) for names in columns)
    both = between(x, y).then(between(y, z))
    assert both.applied(x).equals(z)
    assert both.inverse.applied(z).equals(x)


@PURE
@given(tables(), tables(), tables())
def test_two_changes_as_one_touch_only_what_differs_in_the_end(
    x: pl.DataFrame, y: pl.DataFrame, z: pl.DataFrame
) -> None:
    both, direct = between(x, y).then(between(y, z)), between(x, z)
    assert (both.before.rows(), both.after.rows()) == (direct.before.rows(), direct.after.rows())


@STATES
@given(st.data())
def test_change_and_its_inverse_give_the_same_state(data: st.DataObject) -> None:
    state = data.draw(states())
    change = data.draw(edits_of(state)).change
    assert state.apply(change).apply(change.inverse) == state


@STATES
@given(st.data())
def test_changes_in_a_row_compose_to_one(data: st.DataObject) -> None:
    state = data.draw(states())
    first = data.draw(edits_of(state)).change
    second = data.draw(edits_of(state.apply(first))).change
    assert state.apply(first.then(second)) == state.apply(first).apply(second)
    assert all(not part.before.equals(part.after) for part in first.then(second).parts.values())


def test_untouched_tables_are_shared() -> None:
    state = systems(A="K1", B="K1")
    later = state.apply(Change({"A": between(state.tables["A"], state.tables["C"])}))
    assert later.tables["B"] is state.tables["B"]
    assert later != state


def test_state_equals_only_a_state_with_the_same_rows() -> None:
    assert systems(A="K1") == systems(A="K1") != systems(A="K1 K1")
    assert systems(A="K1") != "K1"
    assert State.empty(systems().systems) == systems()


def test_column_of_any_name_may_differ() -> None:
    assert between(grid("key side / a 1"), grid("key side / a 2")).after.rows() == [("a", "2")]
