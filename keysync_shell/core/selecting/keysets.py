"""Key sets: words that mean keys by what is known about them, and the algebra of such words.

    gap:D  unauthorized:B  duplicate:C      every spelling of the canonical keys of which this is found there
    variant:E  malformed:E                  the spellings themselves; without a system, any of these means anywhere
    pattern:AB..E                           every spelling of the canonical keys that exactly these systems hold
    @last                                   the keys of the previous result
    A - D   A & B   (B | C) - A             differences, intersections and unions, with a space on either side

Between operators the name of a system stands for every spelling of the canonical keys that it holds, so that
`A - D` is `gap:D` where A is the authority; any other word means there what it means alone. `&` binds first, then `-`
and `|` from left to right. A spelling of which normalization leaves nothing belongs to no system here; `malformed`
finds it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from keysync_shell.core.findings import kinds, masks
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.kinds import Kind
from keysync_shell.core.findings.spellings import described
from keysync_shell.core.model import table
from keysync_shell.core.model.keys import safe, shown
from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import KeySyncError

OPERATOR = re.compile(" +([-|&]) +")  # of spaces alone: a no-break space is data
MOST_SIGNS = 100  # operators and parentheses in one word, so that no recursion gets deep
PATTERN, LAST = "pattern", "@last"


class Words(Protocol):
    """What a word means that is no key set."""

    @property
    def literals(self) -> tuple[str, ...]: ...

    def matches(self, keys: pl.Series) -> pl.Series: ...


@dataclass(frozen=True)
class Finding:
    """Keys with a finding of this kind, in one system or in any."""

    kind: Kind
    system: str | None


@dataclass(frozen=True)
class Pattern:
    """Keys that exactly these systems hold."""

    text: str


@dataclass(frozen=True, eq=False)
class Given:
    """These keys."""

    keys: pl.Series


@dataclass(frozen=True)
class Operand:
    """The keys that the system of this name holds; if it is no system, the keys that the word means."""

    word: str
    words: Words


@dataclass(frozen=True)
class Combined:
    """Two sets on the sides of `-`, `|` or `&`."""

    left: Tree
    operator: str
    right: Tree


Tree = Finding | Pattern | Given | Operand | Combined


@dataclass(frozen=True)
class KeySet:
    """A word, read."""

    word: str
    tree: Tree


def parse(word: str, words: Callable[[str], Words], last: Callable[[], pl.Series]) -> KeySet | None:
    """The key set that a word means; None if it means keys by their names.

    `words` reads an operand that is no key set, `last` gives the keys of the previous result. Raises KeySyncError for
    an expression that does not add up.
    """
    if OPERATOR.search(word):
        return KeySet(word, _Reader(word, words, last).read())
    tree = _alone(word, last)
    return None if tree is None else KeySet(word, tree)


def is_last(word: str) -> bool:
    """Whether a word that begins with @ is about the previous result, and not a file."""
    return word == LAST or (OPERATOR.match(word, len(LAST)) is not None and word.startswith(LAST))


def selected(sets: Sequence[KeySet], index: Index) -> pl.Series:
    """The spellings that any of the sets means, distinct and in order.

    Raises KeySyncError for an unknown system, and for a single key in an expression that no system holds.
    """
    named = all(isinstance(one.tree, Given) for one in sets)
    rows = index.rows if named else described(index.rows, index.systems)
    chosen = [_chosen(one.tree, one.word, index) for one in sets]
    return rows.filter(pl.any_horizontal(chosen))[table.KEY].sort()


def meant(word: str) -> list[str]:
    """The key set that somebody may have meant by `gapp:D`."""
    name, colon, rest = word.partition(":")
    words = [word for kind in kinds.KINDS for word in (kind.name, kind.plural)]
    near = difflib.get_close_matches(name, [*words, PATTERN], n=1, cutoff=0.75) if colon else []
    return [f"{found}:{rest}" for found in near]


class _Reader:
    """Reads an expression: a sum of products of operands and parentheses."""

    def __init__(self, text: str, words: Callable[[str], Words], last: Callable[[], pl.Series]) -> None:
        self._text, self._words, self._last = text, words, last
        self._signs = list(_signs(text))
        if sum(bool(sign) for sign, _ in self._signs) > MOST_SIGNS:
            raise _bad(text, f"more than {MOST_SIGNS} operators and parentheses")

    def read(self) -> Tree:
        tree = self._sum()
        if self._signs:
            raise _bad(self._text, "a parenthesis is closed that was never opened")
        return tree

    def _sum(self) -> Tree:
        tree = self._product()
        while self._next() in ("-", "|"):
            tree = Combined(tree, self._signs.pop(0)[0], self._product())
        return tree

    def _product(self) -> Tree:
        tree = self._operand()
        while self._next() == "&":
            tree = Combined(tree, self._signs.pop(0)[0], self._operand())
        return tree

    def _operand(self) -> Tree:
        sign, word = self._signs.pop(0)
        if sign == "(":
            tree = self._sum()
            if self._next() != ")":
                raise _bad(self._text, "a parenthesis is never closed")
            self._signs.pop(0)
            return tree
        if not word:
            raise _bad(self._text, "there is nothing on one side of an operator")
        tree_alone = _alone(word, self._last)
        return Operand(word, self._words(word)) if tree_alone is None else tree_alone

    def _next(self) -> str:
        return self._signs[0][0] if self._signs else ""


def _signs(text: str) -> Iterator[tuple[str, str]]:
    """Operators and parentheses, and operands (whose sign is empty) between them.

    Parentheses count at the outer ends of an operand only: `re:(a|b)` keeps its own.
    """
    for i, piece in enumerate(OPERATOR.split(text)):
        if i % 2:
            yield piece, ""
            continue
        while piece.startswith("("):
            yield "(", ""
            piece = piece[1:].lstrip(" ")
        closed = 0
        while piece.endswith(")") and piece.count(")") > piece.count("("):
            piece, closed = piece[:-1].rstrip(" "), closed + 1
        yield "", piece
        yield from [(")", "")] * closed


def _alone(word: str, last: Callable[[], pl.Series]) -> Tree | None:
    """What a word without operators means, if it is a key set."""
    name, colon, rest = word.partition(":")
    if word == LAST:
        return Given(table.distinct(last()))
    if kind := kinds.named(name):
        return Finding(kind, rest if colon else None)
    return Pattern(rest) if name == PATTERN and colon else None


def _chosen(tree: Tree, word: str, index: Index) -> pl.Expr:
    """Which rows of `described` belong to the set."""
    systems = index.systems
    match tree:
        case Combined(left, operator, right):
            one, other = _chosen(left, word, index), _chosen(right, word, index)
            return one & other if operator == "&" else one | other if operator == "|" else one & ~other
        case Finding(kind, system):
            bits = systems.all_bits if system is None else systems.bit(systems.find(system))
            return (masks.found(kind, systems) & bits) != 0
        case Pattern(text):
            return pl.col("pattern") == systems.mask_of_pattern(text)
        case Given(keys):
            return pl.col(table.KEY).is_in(keys.implode())
        case Operand(name, words):
            bits = systems.mask(known for known in systems.names if known.casefold() == name.casefold())
            if bits:
                return (pl.col("pattern") & bits) != 0
            keys = words.matches(index.rows[table.KEY])
            if len(keys) == 0 and words.literals == (name,):
                raise _unknown(name, word, systems)
            return pl.col(table.KEY).is_in(keys.implode())


def _bad(text: str, why: str) -> KeySyncError:
    return KeySyncError(
        f"bad key set {safe(text)!r}: {why}",
        hint=f"Write one like 'A - D' or '(B | C) & gap'. If it is a key: {_literally(text)}.",
    )


def _unknown(name: str, word: str, systems: Systems) -> KeySyncError:
    return KeySyncError(
        f"{shown(name)} in {safe(word)!r} is neither a system nor an existing key",
        hint=f"The systems are {', '.join(systems.names)}. If all of it is a key: {_literally(word)}.",
    )


def _literally(word: str) -> str:
    return f"'key:{safe(word)}'" if "'" not in word else f'"key:{safe(word)}"'
