"""What commands return: one union, by topic. What a topic returns is shown by its module of the same name in `render/`.

The unions of the topics stand beside their commands; at run time no command imports those of another topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keysync_shell.commands import (
        checking,
        explaining,
        history,
        learning,
        looking,
        reconciling,
        scenarios,
        snapshots,
    )
    from keysync_shell.sandbox import Outcome

    CommandResult = (
        Outcome
        | looking.Results
        | history.Results
        | snapshots.Results
        | reconciling.Results
        | explaining.Results
        | checking.Results
        | scenarios.Results
        | learning.Results
    )


class LookingResult:
    """What a command returns that looks and changes nothing."""


class HistoryResult:
    """What a command returns that travels through what was done."""


class SnapshotsResult:
    """What a command returns that is about snapshots."""


class ReconcilingResult:
    """What a command of reconciliation returns."""


class ExplainingResult:
    """What a command returns that explains."""


class ScenariosResult:
    """What a command returns that is about scenarios."""


class LearningResult:
    """What a command returns from which somebody learns."""


class CheckingResult:
    """What a command returns that looks after the sandbox."""
