"""Lines come apart as in a POSIX shell."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.shell.parsing import PosixStatementParser, commands_in, raw_tokens, unquoted
from tests.talking import Talk

LINES = st.text(st.sampled_from("ab '\"\\\t-=.$*;é"), max_size=30)
WORDS = st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])), max_size=4)


def words(line: str) -> list[str] | None:
    """The words of a line; None if it cannot be read."""
    try:
        return [unquoted(token) for token in raw_tokens(line)]
    except ValueError:
        return None


@given(LINES)
def test_lines_come_apart_as_shlex_has_it(line: str) -> None:
    try:
        wanted = shlex.split(line)
    except ValueError:
        wanted = None
    assert words(line) == wanted


@given(WORDS)
def test_quoted_words_come_back(given_words: list[str]) -> None:
    assert words(shlex.join(given_words)) == given_words


@given(WORDS)
def test_a_command_gets_its_words(given_words: list[str]) -> None:
    parser = PosixStatementParser(terminators=[], shortcuts={"@": "run", "!": "shell", "?": "help"})
    statement = parser.parse(shlex.join(["list", *given_words]))
    assert statement.command == "list"
    assert parser.get_command_arg_list("list", statement, preserve_quotes=False)[1] == given_words


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("a # b", ["a"]),
        ("# a b", []),
        ("a#b", ["a#b"]),
        ("a '# b'", ["a", "# b"]),
        (r"a \# b", ["a", "#", "b"]),
        ("--note='a b'", ["--note=a b"]),
        ("a;b", ["a;b"]),
        ("'' a", ["", "a"]),
        (r"a\ b", ["a b"]),
        ("'a", None),
        ('"a', None),
        ("a\\", None),
    ],
)
def test_comments_quotes_and_backslashes(line: str, wanted: list[str] | None) -> None:
    assert words(line) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a; b", ["a", "b"]),
        ("a ';' b; c\nd", ["a ';' b", "c", "d"]),
        (r"a \; b", [r"a \; b"]),
        ("a # b; c", ["a"]),
        ("a;;b", ["a", "b"]),
    ],
)
def test_commands_in_a_text(text: str, wanted: list[str]) -> None:
    assert [command for command in commands_in(text) if command] == wanted


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


def test_a_semicolon_is_part_of_a_word(talk: Talk) -> None:
    talk.say("add-key X;undo")
    assert "X;undo" in talk.shell.sandbox.state.keys("A").to_list()


def test_output_goes_into_a_file(talk: Talk) -> None:
    assert talk.say("list CUST-00001 --format csv > out.csv").text == ""
    with open("out.csv") as file:  # noqa: PTH123
        assert re.findall("CUST-0000.", file.read()) == ["CUST-00001", "CUST-00001"]
