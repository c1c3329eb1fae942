"""Every command there is, by topic. Imports the standard library only."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from keysync_shell.commands.catalogue import checking, editing, history, looking, reconciling, snapshots
from keysync_shell.commands.declaring import Command

COMMANDS: tuple[Command, ...] = (
    *looking.COMMANDS,
    *editing.COMMANDS,
    *history.COMMANDS,
    *snapshots.COMMANDS,
    *reconciling.COMMANDS,
    *checking.COMMANDS,
)

BY_NAME = {command.name: command for command in COMMANDS}


def near(name: str, known: Iterable[str]) -> str | None:
    """The command that was probably meant."""
    found = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else None
