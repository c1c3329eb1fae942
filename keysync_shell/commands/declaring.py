"""What a command is. Imports the standard library only, so that help costs nothing."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FORMATS = ("table", "json", "jsonl", "csv", "tsv", "markdown")
COMMON = "common options"


class Arguments:
    """Declares the arguments of a command on any argparse parser.

    `complete` names what a prompt may offer for an argument (keys, systems, snapshots, files, …). `completers` maps
    these names to whatever the parser of a front end takes as `completer`; plain argparse gets none.
    """

    def __init__(self, parser: argparse.ArgumentParser, completers: dict[str, Any] | None = None) -> None:
        self._container: argparse._ActionsContainer = parser
        self._parser = parser
        self._completers = completers

    def add(self, *names: str, complete: str | None = None, **options: Any) -> None:
        """As `add_argument`."""
        if complete and self._completers is not None:
            options["completer"] = self._completers[complete]
        self._container.add_argument(*names, **options)

    def one_of(self, *, required: bool) -> Arguments:
        """Arguments of which only one may be given."""
        return self._within(self._parser.add_mutually_exclusive_group(required=required))

    def group(self, title: str) -> Arguments:
        """Arguments under a heading of their own in the help."""
        return self._within(self._parser.add_argument_group(title))

    def _within(self, container: argparse._ActionsContainer) -> Arguments:
        inner = Arguments(self._parser, self._completers)
        inner._container = container
        return inner


@dataclass(frozen=True)
class Command:
    """A command: its words, its arguments, and where its function is.

    `run` is "module:function" under keysync_shell.commands; the function takes a Session and the parsed arguments
    and returns a value that some renderer knows. `changes`: takes --dry-run and --yes. `asks`: exit 1 is an answer,
    so it takes --exit-zero. `leaves`: it writes files of the user's choice or runs programs, so a
    restricted shell does without it. `own_output`: its --output means something of its own.
    """

    name: str
    group: str
    help: str
    run: str
    examples: tuple[str, ...]
    arguments: Callable[[Arguments], None] = lambda _: None
    changes: bool = False
    asks: bool = False
    leaves: bool = False
    own_output: bool = False

    def load(self) -> Callable[..., Any]:
        """The function; imports what it needs."""
        module, _, function = self.run.partition(":")
        loaded: Callable[..., Any] = getattr(importlib.import_module(f"keysync_shell.commands.{module}"), function)
        return loaded

    def declare(self, parser: argparse.ArgumentParser, completers: dict[str, Any] | None = None) -> None:
        """Put every argument of the command on a parser, and its examples below the help."""
        arguments = Arguments(parser, completers)
        self.arguments(arguments)
        if self.changes:
            arguments.add("-n", "--dry-run", action="store_true", help="show what would change, and change nothing")
            arguments.add("-y", "--yes", action="store_true", help="do not ask before something is lost")
        if self.asks:
            arguments.add("--exit-zero", action="store_true", help="exit 0 even if something was found")
        common = arguments.group(COMMON)
        common.add("--format", choices=FORMATS, default="table", help="how to write the result (default: table)")
        if not self.own_output:
            text = "write the result to a file (not over one that is there)"
            common.add("--output", metavar="FILE", help=text, complete="files")
        where = "the sandbox folder (default: $KEYSYNC_HOME or this one)"
        common.add("--home", metavar="DIR", help=where, complete="folders")
        wait = "how long to wait while another process works (default: 10)"
        common.add("--lock-timeout", type=float, metavar="SECONDS", help=wait)
        if completers is None:  # a front end with completers has formatters of its own
            parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = "examples:\n" + "\n".join(f"  {example}" for example in self.examples)
