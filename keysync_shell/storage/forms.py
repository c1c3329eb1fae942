"""How a file that people bring along is to be read: what they say about it, and what has to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from keysync_shell.errors import BadFile, KeySyncError

LINES = ""  # as a delimiter: there are no fields, every line is one key
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "none": LINES}


@dataclass(frozen=True)
class Form:
    """What is None is recognized. `key_column` is a name, or a number from 1; `delimiter` one character, or LINES."""

    delimiter: str | None = None
    encoding: str | None = None
    key_column: str | None = None
    header: bool | None = None

    def joined(self, other: Form) -> Form:
        """This form with what the other says, which comes first."""
        said = {item.name: getattr(other, item.name) for item in fields(other)}
        return replace(self, **{name: value for name, value in said.items() if value is not None})


@dataclass(frozen=True)
class Choice:
    """One way to read a file that can be read in several; `when` it is the right one."""

    form: Form
    when: str = ""


class Unclear(BadFile):
    """A file that can be read in several ways. Whoever talks to people turns the choices into a hint.

    `advice` is what else they can do, and the better thing.
    """

    def __init__(self, finding: str, choices: Sequence[Choice], *, advice: str = "") -> None:
        said = "; ".join(f"{_said(choice.form)}{f' ({choice.when})' if choice.when else ''}" for choice in choices)
        super().__init__([finding], hint=f"{advice} Say how to read it: {said}".strip())
        self.choices, self.advice = tuple(choices), advice


def delimiter(text: str) -> str:
    """The delimiter that a word means: the character itself, or its name. Raises KeySyncError."""
    if text.casefold() in DELIMITERS:
        return DELIMITERS[text.casefold()]
    if text == "\\t":
        return "\t"
    if len(text) != 1 or not text.isascii() or text in '"\r\n\0':
        raise KeySyncError(
            f"{text!r} is not a delimiter",
            hint=f"It is one ASCII character, or {', '.join(DELIMITERS)}; none makes every line a key.",
        )
    return text


def delimiter_name(character: str) -> str:
    """The word for a delimiter, if it has one."""
    return next((name for name, value in DELIMITERS.items() if value == character), character)


def _said(form: Form) -> str:
    said = {item.name: getattr(form, item.name) for item in fields(form)}
    return ", ".join(f"{name} {value!r}" for name, value in said.items() if value is not None)
