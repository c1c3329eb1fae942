"""Mock data: systems that have drifted apart as real ones do, in the shapes of KeySync Mini's generator.

Every choice comes from a stream of hashes with one number a key, so a seed means the same on every machine and
Python version.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.edits import corruption
from keysync_shell.core.edits.adding import new_rows
from keysync_shell.core.edits.corruption import Dice
from keysync_shell.core.model import table
from keysync_shell.core.model.systems import Systems

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WORDS = len(LETTERS) ** 3
ABC = 28  # the place of ABC among the words of three letters
MONTH = 30 * 24 * 60  # in minutes
TIME = "%Y-%m-%dT%H:%M:%SZ"
JUNK = "!@#$%"

# In 1,000.
HERE_AND_THERE = 20  # of the common keys: missing in one of the other systems
RESPELLED, RESPELLED_BY_AUTHORITY = 200, 10  # of the spellings
SPOILED = 10  # of the spellings: JUNK stands behind them
REPEATED = 10  # of the keys: in two rows
LEAST_SHARE, MOST_SHARE = 700, 1000  # of the keys missing in the authority: what another system holds

# Spellings that normalization takes for the same.
FORMS = (
    pl.col("key").str.to_lowercase(),
    pl.lit(" ") + pl.col("key"),
    pl.col("key") + pl.lit(" "),
    pl.lit(" ") + pl.col("key") + pl.lit(" "),
    pl.col("key").str.replace_all("-", "_", literal=True),
    pl.col("key").str.replace_all("-", "  ", literal=True),
)


@dataclass(frozen=True)
class Shares:
    """Shares of the keys: in every system, and missing in the authority. The rest is only there."""

    common: float
    missing: float


SHARES = {
    "normal": Shares(0.80, 0.10),
    "drift": Shares(0.60, 0.20),
    "failure": Shares(0.50, 0.25),
    "recovery": Shares(0.75, 0.12),
}


@dataclass(frozen=True)
class Mock:
    """What to make: `keys` canonical keys in all systems together.

    `cover` plants, besides, a key in each pattern and one of each kind of corruption.
    """

    scenario: str = "normal"
    keys: int = 1000
    seed: int = 42
    cover: bool = False

    def tables(self, systems: Systems, now: str) -> dict[str, pl.DataFrame]:
        """The rows of every system, last seen within 30 days before `now` (UTC, ISO 8601)."""
        keys = realistic(self.keys).to_frame().with_columns(holders=self._holders(systems))
        planted = list(_planted(systems, self.seed)) if self.cover else []
        return {
            # rows that share a key are equal, so this is table order
            name: pl.concat([self._rows(keys, name, systems, now), _held(planted, name, now)]).sort(table.KEY)
            for name in systems.names
        }

    def _holders(self, systems: Systems) -> pl.Series:
        """For each key the mask of the systems that hold it."""
        shares, draws, others = SHARES[self.scenario], self._draws("keys"), systems.others
        common, missing = round(shares.common * self.keys), round(shares.missing * self.keys)
        here_and_there, lacking = _digits(draws, 1000, len(others))
        columns = {"rank": draws.rank("ordinal"), "here and there": here_and_there, "lacking": lacking}
        columns |= {f"share of {name}": _digits(self._draws("missing", name), 1000)[0] for name in others}
        all_but_one = systems.all_bits - _bits(systems, {name: pl.col("lacking") == i for i, name in enumerate(others)})
        some = _bits(systems, {name: pl.col(f"share of {name}") < self._share(name) for name in others})
        holders = (
            pl.when(pl.col("rank") > common + missing)
            .then(systems.authority_bit)
            .when(pl.col("rank") > common)
            .then(pl.when(some == 0).then(systems.bit(others[0])).otherwise(some))
            .when(pl.col("here and there") < HERE_AND_THERE)
            .then(all_but_one)
            .otherwise(systems.all_bits)
        )
        return pl.DataFrame(columns).select(holders).to_series()

    def _rows(self, keys: pl.DataFrame, name: str, systems: Systems, now: str) -> pl.DataFrame:
        """What one system holds, in no order."""
        respelled = RESPELLED_BY_AUTHORITY if name == systems.authority else RESPELLED
        names = {"age": MONTH, "respelled": 1000, "form": len(FORMS), "spoiled": 1000, "repeated": 1000}
        digits = dict(zip(names, _digits(self._draws("rows", name), *names.values()), strict=True))
        spoiled = pl.when(pl.col("spoiled") < SPOILED).then(pl.col("key") + JUNK).otherwise(pl.col("key"))
        held = keys.with_columns(**digits).filter((pl.col("holders") & systems.bit(name)) != 0)
        held = held.with_columns(key=spoiled)
        vary = pl.col("respelled") < respelled
        rows = pl.concat([held.filter(~vary), held.filter(vary).with_columns(key=_other_form())]).select(
            pl.col("repeated") < REPEATED,
            "key",
            last_seen_at=(pl.lit(now).str.to_datetime(TIME) - pl.duration(minutes="age")).dt.strftime(TIME),
            system=pl.lit(name),
            status=pl.lit("active"),
        )
        return pl.concat([rows, rows.filter("repeated")]).select(table.COLUMNS)

    def _share(self, name: str) -> int:
        """How many in 1,000 of the keys that are missing in the authority a system holds."""
        return LEAST_SHARE + Dice.of(self.seed, "share", name).pick(MOST_SHARE - LEAST_SHARE + 1)

    def _draws(self, *names: str) -> pl.Series:
        """A number of 64 bits for each key."""
        text = "\x1f".join(["mock", str(self.seed), *names])
        stream = hashlib.shake_128(text.encode()).digest(8 * self.keys)
        return pl.Series("draw", struct.unpack(f"<{self.keys}Q", stream), dtype=pl.UInt64)


def realistic(count: int) -> pl.Series:
    """So many keys, all with another canonical key: customers, products, transactions and orders in turn."""
    turn = pl.int_range(count, dtype=pl.Int64)
    n = turn // 4
    word, year = (n // 999 + ABC) % WORDS, 2023 + n % 3
    letters = [pl.lit(LETTERS).str.slice(word // 26**place % 26, 1) for place in (2, 1, 0)]
    key = (
        pl.when(turn % 4 == 0)
        .then(pl.lit("CUST-") + _padded(n + 1, 5))
        .when(turn % 4 == 1)
        .then(pl.concat_str(pl.lit("PROD-"), *letters, pl.lit("-"), _padded(n % 999 + 1, 3)))
        .when(turn % 4 == 2)
        .then(pl.concat_str(pl.lit("TXN-"), year.cast(pl.String), pl.lit("-"), _padded(n // 3 + 1, 3)))
        .otherwise(pl.lit("ORD-") + _padded(n + 123456, 6))
    )
    return pl.select(key=key).to_series()


def _padded(number: pl.Expr, width: int) -> pl.Expr:
    return number.cast(pl.String).str.zfill(width)


def _digits(draws: pl.Series, *sizes: int) -> list[pl.Series]:
    """Independent numbers below each of the sizes; together they must stay far below 64 bits."""
    digits = []
    for size in sizes:
        digits.append(draws % size)
        draws = draws // size
    return digits


def _bits(systems: Systems, holding: Mapping[str, pl.Expr]) -> pl.Expr:
    """The mask of the systems whose condition is true."""
    return pl.sum_horizontal(pl.when(holds).then(systems.bit(name)).otherwise(0) for name, holds in holding.items())


def _other_form() -> pl.Expr:
    """The key in the one of FORMS that the column `form` says."""
    return pl.coalesce(pl.when(pl.col("form") == i).then(form) for i, form in enumerate(FORMS))


def _planted(systems: Systems, seed: int) -> Iterator[tuple[str, str]]:
    """Systems and keys that stand there: a key for each pattern; one of each kind of corruption in another system."""
    width = max(2, len(str(systems.all_bits)))
    for mask in range(1, systems.all_bits + 1):
        for name in systems.members(mask):
            yield name, f"COVER-{mask:0{width}}"
    for i, kind in enumerate(corruption.CORRUPTIONS):
        key, victim = f"COVER-{kind.upper()}-001", systems.others[i % len(systems.others)]
        damaged = [key, key] if kind == corruption.REPEAT else [corruption.SPELLINGS[kind](key, Dice.of(seed, kind))]
        for name in systems.names:
            for spelling in damaged if name == victim else [key]:
                yield name, spelling


def _held(planted: list[tuple[str, str]], system: str, now: str) -> pl.DataFrame:
    keys = [key for name, key in planted if name == system]
    return new_rows(pl.Series(table.KEY, keys, dtype=pl.String), system, table.COLUMNS, now)
