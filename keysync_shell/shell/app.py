"""The cmd2 application: every command of the catalogue, an honest status, prompt and toolbar."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import IO, Any, TextIO

import cmd2
from cmd2 import Completions, with_argparser
from cmd2.parsing import Statement
from cmd2.plugin import PostparsingData
from cmd2.utils import CustomCompletionSettings

from keysync_shell import process
from keysync_shell.commands import lines
from keysync_shell.commands.arguments import declare
from keysync_shell.commands.catalogue import COMMANDS, FAMILIES
from keysync_shell.commands.declaring import Command
from keysync_shell.commands.lines import Ended, Script
from keysync_shell.commands.session import no_input, nobody
from keysync_shell.config import path_of
from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.interpreter import Interpreter
from keysync_shell.render.view import counted
from keysync_shell.render.writing import Writer, writer_for
from keysync_shell.sandbox import Sandbox
from keysync_shell.shell import typed
from keysync_shell.shell.completion import COMPLETERS
from keysync_shell.shell.parsing import Parser, PosixStatementParser
from keysync_shell.storage import outputs

USAGE, INTERRUPTED = 2, 130
BUILT_INS = ("run_script", "_relative_run_script", "run_pyscript", "edit", "macro", "shortcuts")
WAYS_OUT = ("shell", "history", "set", "alias")  # not in restricted mode: they reach the system or can be made to
SETTABLES = (
    "allow_style",
    "editor",
    "max_column_completion_results",
    "scripts_add_to_history",
    "traceback_show_locals",
    "traceback_width",
)
QUOTED = frozenset(" \t\"'|<>#&;()$`*?[]{}!~")
SECOND_WORD = "_second_word"
INTRO = "KeySync Shell. `help -v` lists the commands, Tab completes, Ctrl-D leaves."


cmd2.set_default_argument_parser(Parser)
cmd2.Cmd.DEFAULT_CATEGORY = "Shell"  # the heading for what cmd2 brings, and for `run`, which is no command of ours


def _parser(description: str | None) -> Parser:
    """A parser whose help keeps its line ends."""
    return Parser(description=description, allow_abbrev=False, formatter_class=cmd2.RawDescriptionCmd2HelpFormatter)


def _run_arguments() -> Parser:
    parser = _parser(Script.__doc__)
    declare(Script, parser, COMPLETERS)
    parser.epilog = "examples:\n" + "\n".join(f"  {example}" for example in lines.RUN_EXAMPLES)
    return parser


class Shell(cmd2.Cmd):
    """A shell for an interpreter: at the prompt, or for those lines of a script that need one.

    `status` is the exit code of the last line.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        *,
        interactive: bool,
        color: str = "auto",
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
    ) -> None:
        restricted = interpreter.dialogue.restricted
        shortcuts = {"?": "help", "@": "run"} | ({} if restricted else {"!": "shell"})
        super().__init__(
            stdin=stdin,
            stdout=stdout,
            allow_cli_args=False,
            allow_clipboard=False,
            allow_redirection=not restricted,
            suggest_similar_command=True,
            shortcuts=shortcuts,
            enable_bottom_toolbar=True,
            intro=INTRO if interactive else "",
        )
        self.statement_parser = PosixStatementParser(terminators=[], shortcuts=shortcuts)
        self.interpreter = interpreter
        self.sandbox = interpreter.sandbox
        self.dialogue = interpreter.dialogue
        self.status = 0
        self.interactive = interactive
        self._restricted = restricted
        self._color = color
        self._toolbar = ""
        self._take_over()
        self._drop_built_ins()
        self.register_postparsing_hook(self._strict)
        if interactive:
            self._load_typed_lines()
        self.update_prompt()

    def talk(self) -> int:
        """Talk to the person at the prompt until they leave; the exit code."""
        try:
            self.sandbox.look()
        except KeySyncError as error:
            self.dialogue.fail(error)
        self.update_prompt()
        return int(self.cmdloop() or 0)

    def carry_out(self, line: str) -> Ended:
        """Carry out a command of a script. Raises KeyboardInterrupt."""
        stop = self._one_line(line, add_to_history=False, raise_keyboard_interrupt=True)
        return Ended(self.status, stop)

    def knows(self, word: str) -> bool:
        """Whether the word is a command or an alias."""
        return word in self.aliases or word in self.get_all_commands()

    # One command

    def run_command(self, command: Command, args: argparse.Namespace) -> None:
        """Run a command of the catalogue and keep its exit code as the status."""
        statement: Statement = args.cmd2_statement
        line, source = str(statement.raw).strip(), "script" if self._in_script else "shell"
        try:
            self.status = self.dialogue.run(command, args, line, source)
        except BrokenPipeError:
            self._reader_left()

    def _reader_left(self) -> None:
        """`list | head` ends quietly; when our own reader is gone, so are we."""
        if self.stdout is sys.stdout:
            raise cmd2.PassThroughException(wrapped_ex=BrokenPipeError()) from None
        raise cmd2.SkipPostcommandHooks from None

    def _writer(self) -> Writer:
        return writer_for(self._color, self.stdout, sys.stderr)

    def _ask(self, question: str) -> bool:
        if not self.interactive or self._in_script or not self.stdin.isatty():
            return nobody(question)
        with contextlib.suppress(EOFError):
            return self.read_input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        return False

    def _read_stdin(self) -> bytes:
        if self._in_script or not self.interactive:
            return no_input()
        raise KeySyncError("`-` is for pipes; at the prompt it would wait for ever", hint="Use @FILE instead.")

    @property
    def _in_script(self) -> bool:
        return self.interpreter.scripts.running

    def _take_over(self) -> None:
        """Speak for the interpreter, which may have begun without a shell."""
        self.interpreter.shell = self
        self.dialogue.writer, self.dialogue.ask, self.dialogue.read_stdin = self._writer, self._ask, self._read_stdin

    # The status of the last line: pessimistic, so that every way of failing counts

    def onecmd_plus_hooks(self, line: str, *, add_to_history: bool = True, **options: Any) -> bool:
        """Carry out what was typed: one command, or several until one fails."""
        self.status, stop = 0, False
        for command in lines.commands_in(line):
            stop = self._one_line(command, add_to_history=False, **options)
            if stop or self.status:
                break
        if add_to_history:
            self._remember(line)
        if self.interactive and not self._in_script:
            self.update_prompt()
        return stop

    def _one_line(self, line: str, **options: Any) -> bool:
        """One command; whether to leave."""
        self.status = USAGE
        try:
            return super().onecmd_plus_hooks(self._spelled_out(line), **options)
        except KeySyncError as error:
            self.status = self.dialogue.fail(error)
            return False
        except KeyboardInterrupt:
            self.status = INTERRUPTED
            raise

    def _spelled_out(self, line: str) -> str:
        """The line with its command's whole name. Raises KeySyncError if it cannot be read, or begins no command."""
        if line.startswith(tuple(shortcut for shortcut, _ in self.statement_parser.shortcuts)):
            return line
        return lines.spelled_out(line, self.knows, self.get_visible_commands())

    def onecmd(self, statement: Statement | str, **options: Any) -> bool:
        self.status, self.last_result = 0, None
        try:
            stop = super().onecmd(statement, **options)
        except cmd2.Cmd2ArgparseError as error:
            self.status = getattr(error.__cause__, "code", USAGE) or 0  # --help exits 0
            raise
        except cmd2.SkipPostcommandHooks:  # the reader of a pipe has seen enough
            raise
        except KeyboardInterrupt:
            self.status = INTERRUPTED
            raise
        except BaseException:
            self.status = self.status or 1
            raise
        self._judge_built_in(statement)
        return stop

    def _judge_built_in(self, statement: Statement | str) -> None:
        """cmd2's own commands say by `last_result` how they fared."""
        if self.status:
            return
        command = statement.command if isinstance(statement, Statement) else ""
        if command == "shell":
            self.status = int(self.last_result or 0)
        elif command in ("help", "history", "alias", "set") and self.last_result is False:
            self.status = 1

    def pexcept(self, exception: BaseException, **_options: Any) -> None:
        """The boundary for errors outside our commands."""
        self.status = self.dialogue.fail(exception)

    def _strict(self, data: PostparsingData) -> PostparsingData:
        """Refuse what cmd2 would silently pass over."""
        statement = data.statement
        if statement.redirector and self._restricted:
            raise KeySyncError(f"'{statement.redirector}' is not allowed here", hint="Quote it if it is part of a key.")
        if statement.redirector and not statement.redirect_to:
            raise KeySyncError(f"'{statement.redirector}' needs a target", hint="Quote it if it is part of a key.")
        if statement.redirector.startswith(">") and statement.command != lines.SHELL:
            outputs.refuse_inside(path_of(lines.unquoted(statement.redirect_to)), self.sandbox.home)
        return data

    def print_to(self, file: IO[str], *objects: Any, **options: Any) -> None:
        """What cmd2 itself says (help, history, alias, …) repeats words that were typed or came from files."""
        super().print_to(file, *(process.safe(one) if isinstance(one, str) else one for one in objects), **options)

    # Prompt, toolbar, history

    def update_prompt(self) -> None:
        """Show the state in prompt and toolbar; both are texts, made once after each command."""
        with contextlib.suppress(KeySyncError):
            self.prompt, self._toolbar = _prompt(self.sandbox), _toolbar(self.sandbox)

    def get_bottom_toolbar(self) -> str:
        return self._toolbar

    def _load_typed_lines(self) -> None:
        for line in typed.read(self.sandbox.home.typed):
            with contextlib.suppress(cmd2.exceptions.Cmd2ShlexError):
                self.history.append(self.statement_parser.parse(line))
                self.main_session.history.append_string(line)
        self.history.start_session()

    def _remember(self, line: str) -> None:
        """Keep a line that was typed, for `history` and for the arrow keys of the next shell."""
        with contextlib.suppress(cmd2.exceptions.Cmd2ShlexError):
            statement = self.statement_parser.parse(line)
            if not statement.command or statement.command == "_eof":
                return
            if statement.command not in self.exclude_from_history:
                self.history.append(statement)
            if self.interactive and not self._in_script and self.sandbox.begun:
                typed.append(self.sandbox.home.typed, line.strip())

    def _perform_completion(
        self,
        text: str,
        line: str,
        begidx: int,
        endidx: int,
        custom_settings: CustomCompletionSettings | None = None,
    ) -> Completions:
        """cmd2 quotes only what holds a space; a key may hold more that the parser would take apart."""
        found = super()._perform_completion(text, line, begidx, endidx, custom_settings)
        quoted = getattr(found, "_quote_char", "") or getattr(found, "_add_opening_quote", False)
        if quoted or not any(QUOTED & set(item.text) for item in found):
            return found
        quote = '"' if any("'" in item.text for item in found) else "'"
        return dataclasses.replace(found, _add_opening_quote=True, _quote_char=quote)

    # Commands of the shell itself

    @with_argparser(_run_arguments)
    def do_run(self, args: argparse.Namespace) -> bool:
        ended = self.interpreter.run(Script.from_namespace(args))
        self.status = ended.status
        return ended.stop

    do_run.__doc__ = Script.__doc__

    def do_exit(self, _: Statement) -> bool:
        """Leave the shell, as `quit` does."""
        return True

    def do_clear(self, _: Statement) -> None:
        """Clear the screen."""
        if self.stdout.isatty():
            self.stdout.write("\x1b[H\x1b[2J")

    def do__eof(self, _: str) -> bool:
        """Leave at the end of input."""
        self.stdout.write("\n")
        return True

    def _drop_built_ins(self) -> None:
        self.do_source = self.do_run
        self.do_run_script = self.do_run  # `history -e` calls it
        self.hidden_commands.append("run_script")
        leaving = (*WAYS_OUT, *(command.name for command in COMMANDS if command.leaves))
        for name in (*BUILT_INS[1:], *(leaving if self._restricted else ())):
            setattr(self, f"do_{name}", None)  # after __init__: at class level this breaks `macro` and `alias`
        for name in SETTABLES:
            if name in self.settables:
                self.remove_settable(name)


def _method(command: Command) -> Callable[[Any, Statement | str], bool | None]:
    def build() -> Parser:
        parser = _parser(command.help)
        command.declare(parser, COMPLETERS)
        return parser

    def method(self: Shell, args: argparse.Namespace) -> None:
        self.run_command(command, args)

    return _named(method, command.name, command.help, command.group, build)


def _named(
    method: Callable[[Any, argparse.Namespace], None], name: str, help: str, group: str, build: Callable[[], Parser]
) -> Callable[[Any, Statement | str], bool | None]:
    """A method as cmd2 takes it for a command: it caches parsers by module and qualified name, and takes the program's
    name from __name__."""
    method.__name__ = f"do_{name}"
    method.__qualname__ = f"Shell.do_{name}"
    method.__doc__ = help
    return cmd2.with_category(group)(with_argparser(build)(method))


def _family(name: str, commands: Sequence[Command]) -> Callable[[Any, Statement | str], bool | None]:
    """The method for commands of two words, such as `scenario run`, that begin with the same one."""
    by_second = {command.name.partition(" ")[2]: command for command in commands}
    help = f"{name.capitalize()}: {', '.join(by_second)}."

    def build() -> Parser:
        parser = _parser(help)
        actions = parser.add_subparsers(dest=SECOND_WORD, metavar="ACTION", required=True)
        for second, command in by_second.items():
            action = actions.add_parser(
                second,
                help=command.help,
                description=command.help,
                allow_abbrev=False,
                formatter_class=cmd2.RawDescriptionCmd2HelpFormatter,
            )
            command.declare(action, COMPLETERS)
        return parser

    def method(self: Shell, args: argparse.Namespace) -> None:
        self.run_command(by_second[getattr(args, SECOND_WORD)], args)

    return _named(method, name, help, commands[0].group, build)


for _command in COMMANDS:
    if " " not in _command.name:
        setattr(Shell, f"do_{_command.name}", _method(_command))
for _name, _commands in FAMILIES.items():
    setattr(Shell, f"do_{_name}", _family(_name, _commands))


def _prompt(sandbox: Sandbox) -> str:
    name = safe(sandbox.home.root.resolve().name)
    if not sandbox.begun:
        return f"keysync {name} [empty]> "
    wrong = sandbox.summary().discrepancies.total
    number = sandbox.newest.number if sandbox.newest else 0
    return f"keysync {name} [{counted(wrong, 'discrepancy', 'discrepancies') if wrong else 'in sync'} @{number}]> "


def _toolbar(sandbox: Sandbox) -> str:
    if not sandbox.begun:
        return " No sandbox here yet: `init` makes one."
    rows = "  ".join(f"{name} {sandbox.state.rows(name):,}" for name in sandbox.systems.names)
    top = sandbox.undoable()
    undo = f"undo: @{top.number} {safe(top.line or top.kind)}" if top else "nothing to undo"
    return f" {rows}  |  {undo}"
