"""Lines without a prompt: a line's command is looked up, its arguments are parsed, and a dialogue carries it out.

For scripts, and for whatever hands over lines as a scenario does. It needs a dialogue and a parser, so it is above
both; how lines come apart and follow each other is in commands/lines.py. cmd2 is not imported: what only the shell can
do (pipes, `>`, `!`, aliases) is left to a shell, which is made when a line asks for it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from keysync_shell.commands import catalogue, lines
from keysync_shell.commands.arguments import declare
from keysync_shell.commands.declaring import Asks, Command
from keysync_shell.commands.lines import QUIT, RUN, RUN_NAMES, Ended, Script, Scripts
from keysync_shell.commands.reach import ANYWHERE, Reach
from keysync_shell.commands.session import no_input
from keysync_shell.core.model.keys import safe
from keysync_shell.dialogue import Dialogue
from keysync_shell.errors import KeySyncError
from keysync_shell.process import Parser
from keysync_shell.render.writing import Writer
from keysync_shell.sandbox import Outcome, Sandbox

if TYPE_CHECKING:
    from keysync_shell.scenarios.playing import Executed
    from keysync_shell.scenarios.staging import Execute

PUNCTUATION = frozenset("|>")
OF_A_SCENARIO = ("the scenario's folder", "Put the file beside the scenario.")
TO_A_SHELL = ("!", "?")


def executor(sandbox: Sandbox, folder: Path | None = None) -> Execute:
    """What runs lines on the sandbox of a scenario: it says yes to every question, and writes nothing elsewhere.

    `folder` is where relative paths begin; what is read lies there or on the stage. None: anywhere.
    """
    from keysync_shell.scenarios.playing import Executed

    out, err = io.StringIO(), io.StringIO()
    dialogue = Dialogue(sandbox, lambda: Writer(out, err), lambda _: True, no_input, restricted=True)
    dialogue.reach = ANYWHERE if folder is None else Reach((folder, sandbox.home.root), *OF_A_SCENARIO)
    dialogue.folder = folder or Path()
    interpreter = Interpreter(dialogue, source="scenario")

    def execute(line: str, values: Mapping[str, str] | None = None) -> Executed:
        _empty(out)
        status, asks = 0, False
        for command in lines.commands_in(line):
            _empty(err)
            filled = command if values is None else _filled(command, values)
            asks, status = _asks(filled), interpreter.run_line(filled).status
            if status:
                break
        return Executed(status, out.getvalue(), err.getvalue().strip(), asks)

    return execute


def _empty(stream: io.StringIO) -> None:
    stream.seek(0)
    stream.truncate()


def _filled(line: str, values: Mapping[str, str]) -> str:
    """The line with `$name` filled in, word by word: no value makes two words, an option of its own, or a pipe."""
    from keysync_shell.scenarios.filling import filled

    with contextlib.suppress(ValueError):  # whoever carries it out names the fault
        for start, end in reversed(lines.spans(line, PUNCTUATION)):
            word = lines.unquoted(line[start:end])
            if (value := filled(word, values)) != word:
                line = f"{line[:start]}{shlex.quote(value)}{line[end:]}"
    return line


def _asks(line: str) -> bool:
    """Whether exit 1 is an answer of the command of a line."""
    with contextlib.suppress(KeySyncError, ValueError):
        command = catalogue.named([lines.unquoted(word) for word in lines.raw_tokens(line)[:2]])
        return command is not None and issubclass(command[0].arguments, Asks)
    return False


class Beyond(Protocol):
    """A shell, for the lines that need one."""

    def run_line(self, line: str) -> Ended:
        """Carry one command out, with its pipes and aliases. Raises KeyboardInterrupt."""

    def knows(self, word: str) -> bool:
        """Whether the word is a command or an alias."""


class Interpreter:
    """Carries lines out in a dialogue, one by one or as scripts.

    `make_shell` makes the shell where there may be one; it is kept as `shell`. `source` is what the log says of lines.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        make_shell: Callable[[Interpreter], Beyond] | None = None,
        *,
        source: str = "script",
    ) -> None:
        self.dialogue = dialogue
        self.source = source
        self.scripts = Scripts(self)
        self.shell: Beyond | None = None
        self._make_shell = make_shell
        self._parsers: dict[str, Parser] = {}

    @property
    def sandbox(self) -> Sandbox:
        return self.dialogue.sandbox

    def run_line(self, line: str) -> Ended:
        """Carry one command out. KeyboardInterrupt passes through, and an OSError of our own streams."""
        return self._told(lambda: self._carried_out(line.lstrip()))

    def run_given(self, script: Script) -> Ended:
        """Run the script that whoever starts the program names; it may lie anywhere."""
        return self._told(lambda: self.run(script, ANYWHERE))

    def run(self, script: Script, reach: Reach | None = None) -> Ended:
        """Run a script, and tell what became of it if it is interrupted. Raises KeySyncError."""
        with self.dialogue.telling_of_interrupts(self.sandbox, changes=script.atomic):
            return self.scripts.run_file(script, reach or self.dialogue.reach, self.dialogue.folder)

    def say(self, line: str) -> None:
        self.dialogue.writer().say(safe(line))

    def show(self, outcome: Outcome) -> None:
        self.dialogue.show(outcome, RUN)

    def _told(self, work: Callable[[], Ended]) -> Ended:
        """How the work ended; an error is told."""
        try:
            return work()
        except (OSError, KeyboardInterrupt):
            raise
        except Exception as error:
            return Ended(self.dialogue.fail(error))

    def _carried_out(self, line: str) -> Ended:
        if line.startswith(TO_A_SHELL):
            return self._with_a_shell(line)
        if line.startswith("@"):
            line = f"{RUN} {line[1:]}"
        line = lines.spelled_out(line, self._knows, lines.NAMES)
        tokens = lines.raw_tokens(line, PUNCTUATION)
        if any(set(token) <= PUNCTUATION for token in tokens):
            return self._with_a_shell(line)
        match [lines.unquoted(token) for token in tokens]:
            case []:
                return Ended(0)
            case [name, *_] if name in QUIT:
                return Ended(0, stop=True)
            case [name, *words] if name in RUN_NAMES:
                return self._run(name, words)
            case words if command := catalogue.named(words):
                return self._command(*command, line)
        return self._with_a_shell(line)

    def _knows(self, word: str) -> bool:
        return word in lines.NAMES or (self.shell is not None and self.shell.knows(word))

    def _with_a_shell(self, line: str) -> Ended:
        if self.shell is None:
            if self._make_shell is None:
                raise KeySyncError("pipes, `>`, `!` and aliases need a shell, and this has none", hint="Remove them.")
            self.shell = self._make_shell(self)
        return self.shell.run_line(line)

    def _command(self, command: Command, words: list[str], line: str) -> Ended:
        args = self._parsed(command.name, command.help, command.declare, words)
        return args if isinstance(args, Ended) else Ended(self.dialogue.run(command, args, line, self.source))

    def _run(self, name: str, words: list[str]) -> Ended:
        args = self._parsed(name, Script.__doc__, lambda parser: declare(Script, parser, None), words)
        return args if isinstance(args, Ended) else self.run(Script.from_namespace(args))

    def _parsed(
        self, name: str, help: str | None, declare: Callable[[Parser], None], words: list[str]
    ) -> argparse.Namespace | Ended:
        """The arguments; or how the line ends, if they are wrong or ask for help."""
        if name not in self._parsers:
            self._parsers[name] = Parser(prog=name, description=help, allow_abbrev=False)
            declare(self._parsers[name])
        writer = self.dialogue.writer()
        try:
            with contextlib.redirect_stdout(writer.out), contextlib.redirect_stderr(writer.err):
                parsed: argparse.Namespace = self._parsers[name].parse_args(words)
                return parsed
        except SystemExit as stop:
            return Ended(int(stop.code or 0))
