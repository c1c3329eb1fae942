"""Command files: stop at the first failure and say where."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cmd2 import RawDescriptionCmd2HelpFormatter

from keysync_shell.config import path_of
from keysync_shell.dialogue import told
from keysync_shell.errors import KeySyncError
from keysync_shell.render.views import view
from keysync_shell.sandbox import Request
from keysync_shell.shell.parsing import Parser

if TYPE_CHECKING:
    from keysync_shell.shell.app import Shell

MAX_DEPTH = 10
INTERRUPTED = 130
EXAMPLES = "examples:\n  run drift.txt\n  run nightly.txt --atomic --echo\n  @drift.txt"


class _RolledBack(Exception):
    """A line of an atomic script failed."""


def run_arguments() -> Parser:
    """The parser of `run`."""
    from keysync_shell.shell.completion import COMPLETERS

    parser = Parser(
        description="Run the commands in a file; stop at the first one that fails.",
        epilog=EXAMPLES,
        allow_abbrev=False,
        formatter_class=RawDescriptionCmd2HelpFormatter,
    )
    parser.add_argument(
        "file", metavar="FILE", help="one command a line; # starts a comment", completer=COMPLETERS["files"]
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("-k", "--keep-going", action="store_true", help="go on after a failure")
    how.add_argument("--atomic", action="store_true", help="all or nothing: a failure rolls everything back")
    parser.add_argument("-x", "--echo", action="store_true", help="show each line first")
    return parser


class Scripts:
    """Runs lines on a shell. `running` are the files that are being run, the innermost last."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._files: list[Path] = []
        self._depth = 0

    @property
    def running(self) -> bool:
        return self._depth > 0

    def run_file(self, args: argparse.Namespace) -> bool:
        """`run`: whether the shell should stop. Its status is that of the line that stopped it.

        Raises KeySyncError for a file that cannot be read, includes itself, or is nested too deep.
        """
        path = self._resolved(args.file)
        lines = _read(path, args.file)
        self._files.append(path)
        try:
            if args.atomic:
                return self._atomically(lines, args.file, echo=args.echo)
            status, stop = self.run_lines(lines, args.file, keep_going=args.keep_going, echo=args.echo)
        finally:
            self._files.pop()
        self._shell.status = status
        return stop

    def run_lines(
        self, lines: Iterable[str], name: str, *, keep_going: bool = False, echo: bool = False
    ) -> tuple[int, bool]:
        """Run lines; the first status that is not 0, and whether `quit` was among them."""
        first = 0
        self._depth += 1
        try:
            for number, line in enumerate(lines, 1):
                status, stop = self._run_line(line.rstrip("\r\n"), f"{name}:{number}", echo=echo)
                first = first or status
                if stop or status == INTERRUPTED or (status and not keep_going):
                    return first, stop
        finally:
            self._depth -= 1
        return first, False

    def _run_line(self, line: str, place: str, *, echo: bool) -> tuple[int, bool]:
        shell = self._shell
        if echo and line.strip():
            shell.say(f"+ {line}")
        stop = False
        try:
            stop = shell.onecmd_plus_hooks(line, add_to_history=False, raise_keyboard_interrupt=True)
        except KeyboardInterrupt:
            shell.status = INTERRUPTED
        if shell.status:
            shell.say(f"{place}: failed with status {shell.status}: {line.strip()}")
        return shell.status, stop

    def _atomically(self, lines: list[str], name: str, *, echo: bool) -> bool:
        shell = self._shell
        line = f"run {name} --atomic"
        stop = False
        try:
            with shell.sandbox.atomically(Request("script", line, "script", creates=True)) as outcomes:
                status, stop = self.run_lines(lines, name, echo=echo)
                if status:
                    raise _RolledBack
        except _RolledBack:
            shell.status = status
            shell.say(f"{name}: rolled back; nothing was changed.")
            return stop
        shell.status = 0
        for outcome in outcomes:
            with told(outcome):
                shell.show(view(outcome), "run")
        return stop

    def _resolved(self, file: str) -> Path:
        base = self._files[-1].parent if self._files else Path.cwd()
        path = (base / path_of(file)).resolve()
        if path in self._files:
            raise KeySyncError(f"{file}: the script includes itself", hint="Take the line out.")
        if len(self._files) >= MAX_DEPTH:
            raise KeySyncError(f"{file}: scripts are nested deeper than {MAX_DEPTH}", hint="Flatten them.")
        return path


def _read(path: Path, shown: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise KeySyncError(f"{shown}: not UTF-8: {error.reason}", hint="Save it as UTF-8.") from None
    except OSError as error:
        raise KeySyncError(f"{shown} cannot be read: {error.strerror}", hint="Check the name of the file.") from error
