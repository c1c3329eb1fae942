"""Which renderer knows which result. Each is imported when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from keysync_shell.commands.results import (
    CheckingResult,
    ExplainingResult,
    HistoryResult,
    LearningResult,
    LookingResult,
    ReconcilingResult,
    ScenariosResult,
    SnapshotsResult,
)
from keysync_shell.render.view import View
from keysync_shell.sandbox import Outcome

if TYPE_CHECKING:
    from keysync_shell.commands.results import CommandResult


def view(result: CommandResult) -> View:
    """The result, ready to be written."""
    match result:
        case Outcome():
            from keysync_shell.render import changes

            return changes.outcome_view(result)
        case LookingResult():
            from keysync_shell.render import looking

            return looking.view(result)
        case HistoryResult():
            from keysync_shell.render import history

            return history.view(result)
        case SnapshotsResult():
            from keysync_shell.render import snapshots

            return snapshots.view(result)
        case ReconcilingResult():
            from keysync_shell.render import reconciling

            return reconciling.view(result)
        case ExplainingResult():
            from keysync_shell.render import explaining

            return explaining.view(result)
        case CheckingResult():
            from keysync_shell.render import checking

            return checking.view(result)
        case ScenariosResult():
            from keysync_shell.render import scenarios

            return scenarios.view(result)
        case LearningResult():
            from keysync_shell.render import learning

            return learning.view(result)
        case _:
            assert_never(result)
