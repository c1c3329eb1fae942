"""Commands that travel through what was done."""

from __future__ import annotations

from keysync_shell.commands.catalogue.editing import at_least, operation
from keysync_shell.commands.declaring import Arguments, Command

GROUP = "History"


def _steps(arguments: Arguments) -> None:
    arguments.add("count", nargs="?", type=at_least(1), default=1, metavar="N", help="how many (default: 1)")


def _log(arguments: Arguments) -> None:
    arguments.add("words", nargs="*", metavar="N | show @N", help="how many (default: 20), or one in full")
    arguments.add("--limit", type=at_least(1), metavar="N", help="the same as N")
    arguments.add("--key", metavar="KEY", help="that touched this key")
    arguments.add("--system", metavar="SYSTEM", help="that changed this system", complete="systems")
    arguments.add("--kind", metavar="KIND", help="such as add, remove, undo, external")
    arguments.add("--user", metavar="USER", help="of this user")
    arguments.add("--source", metavar="SOURCE", help="shell, script, one-shot, external, …")
    arguments.add("--since", metavar="TIME", help="not older than 30m, 2h, 7d, or a UTC time 2026-01-31T12:00")


def _number(arguments: Arguments) -> None:
    arguments.add("number", type=operation, metavar="@N", help="the operation")


def _blame(arguments: Arguments) -> None:
    arguments.add("key", metavar="KEY", help="the exact key", complete="keys")


def _bisect(arguments: Arguments) -> None:
    arguments.add("condition", metavar="CONDITION", help="such as 'gaps.D == 0' or 'discrepancies < 10'")


COMMANDS = (
    Command(
        "undo",
        GROUP,
        "Take back the last change, or the last N.",
        "history:undo",
        ("undo", "undo 3"),
        _steps,
        changes=True,
    ),
    Command(
        "redo",
        GROUP,
        "Do again what was undone.",
        "history:redo",
        ("redo", "redo 3"),
        _steps,
        changes=True,
    ),
    Command(
        "log",
        GROUP,
        "Show the last operations, newest first; or what one of them changed.",
        "history:log",
        ("log", "log 5 --system D --since 2h", "log show @41", "log --format csv --output history.csv"),
        _log,
    ),
    Command(
        "restore",
        GROUP,
        "Bring back the state after an operation, as a new operation.",
        "history:restore",
        ("restore @41",),
        _number,
        changes=True,
    ),
    Command(
        "revert",
        GROUP,
        "Undo one old operation, if nothing later changed the same rows.",
        "history:revert",
        ("revert @37", "revert @37 --dry-run"),
        _number,
        changes=True,
    ),
    Command(
        "blame",
        GROUP,
        "Show the operations that touched a key.",
        "history:blame",
        ("blame CUST-00042",),
        _blame,
    ),
    Command(
        "bisect",
        GROUP,
        "Find the first operation after which a condition no longer holds; exit 1 if there is one.",
        "history:bisect",
        ("bisect 'gaps.D == 0'", "bisect 'discrepancies < 10'"),
        _bisect,
        asks=True,
    ),
)
