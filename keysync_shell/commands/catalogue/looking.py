"""Commands that look and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from keysync_shell.commands.arguments import Argument
from keysync_shell.commands.catalogue.arguments import EVERY, KEYS, SYSTEMS, At, Capped, KeyFile, kind
from keysync_shell.commands.declaring import Asks, Later, command
from keysync_shell.core.findings.kinds import names

if TYPE_CHECKING:
    from keysync_shell.commands import looking
else:
    looking = Later("looking")

GROUP = "Look"

FORMS = ("script",)
SIDE = Argument(help="a system, a snapshot, an operation @N, or now", complete="sides")


class Status(At):
    """Show how many keys each system holds and what is wrong."""

    exit_code: Annotated[bool, Argument("--exit-code", "exit 1 if there is any discrepancy")] = False


class List(At, Capped, KeyFile):
    """List keys with the systems that hold them."""

    keys: Annotated[tuple[str, ...], KEYS.saying(f"{KEYS.help} (default: all)")] = ()
    systems: Annotated[str, SYSTEMS.saying("keys that one of these systems holds")] = EVERY
    pattern: Annotated[
        str | None,
        Argument(
            "--pattern",
            "keys that exactly these systems hold, in any spelling",
            metavar="AB..E",
            complete="patterns",
        ),
    ] = None


class Discrepancies(At, Capped, Asks):
    """List what is wrong, finding by finding; exit 1 if anything is."""

    kinds: Annotated[
        tuple[str, ...],
        Argument(help=f"{', '.join(names())} (default: all)", metavar="KIND", read=kind, complete="kinds"),
    ] = ()
    systems: Annotated[str, SYSTEMS.saying("of these systems, such as B,C")] = EVERY


class Diff(Capped, Asks):
    """Compare two systems, or two of now, snapshots and @N; exit 1 if they differ."""

    left: Annotated[str, SIDE._replace(metavar="LEFT")]
    right: Annotated[str, SIDE._replace(metavar="RIGHT")]
    form: Annotated[
        str | None, Argument("--as", "script: the commands that turn LEFT into RIGHT", metavar="script", choices=FORMS)
    ] = None


COMMANDS = (
    command(
        "status",
        GROUP,
        Status,
        looking.status,
        ("status", "status --format json", "status --at @41", "status --exit-code"),
        looks=True,
    ),
    command(
        "list",
        GROUP,
        List,
        looking.list_keys,
        ("list", "list 'CUST-0001*' --systems D", "list --pattern AB..E --all"),
        looks=True,
    ),
    command(
        "discrepancies",
        GROUP,
        Discrepancies,
        looking.discrepancies,
        ("discrepancies", "discrepancies gap duplicate --systems D"),
        looks=True,
    ),
    command(
        "diff",
        GROUP,
        Diff,
        looking.diff,
        ("diff A D", "diff baseline now", "diff @41 now", "diff baseline drifted --as script"),
        looks=True,
    ),
)
