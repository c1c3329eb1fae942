"""A value in another column than the key."""

from __future__ import annotations

import pytest

from keysync_shell.core.edits.valuing import set_value
from keysync_shell.errors import KeySyncError
from tests.building import grid, holding, query

STATE = holding(grid("key note / K1 old / K1 other / K2 ."))


def test_every_row_of_the_key_gets_the_value() -> None:
    after = STATE.apply(set_value(STATE, query("K1"), "A", "note", "new").change)
    assert after.tables["A"].rows() == [("K1", "new"), ("K1", "new"), ("K2", "")]


def test_what_holds_the_value_already_does_not_change() -> None:
    assert not set_value(STATE, query("K2"), "A", "note", "").change


@pytest.mark.parametrize(
    ("key", "column", "told"), [("K3", "note", "K3"), ("K1", "tone", "tone"), ("K1", "key", "key")]
)
def test_what_is_not_there_is_named(key: str, column: str, told: str) -> None:
    with pytest.raises(KeySyncError, match=told):
        set_value(STATE, query(key), "A", column, "x")
