"""Commands that look after the sandbox itself."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Annotated

from keysync_shell.commands.arguments import COMMAS, Argument, Arguments, OneOf
from keysync_shell.commands.catalogue.arguments import KEYS, SYSTEM, line_number
from keysync_shell.commands.declaring import Asks, Changes, Later, command

if TYPE_CHECKING:
    from keysync_shell.commands import checking
else:
    checking = Later("checking")

GROUP = "Look after"

HOW = OneOf()


class Check(Asks):
    """Verify files, history, cache and snapshots against each other; exit 1 if anything does not match."""


class Expect(Asks):
    """Hold the sandbox to conditions, for CI; exit 1 if one does not hold."""

    conditions: Annotated[
        tuple[str, ...], Argument(help="such as 'gaps.D <= 5' or 'in_sync >= keys - 10'", metavar="CONDITION")
    ] = ()
    warn: Annotated[tuple[str, ...], Argument("--warn", "a condition that is only warned of", metavar="CONDITION")] = ()


class Repair(Changes):
    """Restore a broken system file (it is kept aside), or drop repeated rows."""

    system: Annotated[str, SYSTEM.saying("the system whose file is broken or has repeated rows")]
    drop_lines: Annotated[
        tuple[int, ...],
        Argument(
            "--drop-lines",
            "take the file in without these lines, instead of restoring the last committed content",
            metavar="N,N",
            read=line_number,
            words=COMMAS,
            within=HOW,
        ),
    ] = ()
    repeats: Annotated[
        tuple[str, ...] | None,
        Argument(
            "--repeats",
            f"keep one row of keys that repeat ({KEYS.help}; default: all)",
            metavar="KEYS",
            words="*",
            within=HOW,
        ),
    ] = None


class Lock(Arguments):
    """Run a program while nobody else may change the sandbox."""

    argv: Annotated[
        tuple[str, ...], Argument(help="the program and its arguments", metavar="-- CMD", words=argparse.REMAINDER)
    ]


COMMANDS = (
    command("check", GROUP, Check, checking.check, ("check", "check --format json")),
    command(
        "expect",
        GROUP,
        Expect,
        checking.expect,
        ("expect 'gaps.D <= 5' 'duplicates == 0'", "expect 'gaps == 0' --warn 'unauthorized < 10' --format json"),
    ),
    command(
        "repair",
        GROUP,
        Repair,
        checking.repair,
        ("repair A", "repair A --drop-lines 12,15", "repair C --repeats"),
    ),
    command("lock", GROUP, Lock, checking.lock, ("lock -- cp -r systems backup",), leaves=True),
)
