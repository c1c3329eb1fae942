"""What a command is. Imports the standard library only, so that help costs nothing."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from keysync_shell.commands.arguments import Argument, Arguments, declare, seconds
from keysync_shell.commands.parser import Telling

if TYPE_CHECKING:
    from keysync_shell.commands.results import CommandResult
    from keysync_shell.commands.session import Session

FORMATS = ("table", "json", "jsonl", "csv", "tsv", "markdown")
COMMON = "common options"
A = TypeVar("A", bound=Arguments)


YES = Argument("-y --yes", "go ahead without asking", hidden="-f --force")


class Common(Arguments):
    """What every command takes: where it works, and how its result is written."""

    format: Annotated[
        str | None,
        Argument(
            "--format",
            "how to write the result (default: as the name of the output says, such as .csv, else a table)",
            choices=FORMATS,
            within=COMMON,
        ),
    ] = None
    output: Annotated[
        str | None,
        Argument(
            "--output",
            "write the result to a file",
            metavar="FILE",
            complete="files",
            within=COMMON,
        ),
    ] = None
    yes: Annotated[bool, YES.saying("with --output: replace an existing file")._replace(within=COMMON)] = False
    home: Annotated[
        str | None,
        Argument(
            "--home",
            "the sandbox folder (default: $KEYSYNC_HOME or this one)",
            metavar="DIR",
            complete="folders",
            within=COMMON,
        ),
    ] = None
    lock_timeout: Annotated[
        float | None,
        Argument(
            "--lock-timeout",
            "how long to wait while another process works (default: 10)",
            metavar="SECONDS",
            read=seconds,
            within=COMMON,
        ),
    ] = None


class Changes(Arguments):
    """What a command takes that changes something."""

    dry_run: Annotated[bool, Argument("-n --dry-run", "show what would change, and change nothing")] = False
    yes: Annotated[bool, YES] = False


class Asks(Arguments):
    """What a command takes whose exit code 1 is an answer."""

    exit_zero: Annotated[bool, Argument("--exit-zero", "exit 0 whatever the answer")] = False


class Later:
    """A module of functions for commands that is imported when one of them is called."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, function: str) -> Callable[..., Any]:
        def called(*given: Any) -> Any:
            module = importlib.import_module(f"keysync_shell.commands.{self._module}")
            return getattr(module, function)(*given)

        return called


@dataclass(frozen=True)
class Command:
    """A command: its name, the class of its arguments, whose docstring is the help, and its function.

    `leaves`: it writes files of the user's choice or runs programs, so a restricted shell does without it.
    `looks`: all that it needs is what was seen last and the history, so it can do without the lock.
    """

    name: str
    group: str
    arguments: type[Arguments]
    run: Callable[[Session, Any], CommandResult]
    examples: tuple[str, ...]
    leaves: bool = False
    looks: bool = False

    @property
    def help(self) -> str:
        return self.arguments.__doc__ or ""

    @property
    def changes(self) -> bool:
        return issubclass(self.arguments, Changes)

    def declare(self, parser: argparse.ArgumentParser, completers: Mapping[str, Any] | None = None) -> None:
        """Put every argument of the command on a parser, and its examples below the help."""
        declare(self.arguments, parser, completers)
        declare(Common, parser, completers, taken=self.arguments.flags())
        if isinstance(parser, Telling):
            parser.example = self.examples[0]
        if completers is None:  # a front end with completers has formatters of its own
            parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = "examples:\n" + "\n".join(f"  {example}" for example in self.examples)


def command(
    name: str,
    group: str,
    arguments: type[A],
    run: Callable[[Session, A], CommandResult],
    examples: tuple[str, ...],
    *,
    leaves: bool = False,
    looks: bool = False,
) -> Command:
    """Declare a command. Here mypy holds the function to the class of its arguments and to the results it may give."""
    return Command(name, group, arguments, run, examples, leaves, looks)
