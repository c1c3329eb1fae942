"""The command line: one command, a script, or the shell. Only the last two import cmd2; help imports neither."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence

from keysync_shell import __version__
from keysync_shell.commands.catalogue import BY_NAME, COMMANDS, near
from keysync_shell.commands.declaring import Command
from keysync_shell.process import Parser, collector_off, guarded, safe

PROG = "keysync-shell"
UNKNOWN = 127

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
    try:
        options, words = _options(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    alone = options.text is None and options.file is None and not options.restricted
    if words and words[0] in BY_NAME and alone:
        with collector_off():
            return _one_command(BY_NAME[words[0]], words[1:], options)
    if words and words[0] not in (*BY_NAME, "run", "source"):
        return _unknown(words[0])
    from keysync_shell.shell.entry import start

    return start(options, words)


def _options(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options before the command, and the words from the command on."""
    options = argparse.Namespace(**DEFAULTS)
    if argv and argv[0] in BY_NAME:
        return options, argv  # nearly always; no parser is needed
    parser = _parser()
    parser.parse_args(argv, options)
    words = list(options.command)
    if words[:1] == ["help"] and len(words) == 2 and words[1] in BY_NAME:
        words = [words[1], "--help"]
    elif words[:1] == ["help"]:
        parser.print_help()
        raise SystemExit(0)
    return options, words


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROG,
        description="A sandbox for key reconciliation. Without a command: an interactive shell, or a script on stdin.",
        epilog=_overview(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=f"{PROG} {__version__}")
    parser.add_argument("--home", metavar="DIR", help="the sandbox folder (default: $KEYSYNC_HOME or this one)")
    parser.add_argument("-c", dest="text", metavar="LINES", help="run these lines")
    parser.add_argument("-f", dest="file", metavar="FILE", help="run the lines of a file")
    parser.add_argument("-k", "--keep-going", action="store_true", help="scripts go on after a failure")
    parser.add_argument("-x", "--echo", action="store_true", help="scripts show each line first")
    parser.add_argument("--restricted", action="store_true", help="no way to the system: no !, |, >, no editor")
    parser.add_argument(
        "--lock-timeout", type=float, metavar="SECONDS", help="how long to wait for others (default: 10)"
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), help="colors (default: auto)")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="one command with its arguments")
    return parser


def _overview() -> str:
    lines, group = [], ""
    for command in COMMANDS:
        if command.group != group:
            group = command.group
            lines.append(f"\n{group}:")
        lines.append(f"  {command.name:<14} {command.help}")
    lines += ["\nScripts:", "  run FILE       Run the commands in a file; stop at the first failure."]
    return "\n".join(lines).lstrip() + "\n\nMore on a command: keysync-shell COMMAND --help"


def _one_command(command: Command, words: list[str], options: argparse.Namespace) -> int:
    parser = Parser(prog=f"{PROG} {command.name}", description=command.help, allow_abbrev=False)
    command.declare(parser)
    try:
        args = parser.parse_args(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    from keysync_shell.config import home_folder
    from keysync_shell.dialogue import Dialogue
    from keysync_shell.errors import KeySyncError
    from keysync_shell.render.writing import writer_for
    from keysync_shell.sandbox import Sandbox

    signal.signal(signal.SIGINT, signal.default_int_handler)
    writer = writer_for(options.color, sys.stdout, sys.stderr)
    args.home, home = None, home_folder(args.home or options.home)
    try:
        sandbox = Sandbox(home, lock_timeout=options.lock_timeout if args.lock_timeout is None else args.lock_timeout)
    except KeySyncError as error:
        writer.fail(error, changes=command.changes)
        return error.code
    dialogue = Dialogue(sandbox, lambda: writer, ask=ask_at_terminal, debug=options.debug)
    return dialogue.run(command, args, shlex.join([command.name, *words]), "one-shot")


def ask_at_terminal(question: str) -> bool:
    """Put a question to the person at the terminal; refused if there is none."""
    from keysync_shell.commands.session import nobody

    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return nobody(question)
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _unknown(word: str) -> int:
    meant = near(word, (*BY_NAME, "run", "source", "help"))
    hint = f"Did you mean {meant}?" if meant else f"{PROG} --help lists the commands."
    sys.stderr.write(f"error: there is no command '{safe(word)}'\nhint: {hint}\n")
    return UNKNOWN
