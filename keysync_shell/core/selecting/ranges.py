"""Write many keys short: `CUST-00400..CUST-00499 (100)`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import polars as pl

from keysync_shell.core.model.keys import shown
from keysync_shell.core.selecting.selectors import MOST_DIGITS

# The last number of a key, as core.selecting.selectors reads ranges.
PARTS = rf"(?s)^(?<before>.*?)(?<number>[0-9]{{1,{MOST_DIGITS}}})(?<behind>[^0-9]*)$"


def shortened(keys: pl.Series, most: int) -> str:
    """Keys in one text: runs of keys whose last number counts up by one as ranges, single keys as they are.

    Of more than `most` runs the first ones, and how many more there are.
    """
    return "".join(text for _, text in grouped(pl.DataFrame({"key": keys}), [], most))


def grouped(rows: pl.DataFrame, by: Sequence[str], most: int) -> list[tuple[Any, ...]]:
    """One tuple for each group: its values of the columns `by`, the number of its rows, and their keys shortened.

    The groups come in the order of their first row, the distinct values of the column `key` in order.
    """
    if len(rows) == 0:
        return []
    numbered = rows.select(*by, "key", group=pl.struct(by).rank("dense") if by else pl.lit(0))
    heads = numbered.group_by("group", maintain_order=True).agg(*(pl.col(name).first() for name in by), rows=pl.len())
    runs = _runs(numbered.select("group", "key"))
    counts = runs.group_by("group").agg(runs=pl.len())
    texts = _texts(runs.filter(pl.int_range(pl.len()).over("group") < most))
    return [
        (*values, number, ", ".join(texts[group]) + (f", … ({count - most:,} more)" if count > most else ""))
        for group, *values, number, count in heads.join(counts, on="group", maintain_order="left").iter_rows()
    ]


def _runs(rows: pl.DataFrame) -> pl.DataFrame:
    """Columns `group, first, last, count`, one row a run; no loop over the keys, since there may be a million."""
    parts = rows["key"].str.extract_groups(PARTS).struct.unnest()
    rows = pl.concat([rows, parts], how="horizontal").with_columns(
        pl.col("before").fill_null(pl.col("key")), pl.col("number").cast(pl.UInt64), digits="number"
    )
    rows = rows.sort("group", "before", "behind", "number", "key").filter(_differs("group") | _differs("key"))
    width = pl.col("digits").str.len_bytes()
    longer = (width > width.shift()) & ~pl.col("digits").str.starts_with("0")
    follows = (pl.col("number") == pl.col("number").shift() + 1) & ((width == width.shift()) | longer)
    goes_on = follows & ~_differs("group") & ~_differs("before") & ~_differs("behind")
    return (
        rows.with_columns(run=(~goes_on.fill_null(False)).cum_sum())
        .group_by("run", maintain_order=True)
        .agg(pl.col("group").first(), first=pl.col("key").first(), last=pl.col("key").last(), count=pl.len())
    )


def _differs(column: str) -> pl.Expr:
    """From the row before; true for the first."""
    return pl.col(column).ne_missing(pl.col(column).shift())


def _texts(runs: pl.DataFrame) -> dict[int, list[str]]:
    texts: dict[int, list[str]] = defaultdict(list)
    for group, first, last, count in runs.select("group", "first", "last", "count").iter_rows():
        texts[group].append(_text(first, last, count))
    return texts


def _text(first: str, last: str, count: int) -> str:
    if count == 1:
        return shown(first)
    return f"{shown(first)}, {shown(last)}" if count == 2 else f"{shown(first)}..{shown(last)} ({count:,})"
