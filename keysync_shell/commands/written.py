"""The line that says what typed arguments say: what a person could have typed instead."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from keysync_shell.commands.arguments import COMMAS, Arguments, Parameter
from keysync_shell.commands.declaring import Command


def line(command: Command, args: Arguments) -> str:
    """The command with its arguments, as the shell takes them."""
    return shlex.join(words(command, args))


def words(command: Command, args: Arguments) -> list[str]:
    """The same, word by word; what could be taken for an option stands behind `--`."""
    options, places = list[str](), list[str]()
    for item in args.parameters():
        value = getattr(args, item.name)
        if value == item.default and not item.required:
            continue
        if item.argument.flags or item.argument.options is not None:
            options += _option(item, value)
        else:
            places += _each(item, value)
    if any(word.startswith("-") for word in places):
        return [*command.name.split(), *options, "--", *places]
    return [*command.name.split(), *places, *options]


def _option(item: Parameter, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (f"--{name}={choice}" for name, choice in value.items())
        return
    flag = max(item.argument.flags.split(), key=len)
    if item.type is bool:
        yield flag
    elif item.argument.words == COMMAS:
        yield f"{flag}={','.join(map(str, value))}"
    elif item.argument.words:
        yield from (flag, *map(str, value))
    elif item.pair:
        for pair in value if item.many else [value]:
            yield from (flag, *pair)
    else:
        for word in _each(item, value):
            yield from [f"{flag}={word}"] if word.startswith("-") else [flag, word]


def _each(item: Parameter, value: Any) -> list[str]:
    return [_word(item, one) for one in (value if item.many else [value])]


def _word(item: Parameter, value: Any) -> str:
    numbered = isinstance(value, int) and item.argument.metavar == "@N"
    return f"@{value}" if numbered else str(value)
