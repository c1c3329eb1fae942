"""cmd2 takes lines apart as commands/lines.py does."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.shell.parsing import PosixStatementParser
from tests.talking import Talk

WORDS = st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])), max_size=4)


@given(WORDS)
def test_a_command_gets_its_words(given_words: list[str]) -> None:
    parser = PosixStatementParser(terminators=[], shortcuts={"@": "run", "!": "shell", "?": "help"})
    statement = parser.parse(shlex.join(["list", *given_words]))
    assert statement.command == "list"
    assert parser.get_command_arg_list("list", statement, preserve_quotes=False)[1] == given_words


def test_a_fault_is_named_where_it_runs(talk: Talk) -> None:
    said = talk.say("add-key 'X")
    assert said.status == 2
    assert "no closing '" in said.text


@pytest.mark.parametrize(
    "key", ["a b", "a|b", "a>b", "a;b", "$HOME", "a#b", "#", "it's", 'say "x"', "a\\b", "`x`", "!x"]
)
def test_keys_survive_the_line(talk: Talk, key: str) -> None:
    talk.say(f"add-key {shlex.quote(f'key:{key}')} --systems B")
    assert key in talk.shell.sandbox.state.keys("B").to_list()


def test_a_semicolon_separates_commands(talk: Talk) -> None:
    talk.say("add-key X;add-key 'Y;Z' ; add-key W # a remark")
    assert {"X", "Y;Z", "W"} <= set(talk.shell.sandbox.state.keys("A"))


def test_the_first_command_that_fails_is_the_last(talk: Talk) -> None:
    said = talk.say("add-key X; add-key Y --systems Q; add-key Z")
    assert said.status == 2
    assert talk.shell.sandbox.state.keys("A").to_list()[-1] == "X"


def test_output_goes_into_a_file(talk: Talk) -> None:
    assert talk.say("list CUST-00001 --format csv > out.csv").text == ""
    with open("out.csv") as file:  # noqa: PTH123
        assert re.findall("CUST-0000.", file.read()) == ["CUST-00001", "CUST-00001"]
