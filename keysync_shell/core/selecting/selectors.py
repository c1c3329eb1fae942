"""Which keys a command means: literals, ranges, globs, regular expressions and key sets.

`CUST-00010..CUST-00020` is an inclusive range, `'CUST-0*'` a glob, `re:^CUST` a regular expression (found
anywhere in the key), `gap:D` and `A - D` are key sets (see keysets), and `key:…` takes what follows literally.
Globs, regular expressions and key sets only look up.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import polars as pl

from keysync_shell.core.findings.index import Index
from keysync_shell.core.model import table
from keysync_shell.core.model.keys import safe, shown
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.selecting import keysets
from keysync_shell.core.selecting.keysets import KeySet
from keysync_shell.errors import KeySyncError

NUMBERED = re.compile(r"(.*?)([0-9]+)([^0-9]*)", re.DOTALL)
MOST_DIGITS = 18  # what a 64-bit number holds
WILD = frozenset("*?[")


@dataclass(frozen=True)
class Range:
    """Keys `<prefix><number><suffix>` with numbers first to last, padded to `width` digits."""

    prefix: str
    first: int
    last: int
    width: int
    suffix: str

    @property
    def word(self) -> str:
        ends = (f"{self.prefix}{str(number).zfill(self.width)}{self.suffix}" for number in (self.first, self.last))
        return "..".join(ends)

    def keys(self) -> pl.Series:
        number = pl.int_range(self.first, self.last + 1).cast(pl.String).str.zfill(self.width)
        return pl.select(key=pl.concat_str(pl.lit(self.prefix), number, pl.lit(self.suffix))).to_series()

    @property
    def longest(self) -> str:
        return f"{self.prefix}{str(self.last).zfill(self.width)}{self.suffix}"

    @property
    def size(self) -> int:
        """How many keys; len() takes no number as large."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Expression:
    """A glob or `re:` word as a Rust regular expression; every key that matches starts with `prefix`."""

    word: str
    prefix: str
    regex: str

    def matching(self, rows: pl.DataFrame) -> pl.Series:
        keys = table.with_prefix(rows, self.prefix)[table.KEY]
        return keys.filter(keys.str.contains(self.regex)) if len(keys) else keys


def nothing_before() -> pl.Series:
    """What `@last` means where no result came before. Raises KeySyncError."""
    raise KeySyncError(
        "there is no previous result, so @last means nothing",
        hint="`list`, `discrepancies`, `diff` and `plan` make one, in the same shell or script. "
        "A file of that name is @./last.",
    )


@dataclass(frozen=True)
class KeyQuery:
    """What the KEYS… of a command say.

    Key sets depend on the state: `on` an index they become keys that are `found`, and only then there are matches.
    """

    literals: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()
    expressions: tuple[Expression, ...] = ()
    everything: bool = False
    sets: tuple[KeySet, ...] = ()
    found: pl.Series | None = field(default=None, compare=False)

    @classmethod
    def parse(
        cls,
        words: Iterable[str],
        limits: Limits,
        *,
        look_up: bool,
        literals: Iterable[str] = (),
        last: Callable[[], pl.Series] = nothing_before,
    ) -> KeyQuery:
        """Read KEYS… words; `literals` are keys that came from a file and are taken as they are.

        `last` gives the keys of the previous result. Raises KeySyncError for a bad range, a bad expression, or more
        keys than one command may name.
        """
        plain, ranges, expressions, sets = list(literals), [], [], []
        for word in words:
            if word.startswith("key:"):
                plain.append(word[4:])
            elif look_up and word.startswith("re:"):
                expressions.append(Expression(word, "", _checked(word[3:], limits)))
            elif look_up and (key_set := keysets.parse(word, lambda one: cls.parse([one], limits, look_up=True), last)):
                sets.append(key_set)
            elif ".." in word:
                ranges.append(_range(word))
            elif look_up and WILD & set(word):
                expressions.append(Expression(word, _glob_prefix(word), _checked(_glob(word), limits)))
            else:
                plain.append(word)
        limits.check("keys_per_command", len(plain) + sum(r.size for r in ranges), "keys named")
        return cls(tuple(plain), tuple(ranges), tuple(expressions), sets=tuple(sets))

    @property
    def words(self) -> list[str]:
        """What was said, to be told in an error."""
        ranges, expressions = [one.word for one in self.ranges], [one.word for one in self.expressions]
        return [*self.literals, *ranges, *expressions, *(one.word for one in self.sets)]

    def on(self, index: Index) -> KeyQuery:
        """The query with its key sets looked up. Raises KeySyncError as core.selecting.keysets.selected does."""
        return replace(self, found=keysets.selected(self.sets, index)) if self.sets else self

    def named(self) -> pl.Series:
        """Every key that is named outright, distinct and in order."""
        literals = pl.Series(table.KEY, self.literals, dtype=pl.String)
        return table.distinct(pl.concat([literals, *(r.keys() for r in self.ranges)]))

    def matches(self, keys: pl.Series) -> pl.Series:
        """Those of the sorted keys that are meant, distinct and in order; key sets were looked up before."""
        if self.everything:
            return table.distinct(keys)
        assert self.found is not None or not self.sets, "a query with key sets is asked `on` an index"
        rows = pl.DataFrame({table.KEY: keys})
        named = self.named()
        found = [named.filter(table.holds(rows, named))]
        found += [expression.matching(rows) for expression in self.expressions]
        found += [] if self.found is None else [self.found.filter(table.holds(rows, self.found))]
        return table.distinct(pl.concat(found))


EVERYTHING = KeyQuery(everything=True)


def near_misses(keys: pl.Series, canonical: pl.Series, wanted: str, wanted_canonical: str) -> list[str]:
    """Up to three keys that somebody who typed `wanted` may have meant: another spelling, or a neighbour.

    `keys` are sorted, `canonical` are theirs.
    """
    respelled = keys.filter(canonical == wanted_canonical).head(3).to_list() if wanted_canonical else []
    place = int(keys.search_sorted(pl.Series([wanted]), "left")[0]) if len(keys) else 0
    neighbours = keys.slice(max(0, place - 25), 50).to_list()
    close = difflib.get_close_matches(wanted, neighbours, n=3, cutoff=0.75)
    return list(dict.fromkeys([*respelled, *close]))[:3]


def _range(word: str) -> Range:
    low, _, high = word.partition("..")
    first, last = NUMBERED.fullmatch(low), NUMBERED.fullmatch(high)
    # NUMBERED takes the first run of digits that only non-digits follow: the last number of the key
    if not first or not last:
        raise _bad_range(word, "both ends need a number")
    if (first[1], first[3]) != (last[1], last[3]):
        raise _bad_range(word, "the two ends differ in more than their last number")
    if max(len(first[2]), len(last[2])) > MOST_DIGITS:
        raise _bad_range(word, f"its numbers have more than {MOST_DIGITS} digits")
    if int(first[2]) > int(last[2]):
        raise _bad_range(word, "it runs backwards")
    padded = any(len(number) > 1 and number.startswith("0") for number in (first[2], last[2]))
    if padded and len(first[2]) != len(last[2]):
        raise _bad_range(word, "the numbers are padded to different widths")
    return Range(first[1], int(first[2]), int(last[2]), len(first[2]), first[3])


def _bad_range(word: str, why: str) -> KeySyncError:
    return KeySyncError(
        f"bad range {shown(word)}: {why}",
        hint="A range looks like CUST-00010..CUST-00020. For a key that holds '..' write key:THE-KEY.",
    )


def _checked(expression: str, limits: Limits) -> str:
    """The expression, if Polars takes it; its engine runs in linear time, so none can blow up."""
    limits.check("regex_chars", len(expression), "regular expression in characters")
    try:
        pl.Series([""]).str.contains(expression)
    except pl.exceptions.ComputeError as error:
        lines = str(error).splitlines()
        reason = next((line[7:] for line in lines if line.startswith("error: ")), lines[0])
        raise KeySyncError(
            f"bad regular expression {safe(expression)!r}: {safe(reason)}",
            hint="The syntax is that of Rust's regex: no look-around, no back-references.",
        ) from None
    return expression


def _glob_prefix(glob: str) -> str:
    return glob[: min(i for i, letter in enumerate(glob) if letter in WILD)]


def _glob(glob: str) -> str:
    """The regular expression of a shell glob: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`. An unclosed `[` is itself."""
    out, i = [], 0
    while i < len(glob):
        letter, i = glob[i], i + 1
        close = glob.find("]", i + 1 + glob.startswith("!", i)) if letter == "[" else -1
        if letter == "*":
            out.append(".*")
        elif letter == "?":
            out.append(".")
        elif close > 0:
            negated = glob.startswith("!", i)
            members = re.sub(r"([\\\[\]&~^])", r"\\\1", glob[i + negated : close])
            out.append(f"[{'^' if negated else ''}{members}]")
            i = close + 1
        else:
            out.append(re.escape(letter) if letter.isascii() else letter)
    return rf"(?s)\A{''.join(out)}\z"
