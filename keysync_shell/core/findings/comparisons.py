"""Comparisons of numbers: `gaps.D == 40`, `in_sync >= keys - 10`, `gaps == was + 5`.

A metric is a word, or a word and what it is of after a dot. What the words mean is up to whoever measures them.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError

TESTS: Mapping[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
OF = r"[A-Za-z0-9_.·-]*[A-Za-z0-9_.·]"
# A pattern of longer names is joined by `+`, which is a sign anywhere else.
METRIC = rf"pattern\.{OF}(?:\+{OF})*|[a-z_]+(?:-[a-z_]+)*(?:\.{OF})?"
TOKEN = re.compile(rf"\s*(?:({METRIC})|([0-9]{{1,15}}(?![0-9]))|(==|!=|<=|>=|<|>)|([+-]))")
HINT = "Write one like 'gaps.D == 0' or 'in_sync >= keys - 10'."


@dataclass(frozen=True)
class Metric:
    """A number that can be measured: `gaps`, or `gaps.D` with `of` D."""

    name: str
    of: str = ""

    def __str__(self) -> str:
        return f"{self.name}.{self.of}" if self.of else self.name


class Was(Enum):
    """The value of the same metric at the checkpoint before."""

    WAS = "was"


Term = int | Metric | Was
Measure = Callable[[Metric], int]


@dataclass(frozen=True)
class Comparison:
    """`left test right`; the right side is a sum of terms with their signs."""

    left: Metric
    test: str
    right: tuple[tuple[int, Term], ...]

    @classmethod
    def parse(cls, text: str) -> Comparison:
        """Raises KeySyncError for anything that is not one comparison."""
        tokens = list(_tokens(text))
        kinds = "".join(kind for kind, _ in tokens)
        if not re.fullmatch(r"mt[mi](s[mi])*", kinds):
            raise bad(text, "it is not a comparison of a number")
        (_, left), (_, test), *rest = tokens
        terms, sign = [], 1
        for kind, word in rest:
            if kind == "s":
                sign = -1 if word == "-" else 1
            else:
                terms.append((sign, _term(word)))
        return cls(_metric(left), test, tuple(terms))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Every metric that it mentions, the left one first."""
        return (self.left, *(term for _, term in self.right if isinstance(term, Metric)))

    @property
    def needs_was(self) -> bool:
        return any(term is Was.WAS for _, term in self.right)

    def expected(self, measure: Measure, was: int = 0) -> int:
        """The value of the right side; `was` is the left metric at the checkpoint before."""
        return sum(sign * _value(term, measure, was) for sign, term in self.right)

    def holds(self, measure: Measure, was: int = 0) -> bool:
        return TESTS[self.test](measure(self.left), self.expected(measure, was))

    def excludes_zero(self, measure: Measure, was: int = 0) -> bool:
        """Whether it would not hold if the left side were 0."""
        return not TESTS[self.test](0, self.expected(measure, was))


def bad(text: str, why: str) -> KeySyncError:
    return KeySyncError(f"bad condition {safe(text)!r}: {why}", hint=HINT)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Words with their kinds: metric, integer, test, sign."""
    at = 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise bad(text, f"{safe(text[at:].strip()[:20])!r} is neither a number, a name nor a comparison")
        kind = "mits"[next(i for i, word in enumerate(match.groups()) if word is not None)]
        yield kind, match[0].strip()
        at = match.end()


def _term(word: str) -> Term:
    if word[0].isdecimal():
        return int(word)
    return Was.WAS if word == Was.WAS.value else _metric(word)


def _metric(word: str) -> Metric:
    name, _, of = word.partition(".")
    return Metric(name, of)


def _value(term: Term, measure: Measure, was: int) -> int:
    match term:
        case int():
            return term
        case Metric():
            return measure(term)
        case Was():
            return was
