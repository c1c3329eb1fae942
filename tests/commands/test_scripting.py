"""Scripts that turn one state into another: played on real sandboxes, they do."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.commands import scripting
from keysync_shell.commands.lines import raw_tokens, unquoted
from keysync_shell.core.edits import replacing
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.interpreter import executor
from keysync_shell.sandbox import Request, Sandbox
from keysync_shell.storage.operations import OperationKind
from tests.building import FIVE, files, grid, holding, keys, opened, query, sandbox, systems
from tests.strategies import ON_DISK, states, tables

RULES = Rules()


def lines(left: State, right: State) -> list[str]:
    return scripting.script(left.tables, right.tables, RULES)


def test_neighbours_become_ranges_and_systems_that_change_alike_one_line() -> None:
    left = systems(A="CUST-1 CUST-2", B="X")
    right = systems(A="CUST-1 CUST-2", B="CUST-1 CUST-2 CUST-3 CUST-4 CUST-9", C="CUST-1 CUST-2 CUST-3 CUST-4 CUST-9")
    assert lines(left, right) == ["remove-key --yes X --systems B", "add-key CUST-1..CUST-4 CUST-9 --systems B,C"]


def test_a_respelled_key_keeps_its_row() -> None:
    assert lines(systems(B="K1", C="K1"), systems(B="k1", C="k1")) == ["modify-key K1 --to=k1 --systems B,C"]


@pytest.mark.parametrize(
    "key", ["-x", "A B", "K*", "a..b", "gap", "gap:D", "it's", "key:k", "re:x", "@f", "$n", "#", "a;b|c>d", "A - D", ""]
)
def test_a_word_means_its_key_and_nothing_else(key: str) -> None:
    [word] = map(unquoted, raw_tokens(scripting.word(key), frozenset(";|>")))
    assert query(word) == KeyQuery((key,))


def test_what_no_line_can_say_is_a_remark() -> None:
    assert lines(systems(), systems(A=["a\nb"])) == ["# A: no line can say the key a\\nb"]


@given(left=states(), right=states())
@ON_DISK
def test_played_they_turn_one_state_into_the_other(left: State, right: State) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = sandbox(Path(folder) / "played", A="BEGINNING")
        put(home, left)
        (Path(folder) / "script.txt").write_text("\n".join(lines(left, right)), newline="")
        done = executor(home, Path(folder))("run script.txt --atomic")
        assert done.code == 0, (lines(left, right), done.error)
        wanted = sandbox(Path(folder) / "wanted", A="BEGINNING")
        put(wanted, right)
        home.refresh()
        assert keys(home.state) == keys(wanted.state)
        assert files(Path(folder) / "played") == files(Path(folder) / "wanted")


@given(data=st.data())
@ON_DISK
def test_other_columns_of_a_key_are_set(data: st.DataObject) -> None:
    left, right = (
        State(
            FIVE,
            dict.fromkeys(
                FIVE.names, data.draw(tables(("key", "note", "a b"))).unique("key", keep="first").sort("key")
            ),
        )
        for _ in range(2)
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, state in (("played", left), ("wanted", right)):
            put(sandbox(Path(folder) / name, A="BEGINNING"), state)
        (Path(folder) / "script.txt").write_text("\n".join(lines(left, right)), newline="")
        done = executor(opened(Path(folder) / "played"), Path(folder))("run script.txt --atomic")
        assert done.code == 0, (lines(left, right), done.error)
        assert files(Path(folder) / "played") == files(Path(folder) / "wanted")


def test_a_value_that_looks_like_an_option_is_a_value() -> None:
    left, right = holding(grid("key note / K1 a")), holding(grid("key note / K1 -x"))
    assert lines(left, right) == ["set-value -- A K1 note -x"]


def put(home: Sandbox, state: State) -> None:
    """Give the systems the tables of a state."""
    request = Request(OperationKind.INIT, "init", "test", creates=True)
    home.edit(lambda now: replacing.replace(now, dict(state.tables)), request)
