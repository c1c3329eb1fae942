"""Arguments are declared once; argv, a mapping and the class itself say the same."""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import FrozenInstanceError, asdict, replace
from typing import Any

import pytest

from keysync_shell.commands import catalogue
from keysync_shell.commands.arguments import Arguments
from keysync_shell.commands.catalogue import BY_NAME, COMMANDS
from keysync_shell.commands.catalogue.editing import AddKey, Corrupt, ModifyKey
from keysync_shell.commands.catalogue.history import Undo
from keysync_shell.commands.catalogue.reconciling import Plan
from keysync_shell.commands.declaring import Command
from keysync_shell.errors import KeySyncError


def parsed(line: str) -> Arguments:
    """The arguments of a typed line."""
    named = catalogue.named(shlex.split(line))
    assert named is not None
    command, words = named
    parser = argparse.ArgumentParser(prog=command.name, allow_abbrev=False, exit_on_error=False)
    command.declare(parser)
    return command.arguments.from_namespace(parser.parse_args(words))


EXAMPLES = [example for command in COMMANDS for example in command.examples]


@pytest.mark.parametrize("line", EXAMPLES)
def test_class_goes_through_json_and_back(line: str) -> None:
    arguments = parsed(line)
    data = json.loads(json.dumps(asdict(arguments)))
    assert type(arguments).from_mapping(data) == arguments


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_argument_has_a_type_and_a_text(command: Command) -> None:
    for item in command.arguments.parameters():
        assert item.type
        assert item.argument.help


def test_line_and_class_say_the_same() -> None:
    assert parsed("add-key K1 K2 --systems B,C --dry-run") == AddKey(keys=("K1", "K2"), systems="B,C", dry_run=True)
    assert parsed("add-key K1") == AddKey(keys=("K1",))
    assert parsed("modify-key K1 --replace a b") == ModifyKey(keys=("K1",), replace=("a", "b"))
    assert parsed("corrupt case --rate 5%") == Corrupt(kind="case", rate=0.05)
    assert parsed("plan --gap ignore --variant respell --decide 'T*' ignore --decide X report") == Plan(
        decisions={"gap": "ignore", "variant": "respell"}, decide=(("T*", "ignore"), ("X", "report"))
    )


def test_arguments_are_frozen_and_can_be_varied() -> None:
    arguments = AddKey(keys=("K1",))
    with pytest.raises(FrozenInstanceError):
        arguments.systems = "B"  # type: ignore[misc]  # this is the point
    assert replace(arguments, yes=True) == AddKey(keys=("K1",), yes=True)


@pytest.mark.parametrize(
    ("arguments", "data", "reason"),
    [
        (AddKey, {}, "keys is missing"),
        (AddKey, {"keys": ["K"], "sytems": "B"}, "unknown argument 'sytems'"),
        (AddKey, {"keys": "K"}, "keys takes a list, not 'K'"),
        (AddKey, {"keys": [1]}, "keys takes text, not 1"),
        (AddKey, {"keys": ["K"], "dry_run": 1}, "dry_run takes true or false, not 1"),
        (Undo, {"count": 0}, "0 is less than 1"),
        (Undo, {"count": True}, "count takes a number or text, not True"),
        (Undo, {"count": [1]}, "count takes a number or text"),
        (ModifyKey, {"keys": ["K"]}, "one of to, case, space, delimiter, pad, replace is missing"),
        (ModifyKey, {"keys": ["K"], "to": "L", "pad": 3}, "to and pad cannot be given together"),
        (ModifyKey, {"keys": ["K"], "replace": ["a"]}, "replace takes two texts"),
        (ModifyKey, {"keys": ["K"], "case": "camel"}, "case: 'camel' is not one of upper, lower, title, swap"),
        (Corrupt, {"kind": "case", "rate": 2}, "2 is not between 0 and 1"),
        (Plan, {"decisions": {"gap": "adopt"}}, "decisions takes gap: propagate, ignore"),
        (Plan, {"decisions": {"hole": "ignore"}}, "decisions takes gap: propagate, ignore"),
        (Plan, {"decide": [["K"]]}, "decide takes two texts"),
    ],
)
def test_what_a_program_hands_over_is_checked(arguments: type[Arguments], data: dict[str, Any], reason: str) -> None:
    with pytest.raises(KeySyncError, match=reason) as error:
        arguments.from_mapping(data)
    assert error.value.hint


def test_program_may_say_a_value_as_a_person_would() -> None:
    assert Corrupt.from_mapping({"kind": "case", "rate": "5%", "systems": None}) == Corrupt(kind="case", rate=0.05)
    assert BY_NAME["restore"].arguments.from_mapping({"number": "@41"}) == parsed("restore 41")
