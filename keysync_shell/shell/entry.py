"""Start the shell: a prompt at a terminal, else a script from -c, -f, `run` or standard input."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Iterable

from keysync_shell.config import home_folder
from keysync_shell.errors import KeySyncError
from keysync_shell.render.writing import writer_for
from keysync_shell.sandbox import Sandbox
from keysync_shell.shell.app import Shell
from keysync_shell.shell.parsing import commands_in


def start(options: argparse.Namespace, words: list[str]) -> int:
    """Run until the end of input; the exit code."""
    writer = writer_for(options.color, sys.stdout, sys.stderr)
    try:
        sandbox = Sandbox(home_folder(options.home), lock_timeout=options.lock_timeout)
    except KeySyncError as error:
        writer.fail(error, changes=False)
        return error.code
    script = options.text is not None or options.file is not None or bool(words) or not sys.stdin.isatty()
    shell = Shell(
        sandbox, interactive=not script, restricted=options.restricted, color=options.color, debug=options.debug
    )
    if not script:
        return _prompt(shell)
    signal.signal(signal.SIGINT, shell.sigint_handler)  # cmdloop would have done this
    lines, name = _lines(options, words)
    status, _ = shell.scripts.run_lines(lines, name, keep_going=options.keep_going, echo=options.echo)
    return status


def _prompt(shell: Shell) -> int:
    try:
        shell.sandbox.look()
    except KeySyncError as error:
        shell.dialogue.fail(error)
    shell.update_prompt()
    return int(shell.cmdloop() or 0)


def _lines(options: argparse.Namespace, words: list[str]) -> tuple[Iterable[str], str]:
    if options.text is not None:
        return commands_in(options.text), "-c"
    if options.file is not None:
        flags = [flag for flag, on in (("--keep-going", options.keep_going), ("--echo", options.echo)) if on]
        return [shlex.join(["run", options.file, *flags])], "-f"
    if words:
        return [shlex.join(words)], "command line"
    return sys.stdin, "<stdin>"
