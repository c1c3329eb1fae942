"""Commands that travel through what was done."""

from __future__ import annotations

from keysync_shell.commands.catalogue.editing import at_least
from keysync_shell.commands.registry import Arguments, Command

GROUP = "History"


def _steps(arguments: Arguments) -> None:
    arguments.add("count", nargs="?", type=at_least(1), default=1, metavar="N", help="how many (default: 1)")


def _log(arguments: Arguments) -> None:
    arguments.add("count", nargs="?", type=at_least(1), default=20, metavar="N", help="how many (default: 20)")


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
        "Show the last operations, newest first.",
        "history:log",
        ("log", "log 5 --format json"),
        _log,
    ),
)
