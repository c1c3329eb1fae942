"""What a command may use besides its arguments: the sandbox, and the person or file that speaks."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import polars as pl

from keysync_shell.commands.declaring import Changes
from keysync_shell.commands.reach import ANYWHERE, Reach
from keysync_shell.config import home_folder
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.sandbox import UNCONDITIONALLY, Conditions, Once, Outcome, Request, Sandbox
from keysync_shell.storage.foreign_csv import Reading
from keysync_shell.storage.operations import OperationKind

if TYPE_CHECKING:
    from keysync_shell.lessons.course import Course
    from keysync_shell.lessons.shelf import Numbered
    from keysync_shell.scenarios.running import Watcher
    from keysync_shell.scenarios.staging import ExecuteOn

ONE_SHOT, PROGRAM = "one-shot", "keysync-shell"


def nobody(question: str) -> bool:
    """The answer where no person can be asked. Raises Declined, exit 2."""
    raise Declined(f"nobody can be asked here: {question}", hint="Add --yes to go ahead.")


def no_input() -> bytes:
    """What KEYS… `-` stands for in a script. Raises KeySyncError."""
    raise KeySyncError("`-` reads standard input, which the script itself may be", hint="Use @FILE instead.")


@runtime_checkable
class ShowsKeys(Protocol):
    """A result that KEYS… `@last` may be about."""

    @property
    def shown_keys(self) -> pl.Series:
        """The keys that it shows, in any order, also more than once."""


class Front(Protocol):
    """What only whoever has the screen and the keyboard can do."""

    @property
    def in_lesson(self) -> bool:
        """Whether this is the prompt of a lesson, where its words do without `tutorial` before them."""

    def learn(self, course: Course, one: Numbered, /) -> bool:
        """Open the prompt of a lesson; False where nobody is at a terminal."""

    def typed(self) -> Iterable[str]:
        """Lines that somebody gives to a single command on standard input; none at a terminal, or in a script."""

    def aloud(self, home: Path, /) -> Callable[[str], int]:
        """Carries lines out on the sandbox of a folder, for everybody to see; it gives their status."""

    def say(self, line: str, /) -> None:
        """A line for whoever watches."""

    def wait(self) -> bool:
        """Wait for a key, and whether to go on; at once where nobody is at a terminal."""


@dataclass(frozen=True)
class Session:
    """One command on one sandbox.

    `line` is the command as it was given and `source` where it came from (shell, script, one-shot). `ask` puts a
    question to a person; `preview` shows them first what would happen. `read_stdin` gives what KEYS… `-` stands for;
    `last` is the previous result with keys. `show_reading` shows how a file was read, before anything is done with it.
    `folder` is where relative paths begin, and `reach` says how far they may lead. `execute_on` runs lines on another
    sandbox, and `watcher` gives who watches them, if anybody is at a terminal: for scenarios.
    `front` has the screen and the keyboard. `conditions` are what a change depends on, and `once` names a request that
    is carried out once.
    """

    sandbox: Sandbox
    line: str
    source: str
    ask: Callable[[str], bool]
    preview: Callable[[Outcome], None]
    read_stdin: Callable[[], bytes]
    last: ShowsKeys | None = None
    show_reading: Callable[[Reading], None] = lambda _: None
    folder: Path = Path()
    execute_on: ExecuteOn | None = None
    watcher: Callable[[], Watcher | None] = lambda: None
    reach: Reach = ANYWHERE
    front: Front | None = None
    conditions: Conditions = UNCONDITIONALLY
    once: Once | None = None

    def file(self, name: str) -> Path:
        """The path of a file that a person named. Raises KeySyncError if it is none, or out of reach."""
        return self.reach.path(name, self.folder)

    def again(self, *options: str) -> str:
        """The command as it can be typed once more, with more options."""
        name, _, rest = self.line.partition(" ")
        first, last = (options, ()) if set(rest) & set("|>;#") else ((), options)  # they end a command, or may
        program = self._program if self.source == ONE_SHOT else ()
        return " ".join(word for word in (*program, name, *first, rest, *last) if word)

    @property
    def _program(self) -> tuple[str, ...]:
        """How the program was called, up to the command."""
        root = self.sandbox.home.root
        return (PROGRAM,) if root == home_folder(None) else (PROGRAM, "--home", shlex.quote(str(root)))

    def request(self, kind: OperationKind, args: Changes, *, destroys: bool = False, creates: bool = False) -> Request:
        """The request for a change; unless --yes, what loses rows or `destroys` what is there is asked about."""
        approve = None if args.yes or args.dry_run or self.conditions.approved else self._approve
        return Request(
            kind,
            self.line,
            self.source,
            args.dry_run,
            approve,
            destroys=destroys,
            creates=creates,
            conditions=self.conditions,
            once=self.once,
        )

    def confirm(self, question: str, args: Changes) -> bool:
        """Whether to go on with something that is no change of the systems."""
        return args.yes or self.ask(question)

    def _approve(self, outcome: Outcome) -> bool:
        self.preview(outcome)
        return self.ask("Go ahead?")
