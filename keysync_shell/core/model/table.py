"""A key table: one row or more a key, every column a string, sorted by key and then by the other columns.

These functions keep that order. Lookups are binary searches; only bulk edits touch every row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

KEY = "key"
COLUMNS = ("key", "last_seen_at", "system", "status")
FEW = 64  # edits in up to this many places are spliced between slices that are not copied
MOST_LOOKED_UP = 20_000  # keys; past that a look at every row is cheaper than looking each of them up
MAX_CHUNKS = 256  # each splice adds chunks; past this many a copy is cheaper than searching through them


def empty(columns: Iterable[str] = COLUMNS) -> pl.DataFrame:
    """A table without rows."""
    return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))


def ordered(table: pl.DataFrame) -> pl.DataFrame:
    """The same rows in table order."""
    keys = table[KEY]
    if len(keys) < 2 or (keys.slice(1) > keys.slice(0, len(keys) - 1)).all():
        return table
    if keys.n_unique() == len(keys):
        return table.sort(KEY)
    return table.sort(KEY, *(name for name in table.columns if name != KEY))


def key_series(keys: Iterable[str]) -> pl.Series:
    """Distinct keys in order, as lookups want them."""
    return distinct(pl.Series(KEY, list(keys), dtype=pl.String))


def distinct(keys: pl.Series) -> pl.Series:
    """The distinct values in order, under the name `key`."""
    if len(keys) < 2:
        return keys.alias(KEY)
    if keys.is_sorted():  # nearly always, and far cheaper to find out than to sort
        return keys.filter((keys != keys.shift()).fill_null(True)).alias(KEY)
    return keys.unique().sort().alias(KEY)


def bounds(table: pl.DataFrame, keys: pl.Series) -> tuple[pl.Series, pl.Series]:
    """First row of each key and the row behind its last one (equal where the key is not there)."""
    column = table[KEY]
    if len(keys) == 0 or len(column) == 0:
        none = pl.repeat(0, len(keys), dtype=pl.UInt32, eager=True)
        return none, none
    return column.search_sorted(keys, "left"), column.search_sorted(keys, "right")


def holds(table: pl.DataFrame, keys: pl.Series) -> pl.Series:
    """For each key whether the table has it, as booleans."""
    first, behind = bounds(table, keys)
    return (first < behind).alias("holds")


@dataclass(frozen=True)
class Stretch:
    """Touched keys that stand side by side: rows `start` to `stop` of a table, replaced by rows `new_start` to
    `new_stop` of another (each `stop` is the row behind the last one)."""

    start: int
    stop: int
    new_start: int
    new_stop: int


def stretches(table: pl.DataFrame, keys: pl.Series, rows: pl.DataFrame) -> list[Stretch] | None:
    """Where the rows of `keys` (distinct and sorted) stand in the table and in `rows`, which holds only such rows.

    None if they are scattered over more than a few places.
    """
    if len(keys) > MOST_LOOKED_UP:
        return _one_stretch(table, keys, rows)
    first, behind = bounds(table, keys)
    new_first, new_behind = bounds(rows, keys)
    begins = (first != behind.shift()).fill_null(True).arg_true()
    if len(begins) > FEW:
        return None
    ends = [*(int(i) - 1 for i in begins[1:]), len(keys) - 1]
    return [Stretch(first[i], behind[j], new_first[i], new_behind[j]) for i, j in zip(begins, ends, strict=False)]


def _one_stretch(table: pl.DataFrame, keys: pl.Series, rows: pl.DataFrame) -> list[Stretch] | None:
    """As `stretches` of many keys: one place, if nothing but they stands between the first and the last of them."""
    start = int(table[KEY].search_sorted(keys[0], "left"))
    stop = int(table[KEY].search_sorted(keys[-1], "right"))
    between = distinct(table[KEY].slice(start, stop - start))
    if not (len(between) == 0 or between.equals(keys)):
        return None
    return [Stretch(start, stop, 0, len(rows))]


def rows_of(table: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
    """The rows of these keys (distinct and sorted), in table order."""
    places = stretches(table, keys, table.clear())
    if places is None:
        return table.filter(pl.col(KEY).is_in(keys.implode()))
    return _joined((table.slice(place.start, place.stop - place.start) for place in places), table)


def splice(table: pl.DataFrame, keys: pl.Series, rows: pl.DataFrame) -> pl.DataFrame:
    """The table with the rows of `keys` (distinct and sorted) replaced by `rows`, which are rows of those keys."""
    return exchanged(table, keys, rows)[1]


def exchanged(table: pl.DataFrame, keys: pl.Series, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of `keys` (distinct and sorted), and the table with `rows` in their place, which are rows of those."""
    places = stretches(table, keys, rows)
    if places is None:
        touched = table[KEY].is_in(keys.implode())
        rest = table.filter(~touched)
        merged = rest.merge_sorted(rows, KEY) if len(rest) and len(rows) else rest if len(rest) else rows
        return table.filter(touched), merged  # no key is on both sides, so that this is table order
    taken, pieces, done = [], [], 0
    for place in places:
        taken.append(table.slice(place.start, place.stop - place.start))
        pieces += [table.slice(done, place.start - done), rows.slice(place.new_start, place.new_stop - place.new_start)]
        done = place.stop
    return _joined(taken, table), _joined([*pieces, table.slice(done)], table)


def with_prefix(table: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """The rows whose key starts with `prefix`: two binary searches."""
    first, behind = prefix_bounds(table[KEY], prefix)
    return table.slice(first, behind - first)


def prefix_bounds(keys: pl.Series, prefix: str) -> tuple[int, int]:
    """Where the sorted keys with this prefix begin and end."""
    if not prefix:
        return 0, len(keys)
    first = keys.search_sorted(pl.Series([prefix]), "left")[0]
    above = _after_prefix(prefix)
    behind = keys.search_sorted(pl.Series([above]), "left")[0] if above else len(keys)
    return int(first), int(behind)


def _after_prefix(prefix: str) -> str:
    """The least string above every string with this prefix, or "" if there is none."""
    for i in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[i]) + 1
        if code == 0xD800:  # the surrogates are not characters
            code = 0xE000
        if code <= 0x10FFFF:
            return prefix[:i] + chr(code)
    return ""


def _joined(pieces: Iterable[pl.DataFrame], like: pl.DataFrame) -> pl.DataFrame:
    result = pl.concat([piece for piece in pieces if len(piece)] or [like.clear()])
    return result.rechunk() if result.n_chunks() > MAX_CHUNKS else result
