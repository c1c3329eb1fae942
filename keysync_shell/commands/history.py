"""Commands that travel through what was done."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from keysync_shell.commands.arguments import Misread
from keysync_shell.commands.catalogue import history as asked
from keysync_shell.commands.catalogue.arguments import EVERY, at_least
from keysync_shell.commands.catalogue.arguments import operation as operation_number
from keysync_shell.commands.results import HistoryResult
from keysync_shell.commands.session import Session
from keysync_shell.core.findings.conditions import Condition
from keysync_shell.core.model.change import Change, SystemChange
from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Outcome
from keysync_shell.storage.operations import Operation, OperationKind
from keysync_shell.storage.oplog import Wanted

DEFAULT_COUNT = 20
FILTERS = ("key", "systems", "kind", "user", "source", "since")
AGE = re.compile(r"([0-9]{1,6})([mhdw])")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Travelled(HistoryResult):
    """What an undo or a redo did, step by step; never empty."""

    way: str
    steps: tuple[Outcome, ...]

    @property
    def committed(self) -> bool:
        return self.steps[-1].committed


@dataclass(frozen=True)
class Operations(HistoryResult):
    """Operations, newest first; `older` is the command that shows older ones, if there are any."""

    operations: tuple[Operation, ...]
    older: str


@dataclass(frozen=True)
class Shown(HistoryResult):
    """One operation in full."""

    operation: Operation
    change: Change


@dataclass(frozen=True)
class Touches(HistoryResult):
    """The operations that touched a key, oldest first, with what they changed of it."""

    key: str
    touches: tuple[tuple[Operation, Mapping[str, SystemChange]], ...]


@dataclass(frozen=True)
class Turn:
    """An operation with which a condition began or ceased to hold, and its number before and after."""

    operation: Operation
    holds: bool
    before: int
    after: int


@dataclass(frozen=True)
class Bisected(HistoryResult):
    """Where a condition that held ceased to hold, where it held again, and so on; no turns if it still holds."""

    condition: str
    turns: tuple[Turn, ...]
    now: int
    exit_code: int


Results = Travelled | Operations | Shown | Touches | Bisected


def undo(session: Session, args: asked.Undo) -> Travelled:
    return Travelled("undo", tuple(session.sandbox.undo(session.request(OperationKind.UNDO, args), args.count)))


def redo(session: Session, args: asked.Redo) -> Travelled:
    return Travelled("redo", tuple(session.sandbox.redo(session.request(OperationKind.REDO, args), args.count)))


def restore(session: Session, args: asked.Restore) -> Outcome:
    return session.sandbox.restore(session.request(OperationKind.RESTORE, args), args.number)


def revert(session: Session, args: asked.Revert) -> Outcome:
    return session.sandbox.revert(session.request(OperationKind.REVERT, args), args.number)


def log(session: Session, args: asked.Log) -> Operations | Shown:
    if args.words[:1] == ("show",):
        return Shown(*session.sandbox.change(_operation(args.words[1:])))
    count = args.limit or _count(args.words)
    wanted = Wanted(
        limit=count + 1,
        kind=args.kind,
        user=args.user,
        source=args.source,
        since=None if args.since is None else _since(args.since, session),
        systems=() if args.systems == EVERY else session.sandbox.systems.parse(args.systems),
        key=args.key,
    )
    found = session.sandbox.operations(wanted)
    older = _more(2 * count, args) if len(found) > count else ""
    return Operations(tuple(found[:count]), older)


def blame(session: Session, args: asked.Blame) -> Touches:
    touches = session.sandbox.touching(args.key)
    if not touches:
        raise KeySyncError(
            f"no operation that is still kept touched {safe(args.key)}",
            hint="A key is blamed by its exact spelling; `list` shows the spellings.",
        )
    return Touches(args.key, tuple(touches))


def bisect(session: Session, args: asked.Bisect) -> Bisected:
    """Every operation keeps its numbers, so this needs no old state and finds each turn exactly."""
    condition = Condition.parse(args.condition, session.sandbox.systems)
    operations = [operation for operation in session.sandbox.every_operation() if operation.summary]
    counted = [(operation, n) for operation in operations if (n := condition.value(operation.summary)) is not None]
    if not counted:
        raise KeySyncError(
            f"no operation counted {condition.comparison.left} yet",
            hint="An earlier version did them and did not count it; from now on it is counted.",
        )
    holding = [condition.holds(operation.summary) for operation, _ in counted]
    if not any(holding):
        raise KeySyncError(
            f"{safe(args.condition)} never held since @{counted[0][0].number}", hint="Try a weaker condition."
        )
    since = holding.index(True)
    steps = itertools.pairwise(zip(counted[since:], holding[since:], strict=True))
    turns = [
        Turn(operation, holds, before, after)
        for ((_, before), held), ((operation, after), holds) in steps
        if holds != held
    ]
    return Bisected(args.condition, tuple(turns), counted[-1][1], exit_code=int(bool(turns) and not args.exit_zero))


def _operation(words: tuple[str, ...]) -> int:
    try:
        [word] = words
        return operation_number(word)
    except (ValueError, Misread):
        raise KeySyncError("log show takes one operation", hint="For example: log show @41") from None


def _count(words: tuple[str, ...]) -> int:
    if not words:
        return DEFAULT_COUNT
    try:
        [word] = words
        return int(at_least(1)(word))
    except (ValueError, Misread):
        raise KeySyncError(
            f"log {safe(' '.join(words))}: that is not a number of operations", hint="For example: log 5"
        ) from None


def _more(count: int, args: asked.Log) -> str:
    """The same question for more operations."""
    given = [(name, value) for name in FILTERS if (value := getattr(args, name)) not in (None, EVERY)]
    return shlex.join(["log", str(count), *(word for name, value in given for word in (f"--{name}", value))])


def _since(text: str, session: Session) -> str:
    """A UTC time from an age or a time; ISO 8601 sorts as text."""
    try:
        return _moment(text, session).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        raise KeySyncError(
            f"--since {safe(text)!r} is not a time", hint="Use 30m, 2h, 7d, or a UTC time such as 2026-01-31T12:00."
        ) from None


def _moment(text: str, session: Session) -> datetime:
    """Raises ValueError or OverflowError."""
    if age := AGE.fullmatch(text):
        now = datetime.strptime(session.sandbox.now(), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return now - timedelta(**{UNITS[age[2]]: int(age[1])})
    then = datetime.fromisoformat(text)
    return then if then.tzinfo else then.replace(tzinfo=UTC)
