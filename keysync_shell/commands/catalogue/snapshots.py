"""Commands for snapshots: named copies of all systems."""

from __future__ import annotations

from keysync_shell.commands.declaring import Arguments, Command

GROUP = "Snapshots"


def _name(arguments: Arguments, *, complete: str | None = "snapshots") -> None:
    arguments.add("name", metavar="NAME", help="the snapshot", complete=complete)


def _force(arguments: Arguments, what: str) -> None:
    arguments.add("-f", "--force", action="store_true", help=f"replace {what} of that name")


def _save(arguments: Arguments) -> None:
    _name(arguments)
    arguments.add("--note", default="", metavar="TEXT", help="what it is for")
    _force(arguments, "a snapshot")


def _load(arguments: Arguments) -> None:
    _name(arguments)


def _export(arguments: Arguments) -> None:
    _name(arguments)
    arguments.add("file", metavar="FILE.zip", help="where to write it", complete="files")
    _force(arguments, "a file")


def _import(arguments: Arguments) -> None:
    arguments.add("file", metavar="FILE.zip", help="an archive made by export-state", complete="files")
    arguments.add("--as", dest="name", metavar="NAME", help="another name than its own")
    _force(arguments, "a snapshot")


COMMANDS = (
    Command(
        "save-state",
        GROUP,
        "Save all systems as a named snapshot.",
        "snapshots:save_state",
        ("save-state before-drift", "save-state bug-417 --note 'D lost a batch'"),
        _save,
    ),
    Command(
        "load-state",
        GROUP,
        "Bring a snapshot back; it can be undone.",
        "snapshots:load_state",
        ("load-state baseline", "load-state drifted --yes"),
        _load,
        changes=True,
    ),
    Command("states", GROUP, "List the snapshots.", "snapshots:states", ("states", "states --format json")),
    Command(
        "delete-state",
        GROUP,
        "Delete a snapshot; this cannot be undone.",
        "snapshots:delete_state",
        ("delete-state before-drift",),
        _load,
        changes=True,
    ),
    Command(
        "export-state",
        GROUP,
        "Write a snapshot to one file, to share it.",
        "snapshots:export_state",
        ("export-state drifted drifted.zip",),
        _export,
        leaves=True,
    ),
    Command(
        "import-state",
        GROUP,
        "Take in a snapshot that somebody shared.",
        "snapshots:import_state",
        ("import-state drifted.zip", "import-state drifted.zip --as theirs"),
        _import,
    ),
)
