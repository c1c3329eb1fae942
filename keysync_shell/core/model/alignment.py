"""Two key columns side by side: how often each key stands in the one and in the other.

One merge of two sorted columns; no key is looked up, so that a change of every row costs little more than one of some.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import polars as pl

KEY = "key"
COUNT = pl.UInt32


@dataclass(frozen=True, eq=False)
class Alignment:
    """The distinct `keys` of two columns, in order; `before` and `after` count the rows of each.

    `merged` holds a row for each row of both, in the order of their keys: `key`, and `side` (0 before, 1 after).
    """

    merged: pl.DataFrame
    keys: pl.Series
    before: pl.Series
    after: pl.Series

    @classmethod
    def of(cls, before: pl.Series, after: pl.Series) -> Alignment:
        """Of the key columns of two key tables."""
        one, other = (
            column.alias(KEY).to_frame().lazy().with_columns(side=pl.lit(side, dtype=COUNT))
            for side, column in enumerate((before, after))
        )
        merged = one.merge_sorted(other, KEY).collect()
        ends = (merged[KEY] != merged[KEY].shift(-1)).fill_null(True)
        places = ends.arg_true()
        rows = _steps((places + 1).cast(COUNT))
        behind = _steps(merged["side"].cum_sum().gather(places).cast(COUNT))
        return cls(merged, merged[KEY].gather(places), rows - behind, behind)

    def of_both(self, wanted: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Which rows of the table before, and of the one after, have a key that is wanted: a boolean for each key."""
        rows = wanted.gather(self._key_numbers)
        ahead = self.merged["side"] == 0
        return rows.filter(ahead), rows.filter(~ahead)

    def among(self, wanted: pl.Series, rows: pl.Series) -> pl.Series:
        """Which keys have a row that is marked: `rows` are booleans of those rows before whose key is wanted."""
        numbers = self._key_numbers.filter((self.merged["side"] == 0) & wanted.gather(self._key_numbers))
        return pl.repeat(False, len(self.keys), eager=True).scatter(numbers.filter(rows), True)

    @functools.cached_property
    def _key_numbers(self) -> pl.Series:
        """For each row of `merged` the number of its key."""
        key = self.merged[KEY]
        return (key != key.shift()).fill_null(False).cast(COUNT).cum_sum()


def _steps(running: pl.Series) -> pl.Series:
    """What a running sum went up by at each of its places."""
    return running - running.shift(fill_value=0)
