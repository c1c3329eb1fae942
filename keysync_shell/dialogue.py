"""Run a command for somebody: call its function, write what it returned, and turn errors into exit codes.

The one boundary that prints errors; the one-shot path, the prompt and scripts share it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from polars.exceptions import PanicException

from keysync_shell.commands.declaring import Command
from keysync_shell.commands.reach import ANYWHERE, Reach
from keysync_shell.commands.session import Front, Session, ShowsKeys
from keysync_shell.config import path_of
from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.render.views import view
from keysync_shell.render.writing import TABLE, Writer, format_of
from keysync_shell.sandbox import Outcome, Sandbox
from keysync_shell.storage import outputs
from keysync_shell.storage.foreign_csv import Reading
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Operation

if TYPE_CHECKING:
    from keysync_shell.scenarios.running import Watcher
    from keysync_shell.scenarios.staging import ExecuteOn

BUG = 70
DONE_WITH_TROUBLE = 3  # it is committed, or may be: not 2, which says that nothing was changed


@dataclass
class Dialogue:
    """The sandbox with whoever talks to it.

    `debug` shows tracebacks; `restricted` keeps to the sandbox; `last` is the last result with keys. `execute_on` and
    `watcher` are for scenarios; `reach` says which files may be named, and `folder` where relative paths begin.
    `front` has the screen and the keyboard.
    """

    sandbox: Sandbox
    writer: Callable[[], Writer]
    ask: Callable[[str], bool]
    read_stdin: Callable[[], bytes] = lambda: sys.stdin.buffer.read()
    debug: bool = False
    restricted: bool = False
    last: ShowsKeys | None = None
    execute_on: ExecuteOn | None = None
    watcher: Callable[[], Watcher | None] = lambda: None
    reach: Reach = ANYWHERE
    folder: Path = Path()
    front: Front | None = None

    def __post_init__(self) -> None:
        if self.restricted:
            self.reach = Reach((self.sandbox.home.root,))

    def run(self, command: Command, args: Namespace, line: str, source: str) -> int:
        """Run one command and return its exit code. KeyboardInterrupt and BrokenPipeError pass through."""
        sandbox = self.sandbox
        try:
            if self.restricted:
                _refuse_ways_out(command, args)
            sandbox = self._sandbox(args)
            session = self._session(sandbox, line, source)
            output = _Output.of(args, session)
            output.check()
            with self.telling_of_interrupts(sandbox, changes=command.changes):
                args.format = format_of(args.format, getattr(args, "output", None))
                if args.format == TABLE:
                    session = dataclasses.replace(session, show_reading=self._show_reading)
                return self._answer(command, args, session, output)
        except (BrokenPipeError, KeyboardInterrupt):
            raise
        except (Exception, PanicException) as error:  # the one boundary: nobody sees a traceback without --debug
            return self.fail(error, changes=command.changes, about=sandbox)

    def show(self, outcome: Outcome, command: str) -> None:
        """Show a change that is no command's own. Raises KeySyncError if it cannot be written."""
        with told(outcome):
            self.writer().show(view(outcome), command, "table", [])

    @contextlib.contextmanager
    def telling_of_interrupts(self, sandbox: Sandbox, *, changes: bool) -> Iterator[None]:
        """Say what is committed when Ctrl-C comes. KeyboardInterrupt passes through."""
        before = len(sandbox.committed)
        try:
            yield
        except KeyboardInterrupt as interrupt:
            became = _became(sandbox.committed[before:], changes=changes)
            self.writer().say(f"Interrupted{became}.{''.join(f' {one}.' for one in interrupt.args)}")
            raise

    def _session(self, sandbox: Sandbox, line: str, source: str) -> Session:
        return Session(
            sandbox,
            line,
            source,
            self.ask,
            self._preview,
            self.read_stdin,
            self.last,
            folder=self.folder,
            execute_on=self.execute_on,
            watcher=self.watcher,
            reach=self.reach,
            front=self.front,
        )

    def _answer(self, command: Command, args: Namespace, session: Session, output: _Output) -> int:
        result = command.run(session, command.arguments.from_namespace(args))
        if isinstance(result, ShowsKeys):
            self.last = result
        shown = view(result)
        with told(result), output.opened(self.writer()) as target:
            target.show(shown, command.name, args.format, _taken(session.sandbox.warnings))
        return shown.exit_code

    def fail(self, error: BaseException, *, changes: bool = False, about: Sandbox | None = None) -> int:
        """Say what went wrong (in another sandbox than ours, if one is given); the exit code for it."""
        writer = self.writer()
        if self.debug:
            traceback.print_exception(error, file=writer.err)
        known = isinstance(error, KeySyncError)
        shown = error if isinstance(error, KeySyncError) else unexpected(error)
        with contextlib.suppress(OSError):  # if nobody can be told, the exit code still tells
            writer.warn(_taken((about or self.sandbox).warnings))
            writer.fail(shown, changes=changes and known)
        return shown.code if shown.committed is False or shown.code == BUG else DONE_WITH_TROUBLE

    def _sandbox(self, args: Namespace) -> Sandbox:
        """The sandbox that a command is about: --home may name another one."""
        home, timeout = getattr(args, "home", None), getattr(args, "lock_timeout", None)
        if home is None or self.reach.path(home).resolve() == self.sandbox.home.root.resolve():
            if timeout is not None:
                self.sandbox.wait(timeout)
            return self.sandbox
        self.sandbox.require_no_batch("a command on another sandbox")
        patience, progress = timeout if timeout is not None else 10.0, self.sandbox.home.progress
        return Sandbox(path_of(home), lock_timeout=patience, progress=progress)

    def _show_reading(self, reading: Reading) -> None:
        from keysync_shell.render.foreign import preview

        writer = self.writer()
        for line in preview(reading, writer.width):
            writer.say(line)

    def _preview(self, outcome: Outcome) -> None:
        from keysync_shell.render.changes import preview

        writer = self.writer()
        for line in preview(outcome):
            writer.say(line)


def _became(committed: Sequence[Operation], *, changes: bool) -> str:
    """What an interrupted command had committed."""
    if not committed:
        return "; nothing was changed" if changes else ""
    numbers = [
        f"@{operation.number}" + (f" ({operation.kind} of @{operation.target})" if operation.target is not None else "")
        for operation in committed
    ]
    return f"; {', '.join(numbers)} {'is' if len(numbers) == 1 else 'are'} committed"


def _refuse_ways_out(command: Command, args: Namespace) -> None:
    """Raise KeySyncError for what leads out of the sandbox."""
    refused = [command.name] if command.leaves else [f"--{name}" for name, given in _ways_out(args) if given]
    if refused:
        raise KeySyncError(f"{refused[0]} is not allowed here", hint="This shell is --restricted.")


def _ways_out(args: Namespace) -> Sequence[tuple[str, str | None]]:
    """The options that name a place outside of the sandbox, with what was given."""
    folder = getattr(args, "output_dir", None)
    return ("output", _output(args)), ("output-dir", folder), ("home", getattr(args, "home", None))


def _output(args: Namespace) -> str | None:
    """The file that a result or a plan is to go to."""
    given: str | None = getattr(args, "output", None) or getattr(args, "save", None)
    return given


@contextlib.contextmanager
def told(result: object) -> Iterator[None]:
    """Trouble with writing a result does not make undone what was done."""
    try:
        yield
    except BrokenPipeError:
        raise
    except KeySyncError as error:
        if getattr(result, "committed", False):
            error.committed = True
        raise
    except OSError as error:
        done = bool(getattr(result, "committed", False))  # results that only look have none
        where = f"{safe(str(error.filename))}: " if error.filename else ""
        message = f"the result could not be written: {where}{error.strerror}"
        hint = "The command itself was carried out; `log` shows it." if done else "Write it to a file with --output."
        raise KeySyncError(message, hint=hint, committed=done) from error


@dataclass(frozen=True)
class _Output:
    """Where a result goes: to a file, or None: to whoever asked. `force` replaces a file that exists."""

    path: Path | None
    home: Home
    force: bool

    @classmethod
    def of(cls, args: Namespace, session: Session) -> _Output:
        name = getattr(args, "output", None)
        return cls(None if name is None else session.file(name), session.sandbox.home, getattr(args, "yes", False))

    def check(self) -> None:
        """Raise KeySyncError if the file may not be written; to be said before anything is done."""
        if self.path is not None:
            outputs.check(self.path, self.home, force=self.force)

    @contextlib.contextmanager
    def opened(self, writer: Writer) -> Iterator[Writer]:
        """The writer itself, or one whose results go to the file."""
        if self.path is None:
            yield writer
            return
        with outputs.opened(self.path, self.home, force=self.force) as file:
            yield dataclasses.replace(writer, out=file, color_out=False)
        writer.say(f"✓ Wrote {safe(str(self.path))}")


def _taken(warnings: list[str]) -> list[str]:
    """The warnings, each shown once."""
    taken = list(warnings)
    warnings.clear()
    return taken


def unexpected(error: BaseException) -> KeySyncError:
    """An error that nobody planned for, in words."""
    if isinstance(error, MemoryError):
        return KeySyncError(
            "there is not enough memory for this", hint="Use fewer keys, or a machine with more memory."
        )
    if isinstance(error, PanicException):
        return KeySyncError(
            f"Polars, which looks into the tables, broke off: {error}",
            hint="Restart KeySync Shell, which cannot go on after that. If it happens again, please report it.",
            committed=None,
            code=BUG,
        )
    return KeySyncError(
        f"this should not have happened: {type(error).__name__}: {error}",
        hint="Repeat the command with --debug and report what you see.",
        committed=None if not isinstance(error, ValueError) else False,
        code=BUG,
    )
