"""Counts of canonical keys and findings that add up, so that after a change only what it touched is counted anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.findings import masks
from keysync_shell.core.findings.masks import Form
from keysync_shell.core.findings.spellings import ALONE, in_mixed_groups, spellings
from keysync_shell.core.model.systems import Systems

# What else is sure of a spelling that is the only one of its canonical key, and is that key.
CANONICAL = {"plain": pl.lit(True), "malformed": pl.lit(False)}


@dataclass(frozen=True)
class Totals:
    """Counts that add up over canonical keys.

    `patterns[mask]`: canonical keys held by exactly those systems. `found[kind, form][mask]`: canonical keys or
    spellings (whatever the kind is about) of which this is found in exactly those systems.
    """

    patterns: Counter[int]
    found: Mapping[tuple[str, str], Counter[int]]

    @classmethod
    def none(cls, systems: Systems) -> Totals:
        """Nothing counted yet."""
        return cls(Counter(), {(form.kind.name, form.form): Counter() for form in masks.forms(systems)})

    def moved(self, gone: Totals, come: Totals) -> Totals:
        """These totals after some canonical keys were counted anew."""

        def settle(old: Counter[int], less: Counter[int], more: Counter[int]) -> Counter[int]:
            return Counter({k: n for k in {*old, *more} if (n := old[k] - less[k] + more[k])})

        found = {name: settle(old, gone.found[name], come.found[name]) for name, old in self.found.items()}
        return Totals(settle(self.patterns, gone.patterns, come.patterns), found)


def count(rows: pl.DataFrame, systems: Systems) -> Totals:
    """Totals of whole canonical groups: every spelling of each canonical key is among the rows."""
    mixed = in_mixed_groups(rows)
    if mixed is None:
        return count_parted(rows, rows.clear(), systems)
    return count_parted(rows.filter(~mixed), spellings(rows.filter(mixed), systems), systems)


def count_parted(simple: pl.DataFrame, mixed: pl.DataFrame, systems: Systems) -> Totals:
    """The same, where `simple` are the only spellings of their canonical keys, and `mixed` as spellings gives them."""
    totals, forms = Totals.none(systems), masks.forms(systems)
    if len(simple):
        alone = simple.lazy().with_columns(**ALONE)
        _add(totals, _few(alone, forms, {"mask", "repeats"}).with_columns(**ALONE, **CANONICAL), forms, keys=True)
    if len(mixed):
        about_keys, about_spellings = masks.of_keys(forms), masks.of_spellings(forms)
        spelled = mixed.lazy()
        keys = spelled.filter(pl.col("canonical") != "").unique("canonical")
        _add(totals, _few(keys, about_keys, {"pattern", *_flags(about_keys)}), about_keys, keys=True)
        _add(totals, _few(spelled, about_spellings, _flags(about_spellings)), about_spellings, keys=False)
    return totals


def _few(rows: pl.LazyFrame, forms: Sequence[Form], flags: Iterable[str]) -> pl.LazyFrame:
    """The `number` of rows with each combination of flags and of the masks that only the texts of a row can tell."""
    return rows.group_by(*flags, *(form.systems.alias(form.name) for form in forms if form.by_text)).len("number")


def _flags(forms: Sequence[Form]) -> set[str]:
    return {name for form in forms if not form.by_text for name in form.columns}


def _add(totals: Totals, few: pl.LazyFrame, forms: Sequence[Form], *, keys: bool) -> None:
    """Add rows with a `number`: what is found of each, and the pattern of each if it is a canonical key."""
    pattern = pl.col("pattern") if keys else pl.lit(0).alias("pattern")
    columns = [pl.col(form.name) if form.by_text else form.systems.alias(form.name) for form in forms]
    for held, number, *found in few.select(pattern, "number", *columns).collect().iter_rows():
        if keys:
            totals.patterns[held] += number
        for form, mask in zip(forms, found, strict=True):
            if mask:
                totals.found[form.kind.name, form.form][mask] += number
