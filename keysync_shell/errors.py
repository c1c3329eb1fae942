"""What can go wrong, said so that the user knows what, where, and what to do next."""

from __future__ import annotations

POSIX_ONLY = "KeySync Shell needs Linux, macOS or WSL: Windows lacks the file locks that its promises rest on."


class KeySyncError(Exception):
    """An expected failure.

    `message` says what and where, `hint` what to do next. `committed` tells the truth about the change
    that was under way: False (nothing changed), True (it is on disk), None (unknown; the next start settles it).
    """

    def __init__(self, message: str, *, hint: str = "", committed: bool | None = False, code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.committed = committed
        self.code = code


class BadFile(KeySyncError):
    """A file that cannot be taken as it is; `findings` are its `file:line: reason` lines, at most 20."""

    def __init__(self, findings: list[str], *, hint: str) -> None:
        super().__init__("\n".join(findings), hint=hint)
        self.findings = findings


class Declined(KeySyncError):
    """The user said no, or nobody was there to say yes."""


class LockTimeout(KeySyncError):
    """Another process holds the sandbox's lock."""


class ReadOnlyHome(KeySyncError):
    """The sandbox folder cannot be written; reading still works."""


class AnotherBase(KeySyncError):
    """The sandbox has moved on from the operation that a change was to build on."""


class Conflict(KeySyncError):
    """Keys of a change were changed by others since its author looked; `keys` says which, by which operations."""

    def __init__(self, message: str, *, hint: str, keys: tuple[tuple[str, int, str], ...]) -> None:
        super().__init__(message, hint=hint)
        self.keys = keys
