"""Commands for snapshots: named copies of all systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from keysync_shell.commands.arguments import Argument, Arguments
from keysync_shell.commands.declaring import YES, Changes, Later, command

if TYPE_CHECKING:
    from keysync_shell.commands import snapshots
else:
    snapshots = Later("snapshots")

GROUP = "Snapshots"

NAME = Argument(help="the snapshot", metavar="NAME", complete="snapshots")
REPLACE = YES.saying("replace a snapshot of that name")


class SaveState(Arguments):
    """Save all systems as a named snapshot."""

    name: Annotated[str, NAME]
    note: Annotated[str, Argument("--note", "what it is for", metavar="TEXT")] = ""
    yes: Annotated[bool, REPLACE] = False


class LoadState(Changes):
    """Bring a snapshot back; it can be undone."""

    name: Annotated[str, NAME]


class Sample(Changes):
    """Load the sample: 200 keys in systems that have drifted apart, and snapshots of them."""


class States(Arguments):
    """List the snapshots."""


class DeleteState(Changes):
    """Delete a snapshot; this cannot be undone."""

    name: Annotated[str, NAME]


class ExportState(Arguments):
    """Write a snapshot to one file, to share it."""

    name: Annotated[str, NAME]
    file: Annotated[str, Argument(help="where to write it", metavar="FILE.zip", complete="files")]
    yes: Annotated[bool, REPLACE.saying("replace a file of that name")] = False


class ImportState(Arguments):
    """Import a snapshot that somebody shared."""

    file: Annotated[str, Argument(help="an archive made by export-state", metavar="FILE.zip", complete="files")]
    name: Annotated[str | None, Argument("--as", "a name other than its own", metavar="NAME")] = None
    yes: Annotated[bool, REPLACE] = False


COMMANDS = (
    command(
        "save-state",
        GROUP,
        SaveState,
        snapshots.save_state,
        ("save-state before-drift", "save-state bug-417 --note 'D lost a batch'"),
    ),
    command("load-state", GROUP, LoadState, snapshots.load_state, ("load-state baseline", "load-state drifted --yes")),
    command("sample", GROUP, Sample, snapshots.sample, ("sample", "sample --yes")),
    command("states", GROUP, States, snapshots.states, ("states", "states --format json"), looks=True),
    command("delete-state", GROUP, DeleteState, snapshots.delete_state, ("delete-state before-drift",)),
    command(
        "export-state",
        GROUP,
        ExportState,
        snapshots.export_state,
        ("export-state drifted drifted.zip",),
        leaves=True,
    ),
    command(
        "import-state",
        GROUP,
        ImportState,
        snapshots.import_state,
        ("import-state drifted.zip", "import-state drifted.zip --as theirs"),
    ),
)
