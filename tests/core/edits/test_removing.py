from __future__ import annotations

import pytest

from keysync_shell.core.edits import removing
from keysync_shell.core.edits.matching import NoSuchKey
from tests.building import applied, query, systems


def test_remove_takes_every_row_of_a_key() -> None:
    state = systems(A="K1 K1 K2", B="K1")
    assert applied(state, removing.remove(state, query("K1"), ("A",))) == {"A": ["K2"], "B": ["K1"]}


def test_remove_counts_the_named_keys_that_are_not_there() -> None:
    edit = removing.remove(systems(A="K1", B="K1 K2"), query("K1", "K2", "K3"), ("A", "B"))
    assert edit.left_out == {"A": {"not there": 2}, "B": {"not there": 1}}


@pytest.mark.parametrize(
    ("words", "what"),
    [(["K9"], "K9"), (["K8", "K9"], "any of 2 keys and patterns"), (["K8..K9"], "K8..K9"), (["key: "], "' '")],
)
def test_keys_that_nobody_holds_are_an_error(words: list[str], what: str) -> None:
    with pytest.raises(NoSuchKey) as error:
        removing.remove(systems(A="K1", C="K9 K8"), query(*words), ("A", "B"))
    assert error.value.message == f"no key in A, B matches {what}"
    assert error.value.hint == "`list` shows the keys."
