"""How two sides differ, system by system and key by key: what `diff` shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.change import between
from keysync_shell.core.model.normalize import canonical
from keysync_shell.core.model.rules import Rules

# `sign` is + (only right), - (only left) or ~ (both, but respelled or with other rows); `became` is the spelling on
# the right where it is another one.
DIFFERENCE = {"sign": pl.String, "system": pl.String, "key": pl.String, "became": pl.String}


@dataclass(frozen=True)
class Columns:
    """The columns of a system on both sides, where they differ."""

    system: str
    left: tuple[str, ...]
    right: tuple[str, ...]


def differing_columns(left: Mapping[str, pl.DataFrame], right: Mapping[str, pl.DataFrame]) -> tuple[Columns, ...]:
    """The systems whose header is another one, or in another order, sorted as `left` is."""
    headers = ((name, tuple(left[name].columns), tuple(right[name].columns)) for name in left)
    return tuple(Columns(name, here, there) for name, here, there in headers if here != there)


def differences(
    left: Mapping[str, pl.DataFrame], right: Mapping[str, pl.DataFrame], rules: Rules, *, keys_only: bool = False
) -> pl.DataFrame:
    """How the tables of each name differ, with the columns of DIFFERENCE, sorted by name and key.

    `keys_only` looks at nothing but the keys: two systems never agree on the column `system`.
    """
    parts = [_difference(name, left[name], right[name], rules, keys_only) for name in left]
    return pl.concat([pl.DataFrame(schema=DIFFERENCE), *parts])


def _difference(name: str, left: pl.DataFrame, right: pl.DataFrame, rules: Rules, keys_only: bool) -> pl.DataFrame:
    if keys_only:
        left, right = left.select(table.KEY), right.select(table.KEY)
    change = between(left, right)
    gone, come = _numbered(change.removed, rules, "key"), _numbered(change.added, rules, "became")
    pairs = gone.join(come, on=("canonical", "turn"), how="full", coalesce=True)
    respelled = pl.col("key").is_not_null() & pl.col("became").is_not_null()
    moved = pairs.select(
        sign=pl.when(respelled)
        .then(pl.lit("~"))
        .when(pl.col("became").is_null())
        .then(pl.lit("-"))
        .otherwise(pl.lit("+")),
        system=pl.lit(name),
        key=pl.coalesce("key", "became"),
        became=pl.when(respelled).then("became"),
    )
    altered = pl.DataFrame({"key": change.altered}).select(
        sign=pl.lit("~"), system=pl.lit(name), key="key", became=pl.lit(None, dtype=pl.String)
    )
    return pl.concat([moved, altered]).sort("key", "sign")


def _numbered(keys: pl.Series, rules: Rules, name: str) -> pl.DataFrame:
    """Keys with their canonical key and their turn among those that share it; junk without one pairs with nothing."""
    rows = canonical(keys, rules).select(
        "key", canonical=pl.when(pl.col("canonical") == "").then(pl.lit("\0") + pl.col("key")).otherwise("canonical")
    )
    return rows.select(pl.col("key").alias(name), "canonical", turn=pl.int_range(pl.len()).over("canonical"))
