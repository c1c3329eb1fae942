"""Single keys: generate them, check them, make them safe to show."""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import KeySyncError

WIDTH = re.compile(r"(?:0([1-9][0-9]?))?d?")

# Printable to Python, but nothing is seen: fillers, variation selectors and the like.
INVISIBLE = frozenset(
    chr(code)
    for codes in (
        (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        range(0x180B, 0x1810),
        range(0xFE00, 0xFE10),
        range(0xE0100, 0xE01F0),
    )
    for code in codes
)


@dataclass(frozen=True)
class Character:
    """One character of a key: as it may be shown, such as `О`, its code point `U+041E`, and what Unicode calls it."""

    shown: str
    code: str
    name: str


@dataclass(frozen=True)
class KeyFormat:
    """A pattern such as `CUST-{n:05}`: text around numbers that are padded with zeros to a width."""

    text: str
    parts: tuple[tuple[str, int | None], ...]

    @classmethod
    def parse(cls, text: str) -> KeyFormat:
        """Raises KeySyncError unless the text holds `{n}` or `{n:05}` and nothing else in braces."""
        try:
            pieces = list(string.Formatter().parse(text))
        except ValueError as error:
            raise _bad_format(text, str(error)) from None
        parts: list[tuple[str, int | None]] = []
        for literal, name, spec, conversion in pieces:
            if name is None:
                parts.append((literal, None))
                continue
            width = WIDTH.fullmatch(spec or "")
            if name != "n" or conversion or not width:
                raise _bad_format(text, f"{{{name}{':' + spec if spec else ''}}} is not a number field")
            parts.append((literal, int(width[1] or 0)))
        if all(width is None for _, width in parts):
            raise _bad_format(text, "there is no {n} in it, so all keys would be the same")
        return cls(text, tuple(parts))

    def keys(self, count: int) -> pl.Series:
        """Keys 1 to count, in key order."""
        number = pl.int_range(1, count + 1).cast(pl.String)
        pieces: list[pl.Expr] = []
        for literal, width in self.parts:
            pieces.append(pl.lit(literal))
            if width is not None:
                pieces.append(number.str.zfill(width))
        return pl.select(key=pl.concat_str(pieces)).to_series().sort()


def check_key(key: str, limits: Limits) -> str:
    """The key itself, if it may be written to a system file.

    Raises KeySyncError for an empty key and for what a CSV file in UTF-8 cannot carry.
    """
    if not key:
        raise KeySyncError("a key cannot be empty", hint="Use `corrupt empty` to plant an empty key on purpose.")
    check_value(key, limits, "key")
    return key


def check_value(text: str, limits: Limits, what: str) -> str:
    """The text itself, if a system file can carry it; `what` it is. Raises KeySyncError."""
    if "\0" in text:
        raise KeySyncError(f"{what} {shown(text)} holds a NUL character", hint="CSV files cannot carry NUL.")
    if re.search(r"\r(?!\n)", text):
        raise KeySyncError(f"{what} {shown(text)} holds a bare carriage return", hint="Use \\n or \\r\\n.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise KeySyncError(
            f"{what} {shown(text)} is not valid UTF-8", hint="Check the encoding of your terminal."
        ) from None
    if size > limits.key_bytes:  # else nobody needs the text as people see it
        limits.check("key_bytes", size, f"{what} {shown(text[:40])}… in bytes")
    return text


def writable(key: str, limits: Limits) -> bool:
    """Whether `check_key` takes the key."""
    try:
        check_key(key, limits)
    except KeySyncError:
        return False
    return True


def safe(text: str) -> str:
    """The text with every character escaped that a terminal would obey, reorder or not show."""
    if text.isascii() and text.isprintable():
        return text
    if not any(_hidden(letter) for letter in text):
        return text
    return "".join(_escaped(letter) for letter in text)


def beyond_plain_ascii(key: str) -> tuple[Character, ...]:
    """The characters that are no printable ASCII, each once: they may look like others, or like nothing."""
    odd = dict.fromkeys(letter for letter in key if not (letter.isascii() and letter.isprintable()))
    return tuple(Character(safe(letter), f"U+{ord(letter):04X}", _name(letter)) for letter in odd)


def shown(key: str) -> str:
    """A key as people see it: safe, and in quotes where its ends would not be seen."""
    text = safe(key)
    return f"'{text}'" if not key or key != key.strip() or key[0] in "'\"" else text


def _name(letter: str) -> str:
    """What Unicode calls a character; controls have no names."""
    return unicodedata.name(letter, "control character" if unicodedata.category(letter) == "Cc" else "without a name")


def _hidden(letter: str) -> bool:
    return not letter.isprintable() or letter in INVISIBLE


def _escaped(letter: str) -> str:
    if letter == "\\":
        return "\\\\"
    if not _hidden(letter):
        return letter
    if letter in "\t\n\r":
        return {"\t": "\\t", "\n": "\\n", "\r": "\\r"}[letter]
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _bad_format(text: str, why: str) -> KeySyncError:
    return KeySyncError(f"key format {safe(text)!r}: {why}", hint="Write one like 'CUST-{n:05}' or 'K{n}'.")
