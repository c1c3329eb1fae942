"""Which normalization rules are in force. Kept apart from their working so that reading a configuration is cheap."""

from __future__ import annotations

from dataclasses import dataclass, fields

from keysync_shell.errors import KeySyncError

MOST_DIGITS = 64
ASCII, UNICODE = "ascii", "unicode"


@dataclass(frozen=True)
class Rules:
    """Which normalization rules apply.

    `letters` says which letters and digits there are: those of ASCII, or those of all alphabets. `pad_numbers` is the
    width in digits, 0 for off.
    """

    trim: bool = True
    uppercase: bool = True
    collapse_delimiters: bool = True
    strip_other: bool = True
    letters: str = ASCII
    pad_numbers: int = 0

    def __post_init__(self) -> None:
        if self.letters not in (ASCII, UNICODE):
            raise KeySyncError(
                f"letters = {self.letters!r}: it takes {ASCII} or {UNICODE}", hint=f"{ASCII} is the default."
            )
        if not 0 <= self.pad_numbers <= MOST_DIGITS:
            raise KeySyncError(
                f"pad_numbers = {self.pad_numbers}: it takes 0 to {MOST_DIGITS} digits", hint="0 is off."
            )


def setting(name: str, value: str) -> bool | int | str:
    """The value of a rule as somebody writes it: on or off, digits, or a word. Raises KeySyncError."""
    rules = {item.name: item.type for item in fields(Rules)}
    if name not in rules:
        raise KeySyncError(f"there is no rule {name!r}", hint=f"The rules are {', '.join(rules)}.")
    if rules[name] == "str":
        return value.lower()
    if rules[name] == "int":
        if value.isascii() and value.isdigit():
            return int(value)
        raise KeySyncError(f"{name}={value}: it takes a number of digits", hint="0 is off.")
    if value.lower() in ("on", "true", "yes"):
        return True
    if value.lower() in ("off", "false", "no"):
        return False
    raise KeySyncError(f"{name}={value}: it takes on or off", hint="Such as uppercase=off.")
