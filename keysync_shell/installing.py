"""What goes beside the program when it is installed: completions for shells, and a man page.

Both are made from the parsers of the program itself, so they cannot tell anything else than `--help`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Annotated

from keysync_shell import RELEASED, __version__
from keysync_shell.commands.arguments import Argument, Arguments, declare
from keysync_shell.commands.catalogue import COMMANDS, FAMILIES
from keysync_shell.commands.declaring import Command, Common
from keysync_shell.commands.lines import RUN, Script
from keysync_shell.web.asked import SERVE, Serve

COMPLETIONS, MAN_PAGE = "completions", "man-page"
SHELLS = ("bash", "zsh", "fish")
TITLE = "KeySync Shell"


class Completions(Arguments):
    """Print what completes this program's commands and options in a shell."""

    shell: Annotated[str, Argument(help="for which shell: bash, zsh or fish", metavar="SHELL", choices=SHELLS)]


class ManPage(Arguments):
    """Print the man page."""


Words = type[Completions] | type[ManPage]
WORDS: dict[str, Words] = {COMPLETIONS: Completions, MAN_PAGE: ManPage}


def completions(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for a shell; `parser` has the options of the program, and gets its commands."""
    import shtab

    kinds = {"files": shtab.FILE, "folders": shtab.DIRECTORY}
    return str(shtab.complete(whole(parser, kinds), shell))


def man_page(parser: argparse.ArgumentParser, description: str) -> str:
    """The man page, in roff; `parser` has the options of the program, and gets its commands."""
    from argparse_manpage.manpage import Manpage

    data = {"date": RELEASED, "project_name": TITLE, "version": __version__, "manual_title": TITLE}
    return str(Manpage(whole(parser, {}), {**data, "description": description}))


def whole(parser: argparse.ArgumentParser, kinds: Mapping[str, object]) -> argparse.ArgumentParser:
    """The parser with every command. `kinds` is what completes files and folders."""
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for command in COMMANDS:
        if " " not in command.name:
            _declare(commands, command.name, command, kinds)
    for name, family in FAMILIES.items():
        help = f"{', '.join(command.name.partition(' ')[2] for command in family)}: see each."
        actions = commands.add_parser(name, help=help).add_subparsers(metavar="ACTION")
        for command in family:
            _declare(actions, command.name.partition(" ")[2], command, kinds)
    for name, arguments in {RUN: Script, SERVE: Serve, **WORDS}.items():
        _add(commands, name, arguments, lambda made, arguments=arguments: declare(arguments, made, None), kinds)  # type: ignore[misc]
    return parser


def _declare(
    to: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: Command, kinds: Mapping[str, object]
) -> None:
    _add(to, name, command.arguments, command.declare, kinds)


def _add(
    to: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    arguments: type[Arguments],
    declare_on: Callable[[argparse.ArgumentParser], None],
    kinds: Mapping[str, object],
) -> None:
    help = (arguments.__doc__ or "").replace("%", "%%")
    made = to.add_parser(name, help=help, description=help, allow_abbrev=False)
    declare_on(made)
    wanted = {one.name: one.argument.complete for one in (*arguments.parameters(), *Common.parameters())}
    for action in made._actions:
        if (kind := kinds.get(wanted.get(action.dest) or "")) is not None:
            action.complete = kind  # type: ignore[attr-defined]  # where shtab looks
