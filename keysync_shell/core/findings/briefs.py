"""What is said of a key in few words, as in a menu: the systems that hold it, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from keysync_shell.core.findings import masks
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.spellings import ODD, spellings
from keysync_shell.core.model import table
from keysync_shell.core.model.systems import Systems


@dataclass(frozen=True)
class Brief:
    """A spelling, the pattern of the systems that hold it, and its kinds of findings with their systems."""

    key: str
    pattern: str
    wrong: tuple[tuple[str, tuple[str, ...]], ...]


def odd(index: Index) -> pl.DataFrame:
    """The rows of the spellings that are not their canonical key: for `briefs`, which would look for them each time."""
    return index.rows.filter(ODD)


def briefs(index: Index, keys: pl.Series, odd: pl.DataFrame) -> list[Brief]:
    """A brief for each of a few sorted keys of the index. `odd` as of this index, so that no key looks at all rows."""
    rows = _whole_groups(index, keys, odd)
    forms = masks.forms(index.systems)
    described = spellings(rows, index.systems).filter(pl.col("key").is_in(keys.implode())).sort("key")
    told = described.select("key", "mask", *(form.systems.alias(form.name) for form in forms))
    names = [form.kind.name for form in forms]
    return [
        _brief(key, mask, dict.fromkeys(names, 0), list(zip(names, wrong, strict=True)), index.systems)
        for key, mask, *wrong in told.iter_rows()
    ]


def _whole_groups(index: Index, keys: pl.Series, odd: pl.DataFrame) -> pl.DataFrame:
    """The keys with every other spelling of their canonical keys: each is odd, or the canonical key itself."""
    rows = table.rows_of(index.rows, keys)
    groups = table.distinct(rows["canonical"])
    others = odd.filter(pl.col("canonical").is_in(groups.implode()))
    return pl.concat([rows, table.rows_of(index.rows, groups), others]).unique("key")


def _brief(key: str, mask: int, by_kind: dict[str, int], wrong: list[tuple[str, int]], systems: Systems) -> Brief:
    for name, bits in wrong:
        by_kind[name] |= bits
    told = tuple((name, tuple(systems.members(bits))) for name, bits in by_kind.items() if bits)
    return Brief(key, systems.pattern(mask), told)
