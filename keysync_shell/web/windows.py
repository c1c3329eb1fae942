"""A window of keys: which systems hold them and what is wrong with them, some hundred rows out of any number."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import polars as pl

from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model import table
from keysync_shell.core.selecting.holders import listed
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Sandbox

MOST_ROWS = 500
FILTERED = 4  # filtered lists that are kept, each with its index


@dataclass(frozen=True)
class Filter:
    """Which keys: what KEYS… select, with findings of these kinds, in these systems, of that pattern."""

    select: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    systems: str = "all"
    pattern: str | None = None


@dataclass(frozen=True)
class Place:
    """Where the window is: behind a key, around one, or at a row; from the first row if nothing is said."""

    after: str | None = None
    around: str | None = None
    offset: int = 0
    limit: int = 200


def window(still: Sandbox, wanted: Filter, place: Place) -> dict[str, Any]:
    """The rows of a window with their place, and how many there are in all. Raises KeySyncError for a bad filter."""
    keys = _keys(still.seen.index, still, wanted)
    first = _first(keys, place)
    shown = keys.slice(first, place.limit)
    last = shown[-1] if len(shown) and first + len(shown) < len(keys) else None
    return {
        "total": len(keys),
        "offset": first,
        "keys": _rows(still, shown),
        "row": _row_of(keys, place.around) if place.around is not None else None,
        "next": None if last is None else written(still.newest.number if still.newest else 0, last),
    }


def written(number: int, key: str) -> str:
    """A cursor: behind that key, as of that operation."""
    return base64.urlsafe_b64encode(json.dumps([number, key]).encode()).decode().rstrip("=")


def read(cursor: str) -> tuple[int, str]:
    """The operation and the key of a cursor. Raises KeySyncError."""
    try:
        number, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(number, int) or isinstance(number, bool) or not isinstance(key, str):
            raise ValueError("other types")
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise KeySyncError("that is no cursor", hint="Take `next` of an answer as it is.") from None
    return number, key


def _first(keys: pl.Series, place: Place) -> int:
    if place.after is not None:
        return int(keys.search_sorted(place.after, "right"))
    if place.around is not None:
        return max(0, int(keys.search_sorted(place.around, "left")) - place.limit // 2)
    return min(place.offset, len(keys))


def _row_of(keys: pl.Series, key: str) -> int | None:
    """The row of a key, None if it is not among them."""
    at = int(keys.search_sorted(key, "left"))
    return at if at < len(keys) and keys[at] == key else None


@lru_cache(FILTERED)
def _filtered(index: Any, still: Sandbox, wanted: Filter) -> pl.Series:
    """The keys that a filter leaves, in order. An index is as good as its identity: it never changes."""
    systems = still.systems
    query = KeyQuery.parse(wanted.select, still.config.limits, look_up=True) if wanted.select else None
    mask, names = systems.mask(systems.parse(wanted.systems)), systems.parse(wanted.systems)
    if wanted.pattern:
        rows = listed(index, KeyQuery(everything=True), mask, systems.mask_of_pattern(wanted.pattern))
    else:
        rows = index.rows.filter((pl.col("mask") & mask) != 0) if mask != systems.all_bits else index.rows
    keys: pl.Series = rows["key"]
    if wanted.kinds:
        told = table.distinct(findings(index, wanted.kinds, names)["keys"].explode().drop_nulls())
        every = index.rows["key"] if not wanted.pattern else keys  # a gap of D is about keys that D lacks
        keys = every.filter(every.is_in(told.implode()))
    return query.on(index).matches(keys) if query else keys


def _keys(index: Any, still: Sandbox, wanted: Filter) -> pl.Series:
    if wanted == Filter():
        keys: pl.Series = index.rows["key"]
        return keys
    return _filtered(index, still, wanted)


def _rows(still: Sandbox, keys: pl.Series) -> list[dict[str, Any]]:
    index, systems = still.seen.index, still.systems
    rows = table.rows_of(index.rows, table.distinct(keys))
    about = findings(index).filter(pl.col("canonical").is_in(rows["canonical"].implode()))
    marks: dict[str, dict[str, list[str]]] = {}
    for kind, mask, spellings in about.select("kind", "systems", "keys").iter_rows():
        for key in spellings or ():
            of_kind = marks.setdefault(key, {}).setdefault(kind, [])
            of_kind += [name for name in systems.members(mask) if name not in of_kind]
    return [
        {
            "key": key,
            "canonical": canonical,
            "systems": list(systems.members(mask)),
            "repeats": list(systems.members(repeats)),
            "findings": marks.get(key, {}),
        }
        for key, canonical, mask, repeats in rows.select("key", "canonical", "mask", "repeats").iter_rows()
    ]


def rows_of_key(still: Sandbox, key: str) -> dict[str, Any]:
    """Every row of a key, system by system, with all columns."""
    wanted = table.key_series([key])
    found = {name: table.rows_of(rows, wanted) for name, rows in still.seen.state.tables.items()}
    return {"key": key, "rows": {name: rows.to_dicts() for name, rows in found.items()}, "columns": _columns(still)}


def _columns(still: Sandbox) -> dict[str, list[str]]:
    return {name: rows.columns for name, rows in still.seen.state.tables.items()}
