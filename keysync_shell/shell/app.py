"""The cmd2 application: every command of the catalogue, an honest status, prompt and toolbar."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from typing import IO, Any, TextIO, cast

import cmd2
from cmd2 import Settable, with_argparser
from cmd2.parsing import Statement
from cmd2.plugin import PostparsingData
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.shortcuts import CompleteStyle

from keysync_shell import __version__, process
from keysync_shell.commands import helping, lines
from keysync_shell.commands.catalogue import COMMANDS
from keysync_shell.commands.declaring import Command
from keysync_shell.commands.lines import Ended, Script
from keysync_shell.commands.session import no_input, nobody
from keysync_shell.config import path_of
from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.interpreter import Interpreter
from keysync_shell.render.writing import Writer, writer_for
from keysync_shell.shell import prompt, typed
from keysync_shell.shell.completion import LineCompleter, offered
from keysync_shell.shell.methods import methods, run_arguments
from keysync_shell.shell.offers import AtHand
from keysync_shell.shell.paging import Paged
from keysync_shell.shell.parsing import Parser, PosixStatementParser
from keysync_shell.storage import outputs

USAGE, INTERRUPTED = 2, 130
ON, OFF = "on", "off"
MENU_LINES = 6  # as many as leave `help` on a screen of 24
BUILT_INS = ("run_script", "_relative_run_script", "run_pyscript", "edit", "macro", "shortcuts")
SET = "set"
WAYS_OUT = ("shell", "history", SET, "alias")  # not in restricted mode: they reach the system or can be made to
SETTABLES = (
    "allow_style",
    "editor",
    "max_column_completion_results",
    "scripts_add_to_history",
    "traceback_show_locals",
    "traceback_width",
)


cmd2.set_default_argument_parser(Parser)
cmd2.Cmd.DEFAULT_CATEGORY = "Shell"  # the heading for what cmd2 brings, and for `run`, which is no command of ours


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
        self._at_hand: AtHand | None = None
        self.menu = ON if self.sandbox.config.shell.menu else OFF
        self.paging = interactive and not restricted  # a pager may run programs
        self._take_over()
        self._drop_built_ins()
        self.register_postparsing_hook(self._strict)
        self._complete_lines()
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
        self.intro = self.welcome()
        return int(self.cmdloop() or 0)

    def run_line(self, line: str) -> Ended:
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
        paged = self.paging and not self._in_script and self.stdin.isatty() and self.stdout.isatty()
        return writer_for(self._color, cast(TextIO, Paged(self.stdout)) if paged else self.stdout, sys.stderr)

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
        if not self._in_script:
            self._at_hand = None
            if self.interactive:
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
        """Refuse what cmd2 would silently pass over, or say less about."""
        statement = data.statement
        if statement.command == SET:
            self._check_setting(lines.words(statement.args))
        if statement.redirector and self._restricted:
            raise KeySyncError(f"'{statement.redirector}' is not allowed here", hint="Quote it if it is part of a key.")
        if statement.redirector and not statement.redirect_to:
            raise KeySyncError(f"'{statement.redirector}' needs a target", hint="Quote it if it is part of a key.")
        if statement.redirector.startswith(">") and statement.command != lines.SHELL:
            outputs.refuse_inside(path_of(lines.unquoted(statement.redirect_to)), self.sandbox.home)
        return data

    def _check_setting(self, words: list[str]) -> None:
        if words and not words[0].startswith("-") and words[0] not in self.settables:
            name = shlex.quote(safe(words[0]))
            raise KeySyncError(
                f"no setting is called {name}",
                hint=f"`set` lists them; a key is changed by: modify-key {name} --to NEW",
            )

    def print_to(self, file: IO[str], *objects: Any, **options: Any) -> None:
        """What cmd2 itself says (help, history, alias, …) repeats words that were typed or came from files."""
        super().print_to(file, *(process.safe(one) if isinstance(one, str) else one for one in objects), **options)

    # Prompt, toolbar, history

    def update_prompt(self) -> None:
        """Show the state in prompt and toolbar, and see what can be offered; once after each command."""
        self._at_hand = AtHand.gathered(self.sandbox, self.dialogue.reach) if self.interactive else None
        with contextlib.suppress(KeySyncError):
            self.prompt, self._toolbar = prompt.prompt(self.sandbox, self.place), prompt.toolbar(self.sandbox)

    @property
    def place(self) -> str:
        """What the prompt calls the sandbox."""
        return safe(self.sandbox.home.root.resolve().name)

    def welcome(self) -> str:
        """The first lines."""
        return prompt.intro(self.sandbox)

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

    # The menu

    @property
    def at_hand(self) -> AtHand:
        """What can be offered as of the last command."""
        if self._at_hand is None:
            self._at_hand = AtHand.gathered(self.sandbox, self.dialogue.reach)
        return self._at_hand

    def _complete_lines(self) -> None:
        """Complete by our own rules, while somebody types unless they `set menu off`."""
        self.completer = LineCompleter(lambda words, text: offered(self, self.at_hand, words, text))
        session = self.main_session
        session.completer, session.complete_style = self.completer, CompleteStyle.COLUMN
        session.complete_while_typing = Condition(lambda: self.menu == ON)
        session.reserve_space_for_menu = MENU_LINES
        self.add_settable(Settable("menu", str, "Offer what may follow while you type", self, choices=(ON, OFF)))

    def _create_key_bindings(self, completekey: str) -> KeyBindings:
        """Tab puts in what all offers have in common, then it walks through them."""
        bindings = super()._create_key_bindings(completekey)

        @bindings.add("tab")
        def _tab(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            chosen = buffer.complete_state is not None and buffer.complete_state.current_completion is not None
            if chosen or not self.completer.put_in(buffer):
                self._next_offer(buffer)

        return bindings

    def _next_offer(self, buffer: Buffer) -> None:
        if buffer.complete_state and buffer.complete_state.completions:
            buffer.complete_next()
            return
        buffer.complete_state = None  # which may be about to come
        buffer.start_completion(select_first=self.menu == ON)

    # Commands of the shell itself

    @with_argparser(run_arguments)
    def do_run(self, args: argparse.Namespace) -> bool:
        ended = self.interpreter.run(Script.from_namespace(args))
        self.status = ended.status
        return ended.stop

    do_run.__doc__ = Script.__doc__

    def do_help(self, statement: Statement) -> bool | None:  # type: ignore[override]  # cmd2 gives nothing else
        """Show where to begin; or help on a command, a topic or a word."""
        words = lines.words(statement.args)
        text = self._helped(words)
        self.last_result = True
        if text is None:
            return super().do_help(statement)
        out = self._writer().out
        out.write(f"{process.safe(text)}\n")
        out.flush()
        return None

    def _helped(self, words: list[str]) -> str | None:
        """Our own help; None for that of a command, which cmd2 gives, and for its list of all commands."""
        if not words:
            groups, _ = self._build_command_info()
            order = {command.group: None for command in COMMANDS} | dict.fromkeys(groups)
            return helping.overview((group, groups[group]) for group in order if group in groups)
        if words[0].startswith("-") or self.get_command_func(words[0]):
            return None
        return helping.about(" ".join(words))

    def do_exit(self, _: Statement) -> bool:
        """Leave the shell, as `quit` does."""
        return True

    def do_version(self, _: Statement) -> None:
        """Show the version."""
        self.poutput(f"keysync-shell {__version__}")

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


for _name, _made in methods().items():
    setattr(Shell, f"do_{_name}", _made)
