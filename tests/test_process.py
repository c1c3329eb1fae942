"""What both programs share."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator, Sequence

import pytest

from keysync_shell import cli, headless, process
from keysync_shell.commands.arguments import declare
from keysync_shell.commands.catalogue import COMMANDS
from keysync_shell.commands.lines import Script
from keysync_shell.shell import parsing
from keysync_shell.shell.completion import COMPLETERS

Main = Callable[[Sequence[str]], int]
PARSERS = {"plain": (process.Parser, None), "prompt": (parsing.Parser, COMPLETERS)}
ODD = (
    "--",
    "-",
    "",
    "-x",
    "-1",
    "--nothing",
    "--nothing=x",
    "=",
    "a=b",
    "=--",
    " ",
    "a b",
    "'",
    "x",
    "\n",
    "\u202e",
    "[]",
)


@pytest.mark.parametrize("main", [cli.main, headless.main], ids=["keysync-shell", "keysync"])
def test_words_of_the_command_line_reach_no_terminal_raw(main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--x\x1b[31m\u202e"]) == 2
    said = capsys.readouterr().err
    assert not {"\x1b", "\u202e"} & set(said)
    assert r"--x\x1b[31m\u202e" in said


# Any value of any option


def parsers(kind: str) -> Iterator[argparse.ArgumentParser]:
    """The parser of every command, as the command line or the prompt has it."""
    make, completers = PARSERS[kind]
    for command in COMMANDS:
        parser = make(prog=command.name, allow_abbrev=False)
        command.declare(parser, completers)
        yield parser
    parser = make(prog="run", allow_abbrev=False)
    declare(Script, parser, completers)
    yield parser
    if kind == "plain":
        yield from (cli._parser(), headless._parser())


def options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """The flags of a parser that take one text, whatever it is."""
    for group in parser._mutually_exclusive_groups:
        group.required = False
    for action in parser._actions:
        action.type = None
    for action in parser._actions:
        if action.nargs is None and action.option_strings and action.choices is None:
            yield from ((flag, action) for flag in action.option_strings)


def others(parser: argparse.ArgumentParser) -> list[str]:
    """Words for what else a parser requires."""
    words = []
    for action in parser._actions:
        if action.required and action.option_strings:
            words += [action.option_strings[0], "other"]
        elif action.required and action.nargs not in process.TAKES_THE_REST:
            words.append(next(iter(action.choices)) if action.choices else "1")
    return words


def ways(parser: argparse.ArgumentParser, flag: str, value: str) -> Iterator[list[str]]:
    """The ways to give a value; another option of the command has to be joined."""
    if value not in parser._option_string_actions:
        yield [flag, value]
    if flag.startswith("--"):
        yield [f"{flag}={value}"]
    elif value and not value.startswith("="):  # of -s=B the value is B
        yield [f"{flag}{value}"]


@pytest.mark.parametrize("kind", PARSERS)
def test_an_option_takes_any_value(kind: str) -> None:
    tried = 0
    for parser in parsers(kind):
        for flag, action in options(parser):
            for odd, words in ((value, words) for value in ODD for words in ways(parser, flag, value)):
                given = getattr(parser.parse_args([*others(parser), *words]), action.dest)
                assert given in (odd, [odd]), (parser.prog, words)
                tried += 1
    assert tried > 4000


@pytest.mark.parametrize("kind", PARSERS)
@pytest.mark.parametrize(
    "line", ["add-key --systems B", "list", "modify-key --to Y", "corrupt case", "copy-key --from A --to B"]
)
def test_any_key_can_be_named_after_two_dashes(kind: str, line: str) -> None:
    name, *words = line.split()
    parser = next(parser for parser in parsers(kind) if parser.prog == name)
    given = [*ODD, "--home", "--yes", "--"]
    assert parser.parse_args([*words, "--", *given]).keys == given


@pytest.mark.parametrize("kind", PARSERS)
def test_a_pair_takes_any_values(kind: str) -> None:
    parser = next(parser for parser in parsers(kind) if parser.prog == "modify-key")
    for pair in itertools.product(ODD, ODD):
        assert parser.parse_args(["X", "--replace", *pair]).replace in ([*pair], [[*pair]])


@pytest.mark.parametrize("kind", PARSERS)
def test_a_program_gets_its_words_as_they_are(kind: str) -> None:
    parser = next(parser for parser in parsers(kind) if parser.prog == "lock")
    given = ["cp", "-r", "--home", "x", "--", *ODD]
    assert parser.parse_args(given).argv == given
    assert parser.parse_args(["--home", "--", "--", *given]).argv in (given, ["--", *given])


def test_an_option_that_was_meant_for_one_is_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["add-key", "X", "--systems", "--dry-run"]) == 2
    assert "hint: If it is meant to be --dry-run, write --systems=--dry-run." in capsys.readouterr().err


@pytest.mark.parametrize("main", [cli.main, headless.main], ids=["keysync-shell", "keysync"])
def test_nul_is_no_part_of_a_command_line(main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", "a\0b", "\x000\x00"]) == 2
    assert "no argument can hold a NUL character" in capsys.readouterr().err
