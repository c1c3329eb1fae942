"""Write many keys short: `CUST-00400..CUST-00499 (100)`."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from keysync_shell.core.keys import shown
from keysync_shell.core.selectors import MOST_DIGITS

# The last number of a key, as core.selectors reads ranges.
PARTS = rf"(?s)^(?<before>.*?)(?<number>[0-9]{{1,{MOST_DIGITS}}})(?<behind>[^0-9]*)$"


def compressed(keys: Iterable[str]) -> list[str]:
    """Runs of keys whose last number counts up by one, as ranges; single keys as they are. Keys are sorted."""
    return _written(_runs(pl.Series("key", keys, dtype=pl.String)))


def shortened(keys: pl.Series, most: int) -> str:
    """The first `most` ranges in one text, and how many more there are."""
    runs = _runs(keys.alias("key"))
    more = f", … ({len(runs) - most:,} more)" if len(runs) > most else ""
    return ", ".join(_written(runs.head(most))) + more


def _runs(keys: pl.Series) -> pl.DataFrame:
    """Columns `first, last, count`, one row a run; without a loop over the keys, since there may be a million."""
    parts = keys.str.extract_groups(PARTS).struct.unnest()
    number, width = parts["number"].cast(pl.UInt64), parts["number"].str.len_bytes()
    unpadded = ~parts["number"].str.starts_with("0")
    follows = (
        (parts["before"] == parts["before"].shift())
        & (parts["behind"] == parts["behind"].shift())
        & (number == number.shift() + 1)
        & ((width == width.shift()) | ((width > width.shift()) & unpadded))
    ).fill_null(False)
    rows = pl.DataFrame({"key": keys, "run": (~follows).cum_sum()})
    return rows.group_by("run", maintain_order=True).agg(
        first=pl.col("key").first(), last=pl.col("key").last(), count=pl.len()
    )


def _written(runs: pl.DataFrame) -> list[str]:
    return [_text(first, last, count) for first, last, count in runs.select("first", "last", "count").iter_rows()]


def _text(first: str, last: str, count: int) -> str:
    if count == 1:
        return shown(first)
    return f"{shown(first)}, {shown(last)}" if count == 2 else f"{shown(first)}..{shown(last)} ({count:,})"
