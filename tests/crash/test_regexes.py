"""Regular expressions that take backtracking engines for ever: here they finish, or are refused with a reason."""

from __future__ import annotations

import time

import polars as pl
import pytest

from keysync_shell.core.model.limits import Limits
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError
from tests.crash.report import tried

# Each of them with what it finds among keys such as `aaaaaaaaaaaaaaaa0000001!`: all of them, or none.
FINISH = {
    r"^(a+)+$": False,
    r"^(a|a)*$": False,
    r"^(a|aa)+$": False,
    r"^([a-zA-Z]+)*$": False,
    r"(a+)+b": False,
    r"^(?:a*)*b": False,
    r"^(([a-z])+.)+[A-Z]([a-z])+$": False,
    r"(.*)(.*)(.*)(.*)(.*)[^0-9!a]": False,
    r"^(a?){16}a{16}": True,
    r"(x+x+)+y": False,
    r"^(\w+\s?)*$": False,
    r"^(\d+|[a-z]+|!)*$": True,
    r"((a{0,9}){0,9}){0,9}b": False,
    r"^.*.*.*.*.*=.*$": False,
    r"(?:(?:a|b|c|aa|bb|cc)+)+!": False,
    r"[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[0-9]{9}": False,
    "(?i)" + "|".join(f"a{{{n}}}z" for n in range(1, 60)): False,
    "a*" * 200 + "b": False,
    r"(?:a|b|[0-9])*a(?:a|[0-9]){15}z": False,
    "(?:" + "a?" * 200 + ")*z": False,
}
GLOBS = {"*a*a*a*a*a*a*a*a*a*a*a*b": False, "a" + "?*" * 20 + "!": True, "*" * 100 + "x": False}
REFUSED = (
    r"(a+)\1+",
    r"(?=a+)+b",
    r"(?<=a+)b",
    r"(?>a+)b",
    r"a{1000000}",
    r"((a{100}){100}){100}",
    r"(\w{1,999}){1,999}",
    "(" * 300 + "a" + ")" * 300,
    "a*" * 501,
    "(a",
    "[z-a]",
    r"\p{Nonsense}",
    "*",
)


@pytest.mark.parametrize("size", [100_000, pytest.param(1_000_000, marks=pytest.mark.nightly)])
def test_expressions_that_blow_up_elsewhere_finish(size: int) -> None:
    number = pl.int_range(size, eager=True).cast(pl.String).str.zfill(7)
    keys = pl.select(key=pl.concat_str(pl.lit("a" * 16), number, pl.lit("!"))).to_series()
    slowest = 0.0
    for word, matches in [*((f"re:{one}", found) for one, found in FINISH.items()), *GLOBS.items()]:
        query = KeyQuery.parse([word], Limits(), look_up=True)
        start = time.perf_counter()
        found = query.matches(keys)
        slowest = max(slowest, time.perf_counter() - start)
        assert len(found) == (size if matches else 0), word
    tried(
        "regular expressions",
        f"{len(FINISH) + len(GLOBS)} that blow up elsewhere on {size:,} keys finished, the slowest in {slowest:.2f} s; "
        f"{len(REFUSED)} refused with a reason",
    )


@pytest.mark.parametrize("expression", REFUSED, ids=lambda expression: expression[:20])
def test_expressions_beyond_linear_time_are_refused_with_a_reason(expression: str) -> None:
    with pytest.raises(KeySyncError, match=r"bad regular expression '.+': .+|regular expression in characters"):
        KeyQuery.parse([f"re:{expression}"], Limits(), look_up=True)
