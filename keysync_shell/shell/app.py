"""The cmd2 application: every command of the catalogue, an honest status, prompt and toolbar."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Callable
from typing import IO, Any, TextIO

import cmd2
from cmd2 import Completions, with_argparser
from cmd2.parsing import Statement
from cmd2.plugin import CommandFinalizationData, PostparsingData
from cmd2.utils import CustomCompletionSettings

from keysync_shell.commands.catalogue import COMMANDS, near
from keysync_shell.commands.declaring import Command
from keysync_shell.commands.session import nobody
from keysync_shell.core.model.keys import safe
from keysync_shell.dialogue import Dialogue
from keysync_shell.errors import KeySyncError
from keysync_shell.render.view import View, counted
from keysync_shell.render.writing import Writer, writer_for
from keysync_shell.sandbox import Sandbox
from keysync_shell.shell import typed
from keysync_shell.shell.completion import COMPLETERS
from keysync_shell.shell.parsing import Parser, PosixStatementParser, safe_lines
from keysync_shell.shell.scripts import Scripts, run_arguments

USAGE, UNKNOWN, INTERRUPTED = 2, 127, 130
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
INTRO = "KeySync Shell. `help -v` lists the commands, Tab completes, Ctrl-D leaves."


cmd2.set_default_argument_parser(Parser)
cmd2.Cmd.DEFAULT_CATEGORY = "Shell"  # the heading for what cmd2 brings, and for `run`, which is no command of ours


class Shell(cmd2.Cmd):
    """The shell on one sandbox. `status` is the exit code of the last line."""

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        interactive: bool,
        restricted: bool = False,
        color: str = "auto",
        debug: bool = False,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
    ) -> None:
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
        self.sandbox = sandbox
        self.status = 0
        self.interactive = interactive
        self.scripts = Scripts(self)
        self.dialogue = Dialogue(sandbox, self._writer, self._ask, self._read_stdin, debug)
        self._restricted = restricted
        self._color = color
        self._toolbar = ""
        self._drop_built_ins()
        self.register_postparsing_hook(self._strict)
        if interactive:
            self._load_typed_lines()
            self.register_cmdfinalization_hook(self._remember)
        self.update_prompt()

    # One command

    def run_command(self, command: Command, args: argparse.Namespace) -> None:
        """Run a command of the catalogue and keep its exit code as the status."""
        if self._restricted and (getattr(args, "output", None) or getattr(args, "save", None) or args.home):
            raise KeySyncError("--output and --home are not allowed here", hint="This shell is --restricted.")
        statement: Statement = args.cmd2_statement
        line, source = str(statement.raw).strip(), "script" if self.scripts.running else "shell"
        before = self.sandbox.newest
        try:
            self.status = self.dialogue.run(command, args, line, source)
        except BrokenPipeError:
            self._reader_left()
        except KeyboardInterrupt:
            newest = self.sandbox.newest
            done = f"@{newest.number} is committed" if newest and newest != before else "nothing was changed"
            self._writer().say(f"Interrupted; {done}.")
            raise
        if self.interactive:
            self.update_prompt()

    def say(self, line: str) -> None:
        """A line for people, on stderr; what comes from files is made safe to show."""
        self._writer().say(safe(line))

    def show(self, shown: View, command: str) -> None:
        """Write a result that is no command's own."""
        self._writer().show(shown, command, "table", [])

    def _reader_left(self) -> None:
        """`list | head` ends quietly; when our own reader is gone, so are we."""
        if self.stdout is sys.stdout:
            raise cmd2.PassThroughException(wrapped_ex=BrokenPipeError()) from None
        raise cmd2.SkipPostcommandHooks from None

    def _writer(self) -> Writer:
        return writer_for(self._color, self.stdout, sys.stderr)

    def _ask(self, question: str) -> bool:
        if not self.interactive or self.scripts.running or not self.stdin.isatty():
            return nobody(question)
        with contextlib.suppress(EOFError):
            return self.read_input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        return False

    def _read_stdin(self) -> bytes:
        if self.scripts.running or not self.interactive:
            raise KeySyncError("`-` reads standard input, which the script itself may be", hint="Use @FILE instead.")
        raise KeySyncError("`-` is for pipes; at the prompt it would wait for ever", hint="Use @FILE instead.")

    # The status of the last line: pessimistic, so that every way of failing counts

    def onecmd_plus_hooks(self, line: str, **options: Any) -> bool:
        self.status = 0 if not line.strip() or line.lstrip().startswith("#") else USAGE
        try:
            return super().onecmd_plus_hooks(line, **options)
        except KeyboardInterrupt:
            self.status = INTERRUPTED
            raise

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

    def default(self, statement: Statement) -> None:
        """A command that is not there."""
        meant = near(statement.command, self.get_visible_commands())
        hint = f"Did you mean {meant}?" if meant else "`help` lists the commands."
        self.status = UNKNOWN
        self._writer().fail(KeySyncError(f"there is no command {statement.command!r}", hint=hint), changes=False)

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
        return data

    def print_to(self, file: IO[str], *objects: Any, **options: Any) -> None:
        """What cmd2 itself says (help, history, alias, …) repeats words that were typed or came from files."""
        super().print_to(file, *(safe_lines(one) if isinstance(one, str) else one for one in objects), **options)

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

    def _remember(self, data: CommandFinalizationData) -> CommandFinalizationData:
        if data.statement is not None and data.statement.raw and not self.scripts.running and self.sandbox.begun:
            typed.append(self.sandbox.home.typed, str(data.statement.raw).strip())
        return data

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

    @with_argparser(run_arguments)
    def do_run(self, args: argparse.Namespace) -> bool:
        """Run the commands in a file; stop at the first one that fails."""
        return self.scripts.run_file(args)

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
        parser = Parser(
            description=command.help, allow_abbrev=False, formatter_class=cmd2.RawDescriptionCmd2HelpFormatter
        )
        command.declare(parser, COMPLETERS)
        return parser

    def method(self: Shell, args: argparse.Namespace) -> None:
        self.run_command(command, args)

    # cmd2 caches parsers by module and qualified name, and takes the program's name from __name__
    method.__name__ = f"do_{command.name}"
    method.__qualname__ = f"Shell.do_{command.name}"
    method.__doc__ = command.help
    return cmd2.with_category(command.group)(with_argparser(build)(method))


for _command in COMMANDS:
    setattr(Shell, f"do_{_command.name}", _method(_command))


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
