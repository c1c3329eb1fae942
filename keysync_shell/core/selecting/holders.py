"""Which spellings there are and which systems hold them: what `list` shows."""

from __future__ import annotations

import polars as pl

from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.masks import MASK
from keysync_shell.core.model import table
from keysync_shell.core.selecting.selectors import KeyQuery


def listed(index: Index, query: KeyQuery, mask: int, pattern: int | None) -> pl.DataFrame:
    """Columns `key, canonical, mask, pattern` of the matching spellings that one of the systems of `mask` holds.

    `pattern` keeps those whose canonical key is held by exactly these systems.
    """
    rows = index.rows.filter((pl.col("mask") & mask) != 0) if mask != index.systems.all_bits else index.rows
    if not query.everything:
        rows = table.rows_of(rows, query.on(index).matches(rows["key"]))
    family = index.rows.filter(pl.col("canonical").is_in(rows["canonical"].unique().implode()))
    patterns = index.groups(family).select("canonical", "pattern")
    found = rows.join(patterns, on="canonical", how="left", maintain_order="left").select(
        "key", "canonical", "mask", pl.col("pattern").fill_null(0).cast(MASK)
    )
    return found if pattern is None else found.filter(pl.col("pattern") == pattern)
