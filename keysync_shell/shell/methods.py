"""The commands of the catalogue as methods that cmd2 takes for commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import cmd2
from cmd2 import with_argparser
from cmd2.parsing import Statement

from keysync_shell.commands import lines
from keysync_shell.commands.arguments import declare
from keysync_shell.commands.catalogue import COMMANDS, FAMILIES
from keysync_shell.commands.declaring import Command
from keysync_shell.commands.lines import Script
from keysync_shell.shell.completion import COMPLETERS
from keysync_shell.shell.parsing import Parser

SECOND_WORD = "_second_word"
Method = Callable[[Any, Statement | str], bool | None]


class CommandShell(Protocol):
    """A shell that runs commands."""

    def run_command(self, command: Command, args: argparse.Namespace) -> None:
        """Run a command of the catalogue."""


def methods() -> dict[str, Method]:
    """A method for each first word of a command."""
    alone = {command.name: _method(command) for command in COMMANDS if " " not in command.name}
    return alone | {name: _family(name, commands) for name, commands in FAMILIES.items()}


def run_arguments() -> Parser:
    """The parser of `run`."""
    parser = _parser(Script.__doc__)
    declare(Script, parser, COMPLETERS)
    parser.epilog = "examples:\n" + "\n".join(f"  {example}" for example in lines.RUN_EXAMPLES)
    return parser


def _parser(description: str | None) -> Parser:
    """A parser whose help keeps its line ends."""
    return Parser(description=description, allow_abbrev=False, formatter_class=cmd2.RawDescriptionCmd2HelpFormatter)


def _method(command: Command) -> Method:
    def build() -> Parser:
        parser = _parser(command.help)
        command.declare(parser, COMPLETERS)
        return parser

    def method(self: CommandShell, args: argparse.Namespace) -> None:
        self.run_command(command, args)

    return _named(method, command.name, command.help, command.group, build)


def _named(
    method: Callable[[Any, argparse.Namespace], None], name: str, help: str, group: str, build: Callable[[], Parser]
) -> Method:
    """A method as cmd2 takes it for a command: it caches parsers by module and qualified name, and takes the program's
    name from __name__."""
    method.__name__ = f"do_{name}"
    method.__qualname__ = f"Shell.do_{name}"
    method.__doc__ = help
    return cmd2.with_category(group)(with_argparser(build)(method))


def _family(name: str, commands: Sequence[Command]) -> Method:
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

    def method(self: CommandShell, args: argparse.Namespace) -> None:
        self.run_command(by_second[getattr(args, SECOND_WORD)], args)

    return _named(method, name, help, commands[0].group, build)
