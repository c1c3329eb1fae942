"""Who hears what is being done while it takes its time. Nothing below the front ends prints."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """Hears of each step; steps may be within each other, and nothing else is written to the screen inside of one."""

    def doing(self, what: str) -> AbstractContextManager[None]:
        """Something is being done as long as the block lasts: `reading A`."""


class Silent:
    """Nobody hears."""

    def doing(self, _what: str) -> AbstractContextManager[None]:
        return contextlib.nullcontext()


SILENT = Silent()
