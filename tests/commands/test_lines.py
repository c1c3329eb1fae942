"""Lines come apart as in a POSIX shell, and run without cmd2."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.commands.lines import commands_in, raw_tokens, unquoted

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
        ("a ';' b; c", ["a ';' b", "c"]),
        (r"a \; b", [r"a \; b"]),
        ("a # b; c", ["a"]),
        ("a;;b", ["a", "b"]),
        (" a  b ;c  # d", ["a  b", "c"]),
        ("a\\ ; b", ["a\\ ", "b"]),
        ("", []),
        (";", []),
        ("# a; b", []),
        ("a 'b; c", ["a 'b; c"]),
        ("!for i in 1 2; do echo $i; done # x", ["!for i in 1 2; do echo $i; done # x"]),
        ("a; shell b; c", ["a", "shell b; c"]),
        ("a !b; c", ["a !b", "c"]),
    ],
)
def test_commands_in_a_line(text: str, wanted: list[str]) -> None:
    assert commands_in(text) == wanted
