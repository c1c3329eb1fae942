"""Every command there is, by topic. Imports the standard library only."""

from __future__ import annotations

from collections.abc import Sequence

from keysync_shell.commands.catalogue import (
    checking,
    editing,
    history,
    learning,
    looking,
    reconciling,
    scenarios,
    snapshots,
)
from keysync_shell.commands.declaring import Command
from keysync_shell.commands.meanings import near
from keysync_shell.errors import KeySyncError

COMMANDS: tuple[Command, ...] = (
    *looking.COMMANDS,
    *editing.COMMANDS,
    *history.COMMANDS,
    *snapshots.COMMANDS,
    *reconciling.COMMANDS,
    *scenarios.COMMANDS,
    *checking.COMMANDS,
    *learning.COMMANDS,
)

BY_NAME = {command.name: command for command in COMMANDS}

# Commands of two words, such as `scenario run`, by their first.
FAMILIES: dict[str, list[Command]] = {}
for _command in COMMANDS:
    if " " in _command.name:
        FAMILIES.setdefault(_command.name.partition(" ")[0], []).append(_command)


# What a line may begin with.
FIRST_WORDS = tuple(dict.fromkeys(name.partition(" ")[0] for name in BY_NAME))


def named(words: Sequence[str]) -> tuple[Command, list[str]] | None:
    """The command that words begin with, and the words behind its name.

    Raises KeySyncError where the second word of a command of two words is missing, or none.
    """
    for length in (2, 1):
        if command := BY_NAME.get(" ".join(words[:length])):
            return command, list(words[length:])
    if words and words[0] in FAMILIES:
        seconds = [command.name.partition(" ")[2] for command in FAMILIES[words[0]]]
        guess = near(words[1], seconds) if len(words) > 1 else None
        hint = f"Did you mean {words[0]} {guess}?" if guess else f"Write one of {', '.join(seconds)} after it."
        raise KeySyncError(f"{words[0]}: which one?" if len(words) < 2 else _none(words), hint=hint)
    return None


def _none(words: Sequence[str]) -> str:
    return f"there is no command {' '.join(words[:2])!r}"
