"""Every command there is, by topic. Imports the standard library only."""

from __future__ import annotations

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
