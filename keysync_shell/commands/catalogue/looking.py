"""Commands that look and change nothing."""

from __future__ import annotations

import argparse

from keysync_shell.commands.catalogue.editing import KEYS_HELP, at_least, keys, operation, systems
from keysync_shell.commands.declaring import Arguments, Command
from keysync_shell.core.findings.kinds import KINDS

GROUP = "Look"


def kind(text: str) -> str:
    """A kind of finding, in the singular or the plural, for argparse."""
    for name, plural in KINDS.items():
        if text.lower() in (name, plural):
            return name
    raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(KINDS)}")


def capped(arguments: Arguments) -> None:
    how_many = arguments.one_of(required=False)
    how_many.add("--all", action="store_true", help="every line (a table stops at 50)")
    how_many.add("--limit", type=at_least(1), metavar="N", help="at most N lines, in every format")


def at(arguments: Arguments) -> None:
    arguments.add("--at", type=operation, metavar="@N", help="as it was after that operation")


def _status(arguments: Arguments) -> None:
    at(arguments)
    arguments.add("--exit-code", action="store_true", help="exit 1 if there is any discrepancy")


def _list(arguments: Arguments) -> None:
    keys(arguments, needed=False, text=f"{KEYS_HELP} (default: all)")
    systems(arguments, "keys that one of these systems holds (default: all)")
    arguments.add(
        "--pattern", metavar="AB..E", help="keys that exactly these systems hold, in any spelling", complete="patterns"
    )
    at(arguments)
    capped(arguments)


def _discrepancies(arguments: Arguments) -> None:
    arguments.add(
        "kinds",
        nargs="*",
        type=kind,
        metavar="KIND",
        help=f"{', '.join(KINDS)} (default: all)",
        complete="kinds",
    )
    arguments.add("-s", "--system", metavar="SYSTEM", help="of one system", complete="systems")
    at(arguments)
    capped(arguments)


def _diff(arguments: Arguments) -> None:
    for side in ("left", "right"):
        arguments.add(
            side, metavar=side.upper(), help="a system, a snapshot, an operation @N, or now", complete="sides"
        )
    capped(arguments)


COMMANDS = (
    Command(
        "status",
        GROUP,
        "Show how many keys each system holds and what is wrong.",
        "looking:status",
        ("status", "status --format json", "status --at @41", "status --exit-code"),
        _status,
    ),
    Command(
        "list",
        GROUP,
        "List keys with the systems that hold them.",
        "looking:list_keys",
        ("list", "list 'CUST-0001*' --systems D", "list --pattern AB..E --all"),
        _list,
    ),
    Command(
        "discrepancies",
        GROUP,
        "List what is wrong, finding by finding; exit 1 if anything is.",
        "looking:discrepancies",
        ("discrepancies", "discrepancies gap duplicate --system D"),
        _discrepancies,
        asks=True,
    ),
    Command(
        "diff",
        GROUP,
        "Compare two systems, or two of now, snapshots and @N; exit 1 if they differ.",
        "looking:diff",
        ("diff A D", "diff baseline now", "diff @41 now", "diff baseline drifted --all"),
        _diff,
        asks=True,
    ),
)
