"""A line made of typed arguments says what they say."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysync_shell.commands import catalogue, lines, written
from keysync_shell.commands.arguments import Arguments
from keysync_shell.process import Parser

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6) | st.sampled_from(
    ["-", "--", "--yes", "-n", "a b", "'", '"', "@x", "=", "A..B", "key:@x", "\\", "#", ";", "--to=--"]
)


def read(line: str) -> Arguments:
    """The arguments as a line says them."""
    found = catalogue.named([lines.unquoted(word) for word in lines.raw_tokens(line)])
    assert found
    command, words = found
    parser = Parser(prog=command.name, allow_abbrev=False)
    command.declare(parser)
    return command.arguments.from_namespace(parser.parse_args(words))


@pytest.mark.parametrize(
    "line", [example for command in catalogue.COMMANDS for example in command.examples if command.name != "lock"]
)
def test_every_example_comes_back(line: str) -> None:
    command, _ = catalogue.named(shlex.split(line)) or pytest.fail(line)
    args = read(line)
    assert read(written.line(command, args)) == args


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS, st.booleans())
def test_any_text_comes_back(keys: list[str], to: str, dry: bool) -> None:
    command = catalogue.BY_NAME["modify-key"]
    args = command.arguments.from_mapping({"keys": keys, "to": to, "dry_run": dry})
    assert read(written.line(command, args)) == args


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=2), st.sampled_from(["", "ignore"]))
def test_pairs_and_choices_come_back(pairs: list[tuple[str, str]], gap: str) -> None:
    command = catalogue.BY_NAME["plan"]
    args = command.arguments.from_mapping({"decide": pairs, "decisions": {"gap": gap} if gap else None})
    assert read(written.line(command, args)) == args
