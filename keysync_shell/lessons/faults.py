"""A sandbox that is broken on purpose, for scenarios that are to notice it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.model.state import State
from keysync_shell.sandbox import Outcome, Request, Sandbox
from keysync_shell.sandbox.deciding import Decide
from keysync_shell.storage.operations import OperationKind


class Forgetful(Sandbox):
    """A sandbox whose `apply` leaves one system as it was."""

    def __init__(self, root: Path, *, forgets: str, **options: Any) -> None:
        super().__init__(root, **options)
        self._forgets = forgets

    def edit(self, decide: Decide, request: Request) -> Outcome:
        """As any sandbox does, but for `apply`."""
        if request.kind != OperationKind.APPLY:
            return super().edit(decide, request)

        def forgetfully(state: State) -> Edit:
            change = decide(state).change
            return Edit(
                replace(change, parts={name: part for name, part in change.parts.items() if name != self._forgets})
            )

        return super().edit(forgetfully, request)
