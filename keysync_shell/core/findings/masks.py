"""In which systems each kind is found, as expressions over the columns of `index.spellings`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce

import polars as pl

from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.kinds import About, Kind, Spelling
from keysync_shell.core.model.systems import Systems

MASK = pl.UInt32
TEXTS = {"key", "canonical"}  # nearly every row has a value of its own


@dataclass(frozen=True, eq=False)
class Form:
    """A form of a kind; `systems` is the mask of those in which it is found, `columns` what that looks at."""

    kind: Kind
    form: str
    systems: pl.Expr
    columns: frozenset[str]

    @property
    def name(self) -> str:
        """A name for the column of the mask."""
        return f"{self.kind.name} {self.form}"

    @property
    def by_text(self) -> bool:
        """Whether each row has to be looked at, and not only each combination of flags."""
        return not TEXTS.isdisjoint(self.columns)


def forms(systems: Systems) -> tuple[Form, ...]:
    """Every form of every kind, in the order of KINDS."""
    return _made(kinds.KINDS, systems)


def found(kind: Kind, systems: Systems) -> pl.Expr:
    """The mask of the systems in which the kind is found, in any form."""
    return reduce(operator.or_, [form.systems for form in forms(systems) if form.kind is kind])


def of_keys(some: Sequence[Form]) -> list[Form]:
    """Those that are found once for all spellings of a canonical key."""
    return [form for form in some if form.kind.about is not About.SPELLING]


def of_spellings(some: Sequence[Form]) -> list[Form]:
    return [form for form in some if form.kind.about is About.SPELLING]


@lru_cache(maxsize=16)
def _made(table: tuple[Kind, ...], systems: Systems) -> tuple[Form, ...]:
    """Making expressions takes longer than counting a few rows with them."""
    spelling = Spelling.of(systems)
    return tuple(
        Form(kind, form, mask, frozenset(mask.meta.root_names()))
        for kind in table
        for form, where in kind.forms.items()
        for mask in [where(spelling).cast(MASK)]
    )
