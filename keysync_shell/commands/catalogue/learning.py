"""Commands for the first day: the tutorial and the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from keysync_shell.commands.arguments import Argument, Arguments
from keysync_shell.commands.declaring import Later, command

if TYPE_CHECKING:
    from keysync_shell.commands import learning
else:
    learning = Later("learning")

GROUP = "Learn"

# What can be said about the current lesson; at its prompt those of SHORT do without `tutorial` before them.
SHORT = ("goal", "hint", "answer", "solution", "skip", "next")
WORDS = ("list", *SHORT, "check", "reset")


class Tutorial(Arguments):
    """Learn by doing: lessons on sandboxes of their own. Goes on where you were, or does what WORD says."""

    words: Annotated[
        tuple[str, ...],
        Argument(
            help="a lesson's number or name; list; or about the current lesson: goal, hint, answer TEXT, check "
            "(exit 1 if the goal is not reached), solution, skip, next, reset (all: the whole tutorial)",
            metavar="N|WORD",
            complete="lessons",
        ),
    ] = ()


class Demo(Arguments):
    """See in a minute what this is, on a sandbox that is removed afterwards."""

    fast: Annotated[bool, Argument("--fast", "do not wait for a key after each part")] = False


COMMANDS = (
    command("demo", GROUP, Demo, learning.demo, ("demo", "demo --fast"), leaves=True),
    command(
        "tutorial",
        GROUP,
        Tutorial,
        learning.tutorial,
        ("tutorial", "tutorial list", "tutorial 3", "tutorial answer 7", "tutorial reset all"),
        leaves=True,
    ),
)
