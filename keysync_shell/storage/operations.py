"""A committed operation: one row of the log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from keysync_shell.core.model.counts import Counts
from keysync_shell.errors import KeySyncError
from keysync_shell.storage.files import Signature

MASTER_KEYS = "master keys"  # stands for the registry where the name of a system would; no system is called so


class OperationKind(StrEnum):
    """What kind of change an operation is, with its words: `done` as in "Added: …", `doing` as in "would add: …".

    The log may hold kinds of another version; `Operation.kind` is therefore a plain text.
    """

    done: str
    doing: str

    def __new__(cls, name: str, done: str, doing: str) -> Self:
        kind = str.__new__(cls, name)
        kind._value_, kind.done, kind.doing = name, done, doing
        return kind

    OPEN = "open", "Opened", "open"
    EXTERNAL = "external", "Taken in", "take in"
    INIT = "init", "Initialized", "initialize"
    MOCK = "mock", "Mocked", "mock"
    ADD = "add", "Added", "add"
    REMOVE = "remove", "Removed", "remove"
    MODIFY = "modify", "Respelled", "respell"
    CORRUPT = "corrupt", "Damaged", "damage"
    COPY = "copy", "Copied", "copy"
    MOVE = "move", "Moved", "move"
    SET = "set", "Set", "set"
    IMPORT = "import", "Imported", "import"
    RESET = "reset", "Reset", "reset"
    LOAD = "load", "Loaded", "load"
    APPLY = "apply", "Applied", "apply"
    RECONCILE = "reconcile", "Proposed", "propose"
    APPROVE = "approve", "Approved", "approve"
    DEPRECATE = "deprecate", "Deprecated", "deprecate"
    RESTORE = "restore", "Restored", "restore"
    REVERT = "revert", "Reverted", "revert"
    REPAIR = "repair", "Repaired", "repair"
    UNDO = "undo", "Undid", "undo"
    REDO = "redo", "Redid", "redo"
    SCRIPT = "script", "Ran", "run"
    SCENARIO = "scenario", "Brought home", "bring home"


class Unavailable(KeySyncError):
    """What an operation changed cannot be told: it is unknown, damaged or no longer kept."""


@dataclass(frozen=True)
class Operation:
    """A committed operation.

    `before` and `after` are the SHA-256 of every system's file (None: there was none). `counts` are its rows by system
    (in version 0.1 its keys), `discrepancies` the totals before and after it (none for the opening entry), `summary`
    all numbers of `status` after it. `target` is the operation that an undo or a redo is about. `unknown` are the
    systems whose rows before it are not known any more, so that what it changed in them is not either. `master_keys`
    counts what it changed in the registry, if anything. `idempotency_key` names a request that is carried out once,
    and `asked` is what answers it when it is sent again.
    `damaged` are the fields that cannot be read any more, and are empty.
    """

    number: int
    time: str
    kind: str
    line: str
    user: str
    host: str
    source: str
    target: int | None = None
    undo_top: int | None = None
    redo_top: int | None = None
    below: int | None = None
    before: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str | None] = field(default_factory=dict)
    signatures: Mapping[str, Signature] = field(default_factory=dict)
    counts: Mapping[str, Counts] = field(default_factory=dict)
    discrepancies: tuple[Mapping[str, int], ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    master_keys: Counts | None = None
    idempotency_key: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()

    def content_digest(self) -> str:
        """A digest of what the systems held after it: the same files, the same digest, on any machine."""
        lines = (f"{name} {sha256}" for name, sha256 in self.after.items())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
