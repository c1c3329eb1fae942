"""Master keys: names for keys that the authority does not hold. The registry is one more table of the state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

import polars as pl

from keysync_shell.core.model import table

PROPOSED, ACTIVE, DEPRECATED = "proposed", "active", "deprecated"
STATUSES = (PROPOSED, ACTIVE, DEPRECATED)


@dataclass(frozen=True)
class MasterKey:
    """A master key for an unauthorized key, its canonical form. `status` goes from proposed to active to deprecated.

    `run` is the run that proposed it, None if a plan that was carried out did.
    """

    id: int
    master_key: str
    canonical: str
    source_system: str
    source_key: str
    status: str
    strategy: str
    created_at: str
    activated_at: str | None = None
    run: int | None = None


NUMBERS = ("id", "run")
# The registry as a key table: the key is the canonical key, of which there is one row.
SCHEMA: dict[str, type[pl.DataType]] = {
    table.KEY if item.name == "canonical" else item.name: pl.Int64 if item.name in NUMBERS else pl.String
    for item in fields(MasterKey)
}


def table_of(keys: Iterable[MasterKey]) -> pl.DataFrame:
    """A table with the columns of SCHEMA."""
    return pl.DataFrame([astuple(key) for key in keys], schema=SCHEMA, orient="row").sort(table.KEY)


def by_number(rows: pl.DataFrame) -> tuple[MasterKey, ...]:
    """The master keys of a table, by number."""
    return tuple(MasterKey(*row) for row in rows.sort("id", table.KEY).iter_rows())


def next_id(rows: pl.DataFrame) -> int:
    """The number of the next master key."""
    return int(rows["id"].max() or 0) + 1  # type: ignore[arg-type]  # the column is of numbers
