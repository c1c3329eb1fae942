"""Lines of commands: how they come apart, as in a POSIX shell, and how scripts of them run.

What one line does is up to whoever carries it out: the prompt, a script without one, a scenario. Results are shown by
front ends, which are above this; so it takes an `Executor`, and needs neither cmd2 nor a renderer.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

from keysync_shell.commands.arguments import Argument, Arguments, OneOf
from keysync_shell.commands.catalogue import FIRST_WORDS
from keysync_shell.commands.meanings import meaning, near
from keysync_shell.commands.reach import Reach
from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Outcome, Request, Sandbox
from keysync_shell.storage.operations import OperationKind

MAX_DEPTH = 10
INTERRUPTED = 130
SEPARATOR = frozenset(";")
RUN, QUIT = "run", ("quit", "exit")
RUN_NAMES = (RUN, "source")
SHELL = "shell"
OF_THE_SHELL = ("alias", "clear", "help", "history", "set", SHELL, "version")  # what the prompt has besides
NAMES = (*FIRST_WORDS, *RUN_NAMES, *QUIT, *OF_THE_SHELL)
UNKNOWN = 127
RUN_EXAMPLES = ("run drift.txt", "run nightly.txt --atomic --echo", "@drift.txt")


# How a line comes apart


def raw_tokens(line: str, punctuation: frozenset[str] = frozenset()) -> list[str]:
    """The words of a line with their quotes and backslashes; runs of one punctuation character are words.

    Raises ValueError for a quote that is never closed or a backslash at the end.
    """
    return [line[start:end] for start, end in spans(line, punctuation)]


def spans(line: str, punctuation: frozenset[str] = frozenset()) -> list[tuple[int, int]]:
    """Where the words of `raw_tokens` begin and end."""
    found: list[tuple[int, int]] = []
    begin, quote, i = -1, "", 0  # begin: of the word that is being read, -1 between words
    while i < len(line):
        letter, at, i = line[i], i, i + 1
        if letter == "\\" and quote != "'":
            if i == len(line):
                raise ValueError("no character after the backslash")
            begin, i = at if begin < 0 else begin, i + 1
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            begin, quote = at if begin < 0 else begin, letter
        elif letter == "#" and begin < 0:
            return found
        elif letter.isspace() or letter in punctuation:
            found += [(begin, at)] if begin >= 0 else []
            begin = -1
            if letter in punctuation:
                while line[i : i + 1] == letter:
                    i += 1
                found.append((at, i))
        elif begin < 0:
            begin = at
    if quote:
        raise ValueError(f"no closing {quote}")
    return [*found, (begin, i)] if begin >= 0 else found


def unquoted(token: str) -> str:
    """A word without its quotes and backslashes."""
    return "".join(shlex.split(token)) if set(token) & set("\"'\\") else token


def words(line: str) -> list[str]:
    """The words of a line as they are meant. Raises ValueError as `raw_tokens`."""
    return [unquoted(token) for token in raw_tokens(line)]


def commands_in(line: str) -> list[str]:
    """The commands of one line, which unquoted `;` separate, each as it was written; none for a blank or a comment.

    A line that cannot be read is one command: whoever carries it out names the fault.
    """
    try:
        words = spans(line, SEPARATOR)
    except ValueError:
        return [line]
    commands: list[str] = []
    first = -1  # where the command begins that is being read
    for start, end in words:
        if line[start] == ";":
            first = -1
        elif first < 0 and _goes_to_the_system(line[start:end]):
            return [*commands, line[start:]]
        elif first < 0:
            first = start
            commands.append(line[start:end])
        else:
            commands[-1] = line[first:end]
    return commands


def spelled_out(line: str, knows: Callable[[str], bool], names: Collection[str]) -> str:
    """The line with its command's whole name where only the beginning is written. Raises KeySyncError as `meant`."""
    try:
        [(begin, end), *_] = spans(line) or [(0, 0)]
    except ValueError as error:
        hint = """A quote or backslash that is part of a key goes inside other quotes: "it's", 'a\\b'."""
        raise KeySyncError(f"the line cannot be read: {error}", hint=hint) from None
    word = unquoted(line[begin:end])
    return line if begin == end or knows(word) else f"{line[:begin]}{meant(word, names)}{line[end:]}"


def meant(word: str, names: Collection[str] = NAMES) -> str:
    """The name itself, or the only one that begins so. Raises KeySyncError, status 127, if there is none or several."""
    begun = [word] if word in names else sorted(name for name in names if word and name.startswith(word))
    if begun and word not in begun and (other := meaning(word)) is not None and other in names:
        begun = sorted({*begun, other})  # delete: delete-state by its letters, remove-key by its meaning
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise KeySyncError(
            f"'{safe(word)}' may mean {', '.join(begun)}", hint="Write out the one you mean.", code=UNKNOWN
        )
    guess = near(word, names)
    hint = f"Did you mean {guess}?" if guess else "`help` lists the commands."
    raise KeySyncError(f"there is no command '{safe(word)}'", hint=hint, code=UNKNOWN)


def _goes_to_the_system(word: str) -> bool:
    """Whether the rest of the line is for the system's shell, which has a `;` of its own."""
    return word.startswith("!") or word == SHELL


# How scripts run


@dataclass(frozen=True)
class Ended:
    """How a line ended: its status, and whether nothing is to follow it, as after `quit`."""

    status: int
    stop: bool = False


HOW = OneOf()


class Script(Arguments):
    """Run the commands in a file; stop at the first one that fails."""

    file: Annotated[str, Argument(help="one command per line; # starts a comment", metavar="FILE", complete="files")]
    keep_going: Annotated[bool, Argument("-k --keep-going", "continue after a failure", within=HOW)] = False
    atomic: Annotated[bool, Argument("--atomic", "all or nothing: a failure rolls everything back", within=HOW)] = False
    echo: Annotated[bool, Argument("-x --echo", "show each line first")] = False


class Executor(Protocol):
    """Whoever carries lines out, one at a time, and talks about them."""

    @property
    def sandbox(self) -> Sandbox:
        """What they are about."""

    def run_line(self, line: str) -> Ended:
        """Carry one command out. Raises KeyboardInterrupt."""

    def say(self, line: str) -> None:
        """A line for people; what comes from files is made safe to show."""

    def show(self, outcome: Outcome) -> None:
        """Show what a whole script did. Raises KeySyncError if that cannot be written."""


class _RolledBack(Exception):
    """A line of an atomic script failed."""


class Scripts:
    """Runs scripts, also within each other."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._files: list[Path] = []  # that are being run, the innermost last
        self._depth = 0

    @property
    def running(self) -> bool:
        return self._depth > 0

    def run_file(self, script: Script, reach: Reach, folder: Path = Path()) -> Ended:
        """Run a file within reach, from `folder`; its status is that of the line that stopped it.

        Raises KeySyncError for a file that cannot be read, includes itself, or is nested too deep.
        """
        path = self._resolved(script.file, reach, folder)
        lines = _read(path, script.file)
        self._files.append(path)
        try:
            if script.atomic:
                return self._atomically(lines, script)
            return self.run_lines(lines, script.file, keep_going=script.keep_going, echo=script.echo)
        finally:
            self._files.pop()

    def run_lines(self, lines: Iterable[str], name: str, *, keep_going: bool = False, echo: bool = False) -> Ended:
        """Run lines; the first status that is not 0, and whether a `quit` was among them."""
        first = 0
        self._depth += 1
        try:
            for command, place in self._commands(lines, name, echo=echo):
                ended = self._run_command(command, place)
                first = first or ended.status
                if ended.stop or ended.status == INTERRUPTED or (ended.status and not keep_going):
                    return Ended(first, ended.stop)
        finally:
            self._depth -= 1
        return Ended(first)

    def _commands(self, lines: Iterable[str], name: str, *, echo: bool) -> Iterator[tuple[str, str]]:
        """The commands of lines, each with its place."""
        for number, line in enumerate(lines, 1):
            commands = commands_in(line.rstrip("\r\n"))
            whole = line.strip() if len(commands) < 2 else ""  # with its remark
            for command in commands or [""]:
                if echo and (whole or command):
                    self._executor.say(f"+ {whole or command}")
                yield command, f"{name}:{number}"

    def _run_command(self, command: str, place: str) -> Ended:
        try:
            ended = self._executor.run_line(command)
        except KeyboardInterrupt:
            ended = Ended(INTERRUPTED)
        if ended.status:
            self._executor.say(f"{place}: failed with status {ended.status}: {command}")
        return ended

    def _atomically(self, lines: list[str], script: Script) -> Ended:
        request = Request(OperationKind.SCRIPT, f"run {script.file} --atomic", "script", creates=True)
        try:
            with self._executor.sandbox.atomically(request) as outcomes:
                ended = self.run_lines(lines, script.file, echo=script.echo)
                if ended.status:
                    raise _RolledBack
        except _RolledBack:
            self._executor.say(f"{script.file}: rolled back; nothing was changed.")
            return ended
        for outcome in outcomes:
            self._executor.show(outcome)
        return ended

    def _resolved(self, file: str, reach: Reach, folder: Path) -> Path:
        base = self._files[-1].parent if self._files else folder.absolute()
        path = reach.path(file, base).resolve()
        if path in self._files:
            raise KeySyncError(f"{file}: the script includes itself", hint="Remove the line.")
        if len(self._files) >= MAX_DEPTH:
            raise KeySyncError(f"{file}: scripts are nested deeper than {MAX_DEPTH}", hint="Flatten them.")
        return path


def _read(path: Path, shown: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise KeySyncError(f"{shown}: not UTF-8: {error.reason}", hint="Save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the name has a NUL character"
        raise KeySyncError(f"{shown} cannot be read: {reason}", hint="Check the name of the file.") from error
