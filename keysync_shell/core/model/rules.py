"""Which normalization rules are in force. Kept apart from their working so that reading a configuration is cheap."""

from __future__ import annotations

from dataclasses import dataclass

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
