"""A stage: a copy of the sandbox to be thrown away, and the way back for what was done there."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from keysync_shell.config import Config
from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.edits.replacing import renew
from keysync_shell.core.model.state import State
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox.catching_up import locked
from keysync_shell.sandbox.editing import edit
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.outcome import Outcome, Request
from keysync_shell.storage.copying import copy_home
from keysync_shell.storage.home import Home


def stage(keeper: Keeper, folder: Path) -> None:
    """Copy the sandbox to a new folder. Raises KeySyncError if there is no room, or no sandbox."""
    with locked(keeper, creates=False):
        try:
            copy_home(keeper.home, Home(folder, replace(keeper.home.config, snapshots=Config.snapshots)))
        except (OSError, sqlite3.Error) as error:
            raise KeySyncError(
                f"the stage {folder} could not be made: {error}",
                hint="Free some space; the sandbox is as it was.",
            ) from error


def bring_home(keeper: Keeper, request: Request, staged: State, base: int) -> Outcome:
    """Make the systems what they are on a stage, as one operation; `base` was the newest one when it was made.

    Raises KeySyncError if the sandbox has moved since.
    """

    def decide(state: State) -> Edit:
        newest = keeper.memory.newest.number if keeper.memory.newest else 0
        if newest != base:
            raise KeySyncError(
                f"the sandbox has moved from @{base} to @{newest} since the stage was made",
                hint="Run the scenario again, or without --keep.",
            )
        return renew(state, dict(staged.tables), master_keys=staged.master_keys)

    return edit(keeper, decide, request)
