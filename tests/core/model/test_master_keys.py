from __future__ import annotations

from dataclasses import replace

import polars as pl

from keysync_shell.core.model.change import Change, SystemChange, between
from keysync_shell.core.model.master_keys import ACTIVE, PROPOSED, MasterKey, by_number, next_id, table_of
from keysync_shell.core.model.state import OnDemand, State
from tests.building import NOW, systems


def key(canonical: str, number: int = 1, status: str = PROPOSED) -> MasterKey:
    return MasterKey(number, f"M-{canonical}", canonical, "B", canonical.lower(), status, "mirror", NOW, None, 7)


def proposing(*keys: MasterKey) -> Change:
    rows = table_of(keys)
    return Change(master_keys=SystemChange(rows.clear(), rows))


def with_keys(*keys: MasterKey) -> State:
    return systems(A="K1").apply(proposing(*keys))


def test_registry_is_a_table_by_canonical_key_and_a_list_by_number() -> None:
    rows = table_of([key("X2", 1), key("X1", 2)])
    assert rows["key"].to_list() == ["X1", "X2"]
    assert by_number(rows) == (key("X2", 1), key("X1", 2))
    assert (next_id(rows), next_id(table_of([]))) == (3, 1)


def test_change_of_the_registry_is_a_change() -> None:
    assert proposing(key("X1"))
    assert not proposing(key("X1")).parts
    assert not Change()


def test_state_moves_on_with_its_registry_and_back() -> None:
    before, change = with_keys(key("X1")), proposing(key("X2", 2))
    after = before.apply(change)
    assert by_number(after.master_keys) == (key("X1"), key("X2", 2))
    assert after.apply(change.inverse) == before
    assert after != before


def test_changes_in_a_row_compose_and_what_is_taken_back_is_no_change() -> None:
    first = proposing(key("X1"))
    approved = Change(master_keys=between(table_of([key("X1")]), table_of([key("X1", status=ACTIVE)])))
    both = first.then(approved)
    assert by_number(systems().apply(both).master_keys) == (replace(key("X1"), status=ACTIVE),)
    assert not first.then(first.inverse)


def test_registry_is_read_once_and_only_if_somebody_asks() -> None:
    asked = []

    def read() -> pl.DataFrame:
        asked.append(1)
        return table_of([key("X1")])

    state = State(systems().systems, systems().tables, OnDemand(read))
    moved = state.apply(Change())
    assert asked == []
    assert (len(state.master_keys), len(moved.master_keys), asked) == (1, 1, [1])
