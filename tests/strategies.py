"""Random material for property tests: awkward spellings, small states, edits of every kind."""

from __future__ import annotations

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from keysync_shell.core.edits import adding, carrying, corrupting, corruption, removing, replacing, respelling, spelling
from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.model import table
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import EVERYTHING
from tests.building import FIVE, NOW, query, rows, systems

# How often, by what one example costs. A busy machine is no failure, so nothing here looks at the clock.
PURE = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
STATES = settings(PURE, max_examples=60)
ON_DISK = settings(deadline=None, max_examples=8, stateful_step_count=12, suppress_health_check=[HealthCheck.too_slow])

# Many spellings of few canonical keys, so that small states are full of discrepancies.
AWKWARD = (
    *("K1", "k1", " K1", "K1 ", "K1!", "K!1", "K\u200b1", "\u00a0K1", "\tK1", "Ｋ1"),
    *("K-1", "K_1", "k 1", "K  1", "K--1", "K - 1", "K\u00a01", "-K1", "K1-", "_K1"),
    *("K2", "K-2", "K-02", "K-002", "K-2-7", "K_2_07", "1", "01", "ß1", "SS1", "ss1", "é1"),
    *("", "!", "!!", "-", "--", " ", "é", "\u0415"),
)

spellings = st.sampled_from(AWKWARD) | st.text("Kk12-_ !é\t\u00a0", max_size=5)
few_spellings = st.lists(spellings, max_size=7)
names = st.sampled_from(FIVE.names)
some_names = st.lists(names, min_size=1, max_size=5, unique=True).map(lambda some: tuple(sorted(some)))


def states() -> st.SearchStrategy[State]:
    """Five systems with a few rows each."""
    return st.fixed_dictionaries(dict.fromkeys(FIVE.names, few_spellings)).map(lambda keys: systems(**keys))


def tables(columns: tuple[str, ...] = ("key", "note")) -> st.SearchStrategy[pl.DataFrame]:
    """Key tables in which a key may have several rows, equal or not."""
    row = st.tuples(*(st.sampled_from(["a", "b", "c", "d", ""]) for _ in columns))
    schema = dict.fromkeys(columns, pl.String)
    return st.lists(row, max_size=9).map(lambda lines: table.ordered(pl.DataFrame(lines, schema=schema, orient="row")))


@st.composite
def edits_of(draw: st.DrawFn, state: State) -> Edit:
    """Some edit of the state, of any kind."""
    where = draw(some_names)
    there = sorted({key for name in where for key in state.keys(name)})
    kinds = ("add", "replace", "columns", "empty", "corrupt", *(("remove", "respell", "copy") if there else ()))
    match draw(st.sampled_from(kinds)):
        case "add":
            return adding.add(state, table.key_series(draw(few_spellings)), where, now=NOW)
        case "replace":
            return replacing.replace(state, {name: rows(draw(few_spellings), name) for name in where})
        case "columns":
            columns = draw(st.sampled_from([("key", "note"), ("note", "key"), ("key",)]))
            return replacing.replace(state, {name: draw(tables(columns)) for name in where})
        case "empty":
            return replacing.replace(state, {name: table.empty() for name in where})
        case "corrupt":
            kind, share = draw(st.sampled_from(corruption.CORRUPTIONS)), draw(st.sampled_from([1, 2, 3]))
            how_many = lambda candidates: candidates // share  # noqa: E731  # as short as it can be said
            seed = draw(st.integers(0, 9))
            return corrupting.corrupt(state, kind, EVERYTHING, where, how_many=how_many, seed=seed)
        case "remove":
            return removing.remove(state, query(f"key:{draw(st.sampled_from(there))}"), where)
        case "respell":
            spell = draw(st.sampled_from([*spelling.CASES.values(), spelling.padded(3), spelling.replaced("1", "2")]))
            return respelling.respell(state, query(f"key:{draw(st.sampled_from(there))}"), where, spell, merge=True)
        case _:
            key = draw(st.sampled_from(there))
            [source, *_] = [name for name in where if key in state.keys(name)]
            targets = tuple(name for name in FIVE.names if name != source)
            carry = draw(st.sampled_from([carrying.copy, carrying.move]))
            return carry(state, query(f"key:{key}"), source, targets)
