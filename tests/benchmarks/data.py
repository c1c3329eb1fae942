"""Exports as they come: five systems that have drifted apart, in any order, with columns of their own. Same seed, same
bytes."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from keysync_shell.core.model.systems import Systems

NAMES = Systems().names
GAPS, ODD, REPEATED, UNAUTHORIZED = 0.05, 0.03, 0.01, 0.02  # shares of the rows of each system
FORMATS = (
    ("CUST-", 8, ""),
    ("ORD-2026-", 7, "-EU"),
    ("INTERNATIONAL-SUBSIDIARY-OF-THE-GROUP-CONTRACT-", 9, "-REV-1"),
)


def drifted(folder: Path, rows: int, seed: int = 7) -> Path:
    """A folder with `systems/*.csv`, in no order. Returns the folder."""
    return _written(folder, {name: _drifted(i, rows, seed) for i, name in enumerate(NAMES)})


def in_our_form(folder: Path, rows: int) -> Path:
    """The same files as our own commands write them: sorted, nearly in step."""
    tables = {}
    for i, name in enumerate(NAMES):
        number = pl.int_range(rows, eager=True).alias("number") + i * (rows // 400)
        keys = pl.select(key=pl.format("CUST-{}", number.cast(pl.String).str.zfill(8)), number=number)
        odd = pl.when((pl.col("number") + i) % 1000 == 0).then(pl.col("key").str.to_lowercase()).otherwise("key")
        tables[name] = keys.select(key=odd, last_seen_at=pl.lit("2026-01-02T12:00:00Z"), system=pl.lit(name)).sort(
            "key"
        )
    return _written(folder, tables)


def size(folder: Path) -> int:
    """The bytes of the five files."""
    return sum(path.stat().st_size for path in (folder / "systems").iterdir())


def _drifted(i: int, rows: int, seed: int) -> pl.DataFrame:
    """The rows of system i. The authority, which is the first, lacks what is unauthorized."""
    number = pl.int_range(rows, dtype=pl.UInt64, eager=True)
    chance = (number * 5 + i).hash(seed) / 2**64
    odd = (number * 5 + i).hash(seed + 1)
    stray = rows + (number.head(int(rows * UNAUTHORIZED)) * 3 + i // 2) if i else number.clear()
    kept = pl.DataFrame({"number": number, "odd": odd}).filter(chance >= (GAPS if i else 0))
    extra = pl.DataFrame({"number": stray, "odd": stray.hash(seed + 2 + i)}, schema=kept.schema)
    told = pl.concat([kept, extra])
    told = pl.concat([told, told.sample(fraction=REPEATED, seed=seed + i)])
    keys = told.select("number", "odd", key=_key()).with_columns(key=_spelled())
    return keys.sample(fraction=1, shuffle=True, seed=seed + 10 + i).select(
        pl.format("{} Ltd", pl.col("number") % 9973).alias("name"),
        "key",
        pl.format("{}.{}", pl.col("odd") % 10_000, pl.col("odd") % 90 + 10).alias("amount"),
        pl.when(pl.col("number") % 5 == 0).then(pl.lit("to be checked, see file")).alias("note"),
    )


def _key() -> pl.Expr:
    """The canonical key of a number: one in four in each of the formats but the first, which has the rest."""
    digits = pl.col("number").cast(pl.String)
    made = [pl.concat_str(pl.lit(head), digits.str.zfill(width), pl.lit(end)) for head, width, end in FORMATS]
    place = pl.col("number") % 4
    return pl.when(place == 1).then(made[1]).when(place == 2).then(made[2]).otherwise(made[0])


def _spelled() -> pl.Expr:
    """As systems write it: ODD of the keys in one of six other ways."""
    key, way = pl.col("key"), pl.col("odd") % int(6 / ODD)
    return (
        pl.when(way == 0).then(key.str.to_lowercase())
        .when(way == 1).then(pl.concat_str(pl.lit(" "), key))
        .when(way == 2).then(key.str.replace_all("-", "_", literal=True))
        .when(way == 3).then(pl.concat_str(key, pl.lit("!")))
        .when(way == 4).then(key.str.replace("-", " - ", literal=True))
        .when(way == 5).then(key.str.replace("-", "--", literal=True))
        .otherwise(key)
    )  # fmt: skip


def _written(folder: Path, tables: dict[str, pl.DataFrame]) -> Path:
    (folder / "systems").mkdir(parents=True)
    for name, rows in tables.items():
        rows.write_csv(folder / "systems" / f"{name}.csv")
    return folder
