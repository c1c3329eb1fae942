"""The kinds of findings. A kind is one entry in KINDS: all numbers, lists, selectors, conditions, policies, plans,
words and reports follow from it.

Polars is only imported where an expression is made, so that help can name the kinds without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

from keysync_shell.errors import KeySyncError

if TYPE_CHECKING:
    import polars as pl

    from keysync_shell.core.model.systems import Systems

# What a plan can do about a finding (core.planning.plan says what each of them means).
Decision = Literal["propagate", "propose", "adopt", "remove", "respell", "keep-first", "canonical", "report", "ignore"]


class About(Enum):
    """What one finding is about; so it is counted and listed, and told apart from others of its kind."""

    KEY = "a canonical key"  # one finding, however many systems it names
    KEY_IN_SYSTEM = "a canonical key in one system"
    SPELLING = "a spelling in one system"


@dataclass(frozen=True)
class Spelling:
    """A spelling as the index has it: an expression for each column. Masks have a bit for each system.

    `plain`: the rules change nothing but the padding of numbers. `malformed`: they had to drop characters. `mask` and
    `repeats`: the systems that hold the spelling, and those that do so in several rows. Of its canonical key, and empty
    if there is none: `pattern`, the systems that hold it in any spelling; `respelled` and `repeated`, those that hold
    it in several spellings, or else in several rows of one.
    """

    key: pl.Expr
    canonical: pl.Expr
    plain: pl.Expr
    malformed: pl.Expr
    mask: pl.Expr
    repeats: pl.Expr
    pattern: pl.Expr
    respelled: pl.Expr
    repeated: pl.Expr
    authority: int
    everyone: int

    @classmethod
    def of(cls, systems: Systems) -> Spelling:
        """The columns of `core.findings.index.spellings`."""
        import polars as pl

        columns = {name: pl.col(name) for name in cls.__dataclass_fields__ if name not in ("authority", "everyone")}
        return cls(**columns, authority=systems.authority_bit, everyone=systems.all_bits)

    def where(self, condition: pl.Expr, mask: pl.Expr) -> pl.Expr:
        """The mask where the condition holds, no system elsewhere."""
        import polars as pl

        return pl.when(condition).then(mask).otherwise(0)


Where = Callable[[Spelling], "pl.Expr"]


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of finding.

    name       as people type it: `too-long`, also in `too-long:D` and as the option `--too-long`
    plural     the name of its numbers in `status`, in conditions and in JSON: letters and `_`
    about      what one finding is about
    found      the systems in which it is found, as a mask: an expression for a spelling, or one for each of its forms.
               A kind that is about a canonical key looks only at what all spellings of the key share
    decisions  what a policy may decide about it; the first is the default
    precedence where several kinds act on the same key, the lowest does, and a look at the result decides about the rest
    legend     what it is, in the words of a table
    meaning    what is said of each finding, as a sentence
    """

    name: str
    plural: str
    about: About
    found: Where | Mapping[str, Where]
    decisions: tuple[Decision, ...]
    precedence: int
    legend: str
    meaning: str

    @property
    def heading(self) -> str:
        """What stands over its numbers."""
        return self.plural.replace("_", " ").capitalize()

    @property
    def forms(self) -> Mapping[str, Where]:
        """The expression of each form; a kind without forms has one that is called nothing."""
        return self.found if isinstance(self.found, Mapping) else {"": self.found}


KINDS: tuple[Kind, ...] = (
    Kind(
        name="gap",
        plural="gaps",
        about=About.KEY_IN_SYSTEM,
        found=lambda one: one.where((one.pattern & one.authority) != 0, one.everyone & ~one.pattern),
        decisions=("propagate", "ignore"),
        precedence=0,
        legend="a canonical key that the authority holds and another system lacks",
        meaning="The authority holds the key, this system does not.",
    ),
    Kind(
        name="unauthorized",
        plural="unauthorized",
        about=About.KEY,
        found=lambda one: one.where((one.pattern & one.authority) == 0, one.pattern),
        decisions=("propose", "adopt", "remove", "ignore"),
        precedence=1,
        legend="a canonical key that the authority does not hold",
        meaning="These systems hold the key, the authority does not.",
    ),
    Kind(
        name="duplicate",
        plural="duplicates",
        about=About.KEY_IN_SYSTEM,
        found={"respelled": lambda one: one.respelled, "repeated": lambda one: one.repeated},
        decisions=("report", "keep-first", "canonical"),
        precedence=4,
        legend="one system holds a canonical key in several rows: repeated, or in several spellings",
        meaning="This system holds the key in several rows.",
    ),
    Kind(
        name="variant",
        plural="variants",
        about=About.SPELLING,
        # Padding alone makes no variant: a plain spelling of a key that the authority lacks is as good as any.
        found=lambda one: one.where(
            (one.pattern != 0)
            & ((one.mask & one.authority) == 0)
            & (((one.pattern & one.authority) != 0) | ~one.plain),
            one.mask,
        ),
        decisions=("report", "respell"),
        precedence=2,
        legend="a spelling that the authority does not have, of a key that it does have",
        meaning="This system spells the key as the authority does not.",
    ),
    Kind(
        name="malformed",
        plural="malformed",
        about=About.SPELLING,
        found=lambda one: one.where(one.malformed, one.mask),
        decisions=("report", "remove"),
        precedence=3,
        legend="a spelling from which normalization had to drop characters",
        meaning="The spelling holds characters that no key should have.",
    ),
)


def names() -> tuple[str, ...]:
    """The kinds by name, in the order in which they are told everywhere."""
    return tuple(kind.name for kind in KINDS)


def check_names(systems: Systems) -> None:
    """Raise KeySyncError for a system that is called like a kind: between keys, that word means its findings."""
    for name in systems.names:
        if kind := named(name.casefold()):
            raise KeySyncError(
                f"{name!r} cannot be the name of a system: that word means the keys with the finding {kind.name!r}",
                hint="Give it another name.",
            )


def named(word: str) -> Kind | None:
    """The kind of that name or plural."""
    return next((kind for kind in KINDS if word in (kind.name, kind.plural)), None)
