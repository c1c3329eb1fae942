"""The commands that are hit by faults, and a folder in which each of them has something to do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.program import HOME, Program

BEGIN = (
    "init --keys 12",
    "add-key START-1 START-2 --systems B,C",
    "save-state base",
    "export-state base base.zip",
    "remove-key CUST-00002 --systems D --yes",
)
FILES = {
    "import.csv": "key,last_seen_at,system,status\n"
    + "".join(f"IMP-{n},2026-01-02T12:00:00Z,B,active\n" for n in range(30)),
    "bulk.txt": "".join(f"BULK-{n:04}\n" for n in range(600)),
    "script.txt": "add-key SCRIPT-1 --systems A,B\nremove-key CUST-00003 --systems D --yes\n",
}


@dataclass(frozen=True)
class Operation:
    """A command. `prepare` are lines that go before it; `begin` says whether there is a sandbox at all.

    `edits` are system files that another program writes before the command.
    """

    name: str
    words: tuple[str, ...]
    prepare: tuple[str, ...] = ()
    begin: bool = True
    edits: dict[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        return " ".join(self.words)


def _operation(name: str, line: str, *prepare: str) -> Operation:
    return Operation(name, tuple(line.split()), prepare)


OPERATIONS = (
    _operation("add", "add-key NEW-1 NEW-2"),
    _operation("bulk-add", "add-key @bulk.txt"),
    _operation("remove", "remove-key CUST-00004 START-1 --yes"),
    _operation("modify", "modify-key CUST-00005 --case lower --systems B,C"),
    _operation("corrupt", "corrupt case --count 3 --systems C,D --seed 4"),
    _operation("init-over", "init --keys 9 --yes"),
    _operation("import", "import B import.csv --yes"),
    _operation("undo", "undo"),
    _operation("redo", "redo", "undo"),
    _operation("save-state", "save-state next --note two"),
    _operation("replace-state", "save-state base --force"),
    _operation("load-state", "load-state base --yes"),
    _operation("import-state", "import-state base.zip --as other"),
    _operation("delete-state", "delete-state base --yes"),
    _operation("run-atomic", "run script.txt --atomic"),
    Operation("init-fresh", ("init", "--keys", "9"), begin=False),
    Operation(
        "adopt", ("import", "B", "import.csv", "--yes"), begin=False, edits=dict.fromkeys("ABCDE", "key\nOLD-1\n")
    ),
    Operation("outside-edit", ("add-key", "NEW-1"), edits={"C": "key\nCUST-00001\nOUTSIDE\n"}),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}
PROBE = ("import", "A", "import.csv", "--yes")  # works in any folder, begun or not
LATER = ("import", "E", "import.csv", "--yes")


def prepared(program: Program, operation: Operation, folder: Path, begun: Path | None = None) -> Path:
    """Make the folder as it is before the operation; `begun` is one with a sandbox to start from."""
    if begun is not None and operation.begin:
        shutil.copytree(begun, folder)
        lines = operation.prepare
    else:
        folder.mkdir(parents=True)
        for name, text in FILES.items():
            (folder / name).write_text(text)
        lines = (*(BEGIN if operation.begin else ()), *operation.prepare)
    if lines:
        ended = program.run(folder, words(["-c", "; ".join(lines)]))
        assert ended.status == 0, ended.err
    for system, text in operation.edits.items():
        (folder / HOME / "systems").mkdir(parents=True, exist_ok=True)
        (folder / HOME / "systems" / f"{system}.csv").write_text(text)
    return folder


def words(command: list[str] | tuple[str, ...]) -> list[str]:
    """The command line of the program."""
    return ["--home", HOME, "--lock-timeout", "0.3", *command]
