"""Commands that travel through what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from keysync_shell.commands.arguments import Argument, Arguments
from keysync_shell.commands.catalogue.arguments import EVERY, SYSTEMS, at_least, operation
from keysync_shell.commands.declaring import Asks, Changes, Later, command

if TYPE_CHECKING:
    from keysync_shell.commands import history
else:
    history = Later("history")

GROUP = "History"

NUMBER = Argument(help="the operation", metavar="@N", read=operation, complete="operations")
STEPS = Argument(help="how many", metavar="N", read=at_least(1))


class Undo(Changes):
    """Take back the last change, or the last N."""

    count: Annotated[int, STEPS] = 1


class Redo(Changes):
    """Redo what was undone."""

    count: Annotated[int, STEPS] = 1


class Log(Arguments):
    """Show the last operations, newest first; or what one of them changed."""

    words: Annotated[
        tuple[str, ...],
        Argument(help="how many (default: 20), or one in full", metavar="N | show @N", complete="log-words"),
    ] = ()
    limit: Annotated[int | None, Argument("--limit", "the same as N", metavar="N", read=at_least(1))] = None
    key: Annotated[str | None, Argument("--key", "that touched this key", metavar="KEY", complete="key")] = None
    systems: Annotated[str, SYSTEMS.saying("that changed one of these systems, such as B,C")] = EVERY
    kind: Annotated[
        str | None,
        Argument("--kind", "such as add, remove, undo, external", metavar="KIND", complete="operation-kinds"),
    ] = None
    user: Annotated[str | None, Argument("--user", "of this user", metavar="USER")] = None
    source: Annotated[str | None, Argument("--source", "shell, script, one-shot, external, …", metavar="SOURCE")] = None
    since: Annotated[
        str | None, Argument("--since", "not older than 30m, 2h, 7d, or a UTC time 2026-01-31T12:00", metavar="TIME")
    ] = None


class Restore(Changes):
    """Bring back the state after an operation, as a new operation."""

    number: Annotated[int, NUMBER]


class Revert(Changes):
    """Undo one old operation, if nothing later changed the same rows."""

    number: Annotated[int, NUMBER]


class Blame(Arguments):
    """Show the operations that touched a key."""

    key: Annotated[str, Argument(help="the exact key", metavar="KEY", complete="key")]


class Bisect(Asks):
    """Find the first operation after which a condition no longer holds; exit 1 if there is one."""

    condition: Annotated[
        str, Argument(help="such as 'gaps.D == 0' or 'discrepancies < 10'", metavar="CONDITION", complete="conditions")
    ]


COMMANDS = (
    command("undo", GROUP, Undo, history.undo, ("undo", "undo 3")),
    command("redo", GROUP, Redo, history.redo, ("redo", "redo 3")),
    command(
        "log",
        GROUP,
        Log,
        history.log,
        ("log", "log 5 --systems D --since 2h", "log show @41", "log --format csv --output history.csv"),
        looks=True,
    ),
    command("restore", GROUP, Restore, history.restore, ("restore @41",)),
    command("revert", GROUP, Revert, history.revert, ("revert @37", "revert @37 --dry-run")),
    command("blame", GROUP, Blame, history.blame, ("blame CUST-00042",), looks=True),
    command(
        "bisect", GROUP, Bisect, history.bisect, ("bisect 'gaps.D == 0'", "bisect 'discrepancies < 10'"), looks=True
    ),
)
