"""The command line: one command, a script, or the shell. Only the last two import cmd2; help imports neither."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from keysync_shell import __version__
from keysync_shell.commands.arguments import seconds
from keysync_shell.commands.catalogue import BY_NAME, COMMANDS, FIRST_WORDS, named
from keysync_shell.commands.declaring import Command
from keysync_shell.process import Parser, ask_at_terminal, collector_off, guarded
from keysync_shell.web.asked import SERVE

if TYPE_CHECKING:
    from pathlib import Path

    from keysync_shell.dialogue import Dialogue
    from keysync_shell.interpreter import Interpreter
    from keysync_shell.sandbox import Sandbox
    from keysync_shell.scenarios.running import Watcher
    from keysync_shell.scenarios.staging import Execute
    from keysync_shell.shell.app import Shell

PROG = "keysync-shell"
COMPLETIONS, MAN_PAGE = "completions", "man-page"  # those of installing, written out likewise
ABOUT = "A sandbox for key reconciliation"
INSTALL_WEB = "pip install 'keysync-shell[web]'"

DEFAULTS = {
    "home": None,
    "text": None,
    "file": None,
    "keep_going": False,
    "echo": False,
    "restricted": False,
    "lock_timeout": 10.0,
    "color": "auto",
    "debug": False,
}


def main(argv: Sequence[str] | None = None) -> int:
    """The entry point; returns the exit code."""
    return guarded(lambda: _run(list(sys.argv[1:] if argv is None else argv)))


def _run(argv: list[str]) -> int:
    options, words = _options(argv)
    if words[:1] == [SERVE]:
        return _serve(options, words[1:])
    if words[:1] in ([COMPLETIONS], [MAN_PAGE]):
        return _print_to_install(words[0], words[1:])
    if words and words[0] not in FIRST_WORDS:
        words[0] = _meant(words[0], options)
    if command := _named(words, options):
        with collector_off():
            return _one_command(*command, options)
    script = options.text is not None or options.file is not None or bool(words) or not sys.stdin.isatty()
    return _script(options, words) if script else _prompt(options)


def _options(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options before the command, and the words from the command on."""
    options = argparse.Namespace(**DEFAULTS)
    if argv and argv[0] in FIRST_WORDS:
        return options, argv  # nearly always; no parser is needed
    parser = _parser()
    parser.parse_args(argv, options)
    words = list(options.command)
    if words and (options.text is not None or options.file is not None):
        parser.error(f"{words[0]}: -c and -f take no command after them")
    if words[:1] == ["help"]:
        words = _helped(parser, words[1:])
    elif words == ["version"]:
        parser.parse_args(["--version"])
    return options, words


def _helped(parser: argparse.ArgumentParser, words: list[str]) -> list[str]:
    """The words that show the help of a command. Raises SystemExit when it has shown that on anything else."""
    from keysync_shell.commands import helping

    name = " ".join(words)
    if name in (*BY_NAME, SERVE, COMPLETIONS, MAN_PAGE):
        return [*words, "--help"]
    if not words:
        parser.print_help()
    elif text := helping.about(name):
        print(text)
    else:
        parser.error(f"there is no help on {name!r}; `help topics` lists what there is")
    raise SystemExit(0)


def _parser() -> argparse.ArgumentParser:
    """The parser of the program: its options, and a command as it stands."""
    parser = bare_parser()
    parser.epilog = _overview()
    parser.add_argument("command", nargs=argparse.REMAINDER, help="one command with its arguments")
    return parser


def bare_parser() -> argparse.ArgumentParser:
    """The options of the program."""
    parser = Parser(
        prog=PROG,
        description=f"{ABOUT}. Without a command: an interactive shell, or a\nscript on stdin.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=f"{PROG} {__version__}")
    parser.add_argument("--home", metavar="DIR", help="the sandbox folder (default: $KEYSYNC_HOME or this one)")
    parser.add_argument("-c", dest="text", metavar="LINES", help="run these lines")
    parser.add_argument("-f", dest="file", metavar="FILE", help="run the lines of a file")
    parser.add_argument("-k", "--keep-going", action="store_true", help="scripts continue after a failure")
    parser.add_argument("-x", "--echo", action="store_true", help="scripts show each line first")
    parser.add_argument("--restricted", action="store_true", help="no access to the system: no !, |, >, no editor")
    parser.add_argument(
        "--lock-timeout", type=seconds, metavar="SECONDS", help="how long to wait for others (default: 10)"
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), help="colors (default: auto)")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    return parser


def _overview() -> str:
    from keysync_shell.commands.helping import hanging

    lines, group = [], ""
    for command in COMMANDS:
        if command.group != group:
            group = command.group
            lines.append(f"\n{group}:")
        lines.append(hanging(f"  {command.name}", command.help, 19))
    lines += ["\nServe:", hanging("  serve", "Serve a page and a REST API on the sandbox, to this machine only.", 19)]
    lines += ["\nScripts:", hanging("  run FILE", "Run the commands in a file; stop at the first failure.", 19)]
    lines += ["\nInstall beside it:"]
    lines += [hanging("  completions SHELL", "Print completions for bash, zsh or fish.", 21)]
    lines += [hanging("  man-page", "Print the man page.", 21)]
    lines += ["\nMore: keysync-shell COMMAND --help, keysync-shell help topics"]
    return "\n".join(lines).lstrip()


def _named(words: list[str], options: argparse.Namespace) -> tuple[Command, list[str]] | None:
    """The command of the words. Raises SystemExit, with the reason told, if only half of its name is one."""
    from keysync_shell.errors import KeySyncError

    try:
        return named(words)
    except KeySyncError as error:
        from keysync_shell.render.writing import writer_for

        writer_for(options.color, sys.stdout, sys.stderr).fail(error, changes=False)
        raise SystemExit(error.code) from None


def _meant(word: str, options: argparse.Namespace) -> str:
    """The command that a word begins. Raises SystemExit, with the reason told, if it is none."""
    from keysync_shell.commands import lines
    from keysync_shell.errors import KeySyncError
    from keysync_shell.render.writing import writer_for

    try:
        return lines.meant(word, (*FIRST_WORDS, *lines.RUN_NAMES))
    except KeySyncError as error:
        writer_for(options.color, sys.stdout, sys.stderr).fail(error, changes=False)
        raise SystemExit(error.code) from None


def _one_command(command: Command, words: list[str], options: argparse.Namespace) -> int:
    parser = Parser(prog=f"{PROG} {command.name}", description=command.help, allow_abbrev=False)
    command.declare(parser)
    args = parser.parse_args(words)
    if not options.restricted:  # that refuses a --home after the command
        options.home, args.home = options.home if args.home is None else args.home, None
    if args.lock_timeout is not None:
        options.lock_timeout = args.lock_timeout
    dialogue = _dialogue(options, ask_at_terminal, changes=command.changes, reads=True)
    dialogue.watcher = lambda: _watcher(dialogue, options.color)
    return dialogue.run(command, args, shlex.join([command.name, *words]), "one-shot")


def _script(options: argparse.Namespace, words: list[str]) -> int:
    from keysync_shell.commands.lines import Script
    from keysync_shell.commands.session import no_input, nobody
    from keysync_shell.interpreter import Interpreter

    dialogue = _dialogue(options, nobody)
    dialogue.read_stdin = no_input
    interpreter = Interpreter(dialogue, lambda interpreter: _shell_behind(interpreter, options.color))
    if options.file is not None:
        script = Script(file=options.file, keep_going=options.keep_going, echo=options.echo)
        return interpreter.run_given(script).status
    lines, name = _lines(options, words)
    return interpreter.scripts.run_lines(lines, name, keep_going=options.keep_going, echo=options.echo).status


def _print_to_install(word: str, words: list[str]) -> int:
    """Print the completions for a shell, or the man page."""
    from keysync_shell import installing
    from keysync_shell.commands.arguments import declare

    arguments = installing.WORDS[word]
    asker = Parser(prog=f"{PROG} {word}", description=arguments.__doc__, allow_abbrev=False)
    declare(arguments, asker, None)
    args, program = asker.parse_args(words), bare_parser()
    text = installing.completions(program, args.shell) if word == COMPLETIONS else installing.man_page(program, ABOUT)
    sys.stdout.write(text)
    return 0


def _serve(options: argparse.Namespace, words: list[str]) -> int:
    """Serve the page and the API. Raises KeySyncError, also where the libraries for it are not installed."""
    from keysync_shell.commands.arguments import declare
    from keysync_shell.errors import KeySyncError
    from keysync_shell.web.asked import EXAMPLES, Serve

    parser = Parser(prog=f"{PROG} {SERVE}", description=Serve.__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "examples:\n" + "\n".join(f"  {PROG} {example}" for example in EXAMPLES)
    declare(Serve, parser, None)
    args = Serve.from_namespace(parser.parse_args(words))
    try:
        from keysync_shell.web import serving
    except ModuleNotFoundError as error:
        hint = f"Install it: {INSTALL_WEB}"
        raise KeySyncError(f"the page needs {error.name}, which is not installed", hint=hint) from None
    from keysync_shell.config import home_folder
    from keysync_shell.render.writing import writer_for
    from keysync_shell.sandbox import Sandbox

    home, writer = home_folder(args.home or options.home), writer_for(options.color, sys.stdout, sys.stderr)
    return serving.serve(
        args, lambda progress: Sandbox(home, lock_timeout=options.lock_timeout, progress=progress), writer
    )


def _prompt(options: argparse.Namespace) -> int:
    from keysync_shell.commands.session import nobody
    from keysync_shell.interpreter import Interpreter
    from keysync_shell.shell.app import Shell

    dialogue = _dialogue(options, nobody)
    interpreter = Interpreter(dialogue)
    dialogue.watcher = lambda: None if interpreter.scripts.running else _watcher(dialogue, options.color)
    return Shell(interpreter, interactive=True, color=options.color).talk()


def _shell_behind(interpreter: Interpreter, color: str) -> Shell:
    """The shell for lines of a script that need one."""
    from keysync_shell.shell.app import Shell

    shell = Shell(interpreter, interactive=False, color=color)
    signal.signal(signal.SIGINT, shell.sigint_handler)  # it passes Ctrl-C on to the programs that it runs
    return shell


def _dialogue(
    options: argparse.Namespace, ask: Callable[[str], bool], *, changes: bool = False, reads: bool = False
) -> Dialogue:
    """A dialogue on the sandbox; `reads` if its command may take standard input.

    Raises SystemExit, with the reason told, if it cannot be opened.
    """
    from keysync_shell.config import home_folder
    from keysync_shell.dialogue import Dialogue
    from keysync_shell.errors import KeySyncError
    from keysync_shell.front import Terminal
    from keysync_shell.render.ticker import ticker_for
    from keysync_shell.render.writing import writer_for
    from keysync_shell.sandbox import Sandbox

    signal.signal(signal.SIGINT, signal.default_int_handler)
    writer = writer_for(options.color, sys.stdout, sys.stderr)
    try:
        home, progress = home_folder(options.home), ticker_for(sys.stderr)
        sandbox = Sandbox(home, lock_timeout=options.lock_timeout, progress=progress)
    except KeySyncError as error:
        writer.fail(error, changes=changes)
        raise SystemExit(error.code) from None
    dialogue = Dialogue(sandbox, lambda: writer, ask, debug=options.debug, restricted=options.restricted)
    dialogue.front = Terminal(dialogue, options.color, reads)
    dialogue.execute_on = _executor
    return dialogue


def _executor(stage: Sandbox, folder: Path | None) -> Execute:
    from keysync_shell.interpreter import executor

    return executor(stage, folder)


def _watcher(dialogue: Dialogue, color: str) -> Watcher | None:
    """Whoever is at the terminal, for the runs of scenarios."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    from keysync_shell.shell.pausing import AtTerminal

    return AtTerminal(color=color, restricted=dialogue.restricted)


def _lines(options: argparse.Namespace, words: list[str]) -> tuple[Iterable[str], str]:
    """The lines of a script, and what they are called."""
    if options.text is not None:
        return options.text.split("\n"), "-c"
    if words:
        return [shlex.join(words)], "command line"
    return sys.stdin, "<stdin>"
