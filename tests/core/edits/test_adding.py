from __future__ import annotations

from hypothesis import given

from keysync_shell.core.edits import adding
from keysync_shell.core.model import table
from keysync_shell.core.model.state import State
from tests.building import FIVE, NOW, grid, holding, systems
from tests.strategies import STATES, few_spellings, some_names, states


def test_add_gives_new_keys_their_columns() -> None:
    state = holding(grid("key status region / K1 old eu"))
    change = adding.add(state, table.key_series(["K2"]), ("A", "B"), now=NOW).change
    assert change.parts["A"].after.rows() == [("K2", "active", "")]
    assert change.parts["B"].after.rows() == [("K2", NOW, "B", "active")]


def test_key_that_is_there_is_left_out_of_add() -> None:
    edit = adding.add(systems(A="K1", B="K2"), table.key_series(["K1", "K2"]), ("A", "B"), now=NOW)
    assert {name: part.added.to_list() for name, part in edit.change.parts.items()} == {"A": ["K2"], "B": ["K1"]}
    assert edit.left_out == {"A": {"already there": 1}, "B": {"already there": 1}}


def test_add_of_what_is_all_there_changes_nothing() -> None:
    edit = adding.add(systems(A="K1"), table.key_series(["K1"]), ("A",), now=NOW)
    assert not edit.change


@STATES
@given(states(), few_spellings, some_names)
def test_after_add_every_named_system_holds_every_key(state: State, keys: list[str], names: tuple[str, ...]) -> None:
    later = state.apply(adding.add(state, table.key_series(keys), names, now=NOW).change)
    for name in FIVE.names:
        assert set(later.keys(name)) == set(state.keys(name)) | (set(keys) if name in names else set())
