from __future__ import annotations

from keysync_shell.core.edits import replacing
from keysync_shell.core.model import table
from tests.building import FIVE, NOW, systems


def test_replace_changes_only_what_differs() -> None:
    state = systems(A="K1 K2", B="K1")
    edit = replacing.replace(state, {"A": systems(A="K2 K3").tables["A"], "B": state.tables["B"]}, {"keys": 2})
    assert edit.change.parts["A"].keys.to_list() == ["K1", "K3"]
    assert list(edit.change.parts) == ["A"]
    assert edit.details == {"keys": 2}


def test_filled_gives_every_system_the_same_keys() -> None:
    tables = replacing.filled(systems(), table.key_series(["K1", "K2"]), now=NOW)
    assert {name: rows["key"].to_list() for name, rows in tables.items()} == {name: ["K1", "K2"] for name in FIVE.names}
    assert tables["D"].row(0) == ("K1", NOW, "D", "active")
