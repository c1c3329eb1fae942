"""A parser that tells a mistake in two lines, what is wrong and what to do next."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from keysync_shell.commands.meanings import near
from keysync_shell.errors import KeySyncError

REQUIRED = "the following arguments are required: "
ONE_OF = re.compile(r"one of the arguments (.*) is required")
NOT_WITH = re.compile(r"not allowed with argument (.*)")
TOO_FEW = re.compile(r"expected (one|at least one|\d+) arguments?")


class Telling(argparse.ArgumentParser):
    """Raises KeySyncError where argparse would print its usage and leave. `example` is a line that is right."""

    example = ""
    _words: Sequence[str] = ()

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse's, but that it raises KeySyncError."""
        parsed, strange = self.parse_known_args(args, namespace)
        if strange:
            raise self._too_many(strange)
        return parsed

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse's, but that it raises KeySyncError."""
        self._words = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args(self._words, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise KeySyncError for what argparse says."""
        if message.startswith(REQUIRED):
            raise self._missing(message.removeprefix(REQUIRED).split(", "))
        if several := ONE_OF.fullmatch(message):
            raise self.told(f"one of {', '.join(map(_last, several[1].split()))} is missing", self._like())
        problem = sys.exception()
        if isinstance(problem, argparse.ArgumentError) and problem.argument_name:
            raise self._about(_last(problem.argument_name), problem) from None
        raise self.told(message)

    def _about(self, name: str, problem: argparse.ArgumentError) -> KeySyncError:
        """What is wrong with one argument."""
        if other := NOT_WITH.fullmatch(problem.message):
            return self.told(f"{name} and {_last(other[1])} cannot be given together", "Leave one out.")
        if TOO_FEW.fullmatch(problem.message):
            return self.without_value(name)
        if problem.message.startswith("ignored explicit argument"):
            return self.told(f"{name} takes no value")
        return self.told(f"{name}: {problem.message}", getattr(problem.__context__, "hint", ""))

    def without_value(self, name: str) -> KeySyncError:
        """What to say where an option ends the line, or another follows."""
        return self.told(f"{name} lacks a value", f"For example: {self._said_with(name)}")

    def _missing(self, names: list[str]) -> KeySyncError:
        missing, options = [_last(name) for name in names], self._options()
        behind = self._words.index("--") if "--" in self._words else None
        for word in self._words[:behind]:
            flag = word.partition("=")[0] if word.startswith("--") else word[:2]
            if len(flag) > 1 and flag.startswith("-") and flag not in options:
                return self._unknown(word, missing)
        return self.told(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing", self._like())

    def _too_many(self, words: list[str]) -> KeySyncError:
        for word in words:
            if word.startswith("-") and word not in ("-", "--"):
                return self._unknown(word)
        return self.told(
            f"{self._name} does not take {' '.join(words)!r}",
            f"Quote what belongs together; `{self.prog} --help` shows what it takes.",
        )

    def _unknown(self, word: str, missing: Sequence[str] = ()) -> KeySyncError:
        option = word.partition("=")[0]
        if guess := near(option, missing) or near(option, self._options(shown=True)):
            return self.told(f"{self._name} has no option {option}", f"Did you mean {guess}?")
        what = f"`{self.prog} --help` lists them. A key that begins with - goes after --, at the end."
        return self.told(f"{self._name} has no option {option}", what)

    @property
    def _name(self) -> str:
        """The command, without the program."""
        return self.prog.rpartition(" ")[2]

    def _options(self, *, shown: bool = False) -> list[str]:
        """The options, or those that the help shows."""
        actions = [action for action in self._actions if not shown or action.help is not argparse.SUPPRESS]
        return [option for action in actions for option in action.option_strings]

    def _said_with(self, name: str) -> str:
        """`--keys N`."""
        [action] = [one for one in self._actions if name in one.option_strings or name == one.metavar]
        words = action.metavar if isinstance(action.metavar, tuple) else (action.metavar or action.dest.upper(),)
        return " ".join((name, *words) if action.option_strings else words)

    def _like(self) -> str:
        return f"For example: {self.example}" if self.example else ""

    def told(self, message: str, hint: str = "") -> KeySyncError:
        """A mistake, with the general hint if it has none of its own."""
        return KeySyncError(message, hint=hint or f"`{self.prog} --help` shows what it takes.")


def _last(name: str) -> str:
    """`--systems` of argparse's `-s/--systems`."""
    return name.rpartition("/")[2]
