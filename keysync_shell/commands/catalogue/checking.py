"""Commands that look after the sandbox itself."""

from __future__ import annotations

import argparse

from keysync_shell.commands.catalogue.editing import KEYS_HELP
from keysync_shell.commands.declaring import Arguments, Command

GROUP = "Look after"


def line_numbers(text: str) -> tuple[int, ...]:
    """Line numbers such as 12,15, for argparse."""
    words = text.split(",")
    if not all(word.isascii() and word.isdigit() for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} are no line numbers; write them like 12,15")
    return tuple(int(word) for word in words)


def _repair(arguments: Arguments) -> None:
    arguments.add("system", metavar="SYSTEM", help="whose file is broken, or holds repeats", complete="systems")
    how = arguments.one_of(required=False)
    text = "take the file in without these lines, instead of restoring the last committed content"
    how.add("--drop-lines", type=line_numbers, default=(), metavar="N,N", help=text)
    text = f"keep one row of keys that repeat ({KEYS_HELP}; default: all)"
    how.add("--repeats", nargs="*", metavar="KEYS", help=text)


def _lock(arguments: Arguments) -> None:
    arguments.add("argv", nargs=argparse.REMAINDER, metavar="-- CMD", help="the program and its arguments")


COMMANDS = (
    Command(
        "check",
        GROUP,
        "Verify files, history, cache and snapshots against each other; exit 1 if something does not fit.",
        "checking:check",
        ("check", "check --format json"),
        asks=True,
    ),
    Command(
        "repair",
        GROUP,
        "Restore a broken system file (it is kept aside), or drop repeated rows.",
        "checking:repair",
        ("repair A", "repair A --drop-lines 12,15", "repair C --repeats"),
        _repair,
        changes=True,
    ),
    Command(
        "lock",
        GROUP,
        "Run a program while nobody else may change the sandbox.",
        "checking:lock",
        ("lock -- cp -r systems backup",),
        _lock,
        leaves=True,
    ),
)
