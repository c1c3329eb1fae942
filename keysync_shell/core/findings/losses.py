"""Keys of other alphabets under rules for ASCII: different keys may count as one, and no finding shows it."""

from __future__ import annotations

import polars as pl

from keysync_shell.core.findings.index import Index
from keysync_shell.core.model.normalize import loses_letters


def losing_letters(index: Index) -> pl.Series:
    """The spellings that lose letters or digits to normalization, in order."""
    malformed = index.rows.filter("malformed")["key"]
    return malformed.filter(loses_letters(malformed, index.rules))


def warnings(index: Index) -> tuple[str, ...]:
    """What people should know of such keys, if there are any."""
    number = len(losing_letters(index))
    if not number:
        return ()
    which = "key has" if number == 1 else "keys have"
    return (
        f"{number:,} {which} letters or digits beyond ASCII. The rules drop those, so different keys may count as one; "
        'no plan respells such a key. To keep them, set letters = "unicode" under [normalize].',
    )
