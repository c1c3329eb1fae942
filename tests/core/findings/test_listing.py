from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.findings.counting import Summary, summarize
from keysync_shell.core.findings.kinds import KINDS
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model import table
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from tests.building import FIVE, index, rows, systems
from tests.core import reference
from tests.core.reference import Finding, Keys
from tests.strategies import STATES, edits_of, few_spellings, states

five_lists = st.tuples(*[few_spellings] * 5).map(lambda lists: dict(zip(FIVE.names, lists, strict=True)))
authorities = st.sampled_from(["A", "C", "E"])
paddings = st.sampled_from([0, 2, 3])


def listed(found: pl.DataFrame, systems: Systems = FIVE) -> list[Finding]:
    return [
        (kind, systems.members(mask), canonical, tuple(keys), form)
        for kind, mask, canonical, keys, form in found.rows()
    ]


def found(state: State, *kinds: str) -> list[Finding]:
    return listed(findings(index(state), kinds or None))


def test_systems_in_step_have_no_findings() -> None:
    assert found(systems(A="K1", B="K1", C="K1", D="K1", E="K1")) == []
    assert found(systems()) == []


def test_gap_is_found_once_for_each_system_that_lacks_the_key() -> None:
    state = systems(A="K1", B="k1", C="K1")
    assert found(state, "gap") == [("gap", ("D",), "K1", ("K1",), ""), ("gap", ("E",), "K1", ("K1",), "")]


def test_unauthorized_key_is_found_once_with_all_that_hold_it() -> None:
    assert found(systems(B="X1", D="x1"), "unauthorized") == [("unauthorized", ("B", "D"), "X1", ("X1", "x1"), "")]


def test_duplicate_is_repeated_or_respelled_and_respelled_wins() -> None:
    assert found(systems(A="K1 K1", B="K1 k1 k1", C="K1"), "duplicate") == [
        ("duplicate", ("A",), "K1", ("K1",), "repeated"),
        ("duplicate", ("B",), "K1", ("K1", "k1"), "respelled"),
    ]


def test_variant_is_a_spelling_that_the_authority_does_not_hold() -> None:
    state = systems(A="k1 K2", B="K1 K2", C="k1 k2", D="x1 X2")
    assert found(state, "variant") == [
        ("variant", ("B",), "K1", ("K1",), ""),
        ("variant", ("C",), "K2", ("k2",), ""),
        ("variant", ("D",), "X1", ("x1",), ""),
    ]


def test_padding_alone_makes_no_variant_of_an_unauthorized_key() -> None:
    state = systems(B=["X-1", "x-2"])
    kinds = listed(findings(index(state, Rules(pad_numbers=3)), ["variant"]))
    assert kinds == [("variant", ("B",), "X-002", ("x-2",), "")]


def test_malformed_spelling_of_nothing_belongs_to_no_canonical_key() -> None:
    state = systems(A=["K1", "!"], B=["K1!", "", ""], C="K1", D="K1", E="K1")
    assert found(state) == [
        ("variant", ("B",), "K1", ("K1!",), ""),
        ("malformed", ("A",), "", ("!",), ""),
        ("malformed", ("B",), "", ("",), ""),
        ("malformed", ("B",), "K1", ("K1!",), ""),
    ]


def test_findings_of_one_system_or_kind_are_picked_out() -> None:
    state = systems(A="K1", B="X1", C="X1")
    assert {kind for kind, *_ in found(state, "gap")} == {"gap"}
    of_b = listed(findings(index(state), systems=["B"]))
    assert of_b == [("gap", ("B",), "K1", ("K1",), ""), ("unauthorized", ("B", "C"), "X1", ("X1",), "")]
    assert len(findings(index(state), [])) == 0


@STATES
@given(five_lists, authorities, paddings)
def test_findings_are_those_of_the_reference(keys: Keys, authority: str, pad: int) -> None:
    state, five = _built(keys, authority)
    got = listed(findings(index(state, Rules(pad_numbers=pad))), five)
    assert Counter(got) == Counter(reference.findings(keys, authority, pad))


@STATES
@given(five_lists, authorities, paddings)
def test_numbers_are_those_of_the_reference(keys: Keys, authority: str, pad: int) -> None:
    state, five = _built(keys, authority)
    summary = summarize(index(state, Rules(pad_numbers=pad)), state)
    holds = reference.held(keys, pad)
    every = set().union(*holds.values())
    members = Counter(five.pattern(five.mask(name for name in keys if key in holds[name])) for key in every)
    assert (summary.keys, summary.in_sync) == (len(every), len(set.intersection(*holds.values())))
    assert summary.patterns == members
    for system in summary.systems:
        others = set().union(*(held for name, held in holds.items() if name != system.name))
        own = holds[system.name]
        assert (system.rows, system.total) == (len(keys[system.name]), len(own))
        assert (system.unique, system.missing) == (len(own - others), len(every - own))
    assert _counted(summary) == _expected(reference.findings(keys, authority, pad))


@pytest.mark.parametrize("authority", FIVE.names)
def test_numbers_and_findings_agree(authority: str) -> None:
    keys = {"A": ["K1", "k1", "K2"], "B": ["K1", "K1", "!"], "C": [" K2", "K3"], "D": ["k3", "K3"], "E": ["K1"]}
    state, five = _built(keys, authority)
    counted = Counter(kind for kind, *_ in listed(findings(index(state)), five))
    discrepancies = summarize(index(state), state).discrepancies
    assert discrepancies == {kind.plural: counted[kind.name] for kind in KINDS}
    assert discrepancies.total == counted.total()


def test_patterns_come_with_the_fullest_first() -> None:
    state = systems(A="K1 K2 K3", B="K1 K3", C="K1")
    assert list(summarize(index(state), state).patterns.items()) == [("ABC..", 1), ("AB...", 1), ("A....", 1)]


def _built(keys: Keys, authority: str) -> tuple[State, Systems]:
    five = Systems(FIVE.names, authority)
    return State(five, {name: rows(keys[name], name) for name in five.names}), five


def _counted(summary: Summary) -> Counter[tuple[str, str]]:
    """How many findings of each kind there are of each system, and in all."""
    numbers = {(system.name, kind.name): system.findings[kind.plural] for system in summary.systems for kind in KINDS}
    numbers |= {("all", kind.name): summary.discrepancies[kind.plural] for kind in KINDS}
    return +Counter(numbers)


def _expected(found: Iterable[Finding]) -> Counter[tuple[str, str]]:
    found = list(found)
    of_systems = Counter((name, kind) for kind, names, *_ in found for name in names)
    return of_systems + Counter(("all", kind) for kind, *_ in found)


# After a change


@STATES
@given(st.data(), st.sampled_from([Rules(), Rules(pad_numbers=2)]))
def test_findings_after_changes_are_those_of_a_look_at_everything(data: st.DataObject, rules: Rules) -> None:
    state = data.draw(states())
    moved = index(state, rules)
    for _ in range(data.draw(st.integers(1, 3))):
        if data.draw(st.booleans()):
            findings(moved)
        change = data.draw(edits_of(state)).change
        state, moved = state.apply(change), moved.updated(change)
    anew = index(state, rules)
    assert findings(moved).rows() == findings(anew).rows()
    assert findings(moved, ["gap", "variant"], ["B"]).rows() == findings(anew, ["gap", "variant"], ["B"]).rows()


# At any size


@pytest.mark.parametrize("size", [100, 10_000, 1_000_000])
def test_number_of_duplicates_does_not_depend_on_the_number_of_keys(size: int) -> None:
    number = pl.int_range(size, eager=True)
    keys = ("CUST-" + number.cast(pl.String).str.zfill(8)).alias("key")
    spread = keys.gather_every(size // 20).head(20)
    held = {
        "A": keys,
        "B": pl.concat([keys, spread.head(7)]),
        "C": pl.concat([keys, spread.head(5).str.to_lowercase()]),
        "D": pl.concat([keys, spread, spread.str.replace("-", "_")]),
        "E": pl.concat([keys, spread.tail(3), spread.tail(3)]),
    }
    state = State(FIVE, {name: table.ordered(pl.DataFrame({"key": column})) for name, column in held.items()})
    found = index(state)
    expected = {"A": 0, "B": 7, "C": 5, "D": 20, "E": 3}
    assert {row.name: row.findings["duplicates"] for row in summarize(found, state).systems} == expected
    listed = findings(found, ["duplicate"])
    assert Counter(listed["form"]) == {"repeated": 7 + 3, "respelled": 5 + 20}
    assert summarize(found, state).in_sync == size
