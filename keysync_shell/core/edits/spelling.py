"""New spellings for keys: what `modify-key` offers. Each is a function from a key to a key."""

from __future__ import annotations

import re
from collections.abc import Callable

Spell = Callable[[str], str]

DELIMITERS = re.compile(r"[\s_-]+")

CASES: dict[str, Spell] = {
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "swap": str.swapcase,
}


def spaced(where: str) -> Spell:
    """A space at one end, both ends, or inside (before the first delimiter, else in the middle)."""
    return {"leading": " {}", "trailing": "{} ", "both": " {} "}[where].format if where != "inner" else _inner_space


def delimited(delimiter: str) -> Spell:
    """Every run of spaces, `_` and `-` inside the key becomes the delimiter."""

    def spell(key: str) -> str:
        inner = key.strip()
        start = key.index(inner) if inner else 0
        changed = DELIMITERS.sub(lambda _: delimiter, inner)
        return key[:start] + changed + key[start + len(inner) :]

    return spell


def padded(width: int) -> Spell:
    """Every run of digits has at least `width` digits."""
    return lambda key: re.sub(r"[0-9]+", lambda number: number[0].zfill(width), key)


def replaced(old: str, new: str) -> Spell:
    """Every `old` becomes `new`."""
    return lambda key: key.replace(old, new)


def _inner_space(key: str) -> str:
    delimiter = DELIMITERS.search(key.strip())
    at = key.index(key.strip()) + delimiter.start() if delimiter else len(key) // 2
    return f"{key[:at]} {key[at:]}"
