"""The table of kinds: its entries, and that one entry is all that a kind needs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.findings import kinds, masks
from keysync_shell.core.findings.conditions import OF_A_SYSTEM, OF_ALL, Condition
from keysync_shell.core.findings.counting import summarize
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.kinds import KINDS, About, Kind
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.planning.actions import REMOVE, REPORT
from keysync_shell.core.planning.plan import plan
from keysync_shell.core.selecting.keysets import PATTERN
from tests.building import FIVE, deciding, index, query, systems
from tests.strategies import STATES, edits_of, states

SHARED = {"canonical", "pattern", "respelled", "repeated"}  # by all spellings of a canonical key
LONG = 3  # so that random states have some

WORDY = Kind(
    name="wordy-key",
    plural="wordy_keys",
    about=About.SPELLING,
    found=lambda one: one.where(one.key.str.len_chars() > LONG, one.mask),
    decisions=("report", "remove"),
    precedence=97,
    legend=f"a spelling of more than {LONG} characters",
    meaning=f"The spelling has more than {LONG} characters.",
)
LONG_KEY = Kind(
    name="long-key",
    plural="long_keys",
    about=About.KEY,
    found=lambda one: one.where(one.canonical.str.len_chars() > LONG, one.pattern),
    decisions=("report",),
    precedence=98,
    legend=f"a canonical key of more than {LONG} characters",
    meaning=f"The canonical key has more than {LONG} characters.",
)


LACK = Kind(
    name="lack",
    plural="lacks",
    about=About.KEY_IN_SYSTEM,
    found=lambda one: one.where(one.pattern != 0, one.everyone & ~one.pattern),
    decisions=("report",),
    precedence=99,
    legend="a canonical key that some system holds and another lacks",
    meaning="Some system holds the key, this one does not.",
)
MORE = (WORDY, LONG_KEY, LACK)


@pytest.fixture
def two_more() -> Iterator[None]:
    """The table with an entry about spellings and one about keys at its end, and nothing else changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kinds, "KINDS", (*KINDS, WORDY, LONG_KEY))
        yield


# The entries


def test_no_two_kinds_share_a_word() -> None:
    words = [word for kind in KINDS for word in {kind.name, kind.plural}]
    others = [*OF_A_SYSTEM, *OF_ALL, PATTERN, "key", "re", "discrepancies", "strategy", "prefix", "overrides"]
    assert len({*words, *others}) == len(words) + len(others)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.name) for kind in KINDS)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.plural) for kind in KINDS)


def test_no_two_kinds_act_first() -> None:
    assert len({kind.precedence for kind in KINDS}) == len(KINDS)


def test_kinds_are_explained_in_words_and_sentences() -> None:
    assert all(kind.legend[0].islower() and not kind.legend.endswith(".") for kind in KINDS)
    assert all(kind.meaning[0].isupper() and kind.meaning.endswith(".") for kind in KINDS)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.about is not About.SPELLING], ids=lambda kind: kind.name
)
def test_kind_about_a_key_looks_at_what_its_spellings_share(kind: Kind) -> None:
    assert {name for form in masks.forms(FIVE) if form.kind is kind for name in form.columns} <= SHARED


def test_kinds_are_named_without_polars() -> None:
    program = "import sys; from keysync_shell.core.findings import kinds; print(kinds.names(), 'polars' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == f"{kinds.names()} False\n"


# What follows from an entry


@pytest.mark.usefixtures("two_more")
def test_new_kind_is_counted_and_listed() -> None:
    state = systems(A="K1 LONG-1", B="K1 long_1", C="K1 LONG-1", D="LONG-1", E="LONG-1")
    summary = summarize(index(state), state)
    assert (summary.discrepancies["wordy_keys"], summary.discrepancies["long_keys"]) == (5, 1)
    assert [system.findings["long_keys"] for system in summary.systems] == [1, 1, 1, 1, 1]
    listed = findings(index(state), ["wordy-key", "long-key"], "B").rows()
    assert listed == [
        ("wordy-key", FIVE.bit("B"), "LONG-1", ["long_1"], ""),
        ("long-key", FIVE.all_bits, "LONG-1", ["LONG-1", "long_1"], ""),
    ]


@pytest.mark.usefixtures("two_more")
def test_new_kind_is_found_where_nothing_else_is() -> None:
    state = systems(**dict.fromkeys("ABCDE", "K1 LONG-1"))
    assert findings(index(state))["kind"].to_list() == ["wordy-key"] * 5 + ["long-key"]


@pytest.mark.usefixtures("two_more")
def test_new_kind_is_planned_about() -> None:
    state = systems(A="K1", B="K1 LONG-1", C="K1", D="K1", E="K1")
    reported = plan(state, index(state), deciding(unauthorized="ignore")).actions
    assert reported.select("sign", "kind", "system", "key").rows() == [
        (REPORT, "wordy-key", "B", "LONG-1"),
        (REPORT, "long-key", "B", "LONG-1"),
    ]
    removed = plan(state, index(state), deciding(**{"unauthorized": "ignore", "wordy-key": "remove"})).actions
    assert removed.select("sign", "kind", "system", "key").rows() == [(REMOVE, "wordy-key", "B", "LONG-1")]


def test_finding_names_the_spellings_of_its_systems_or_of_the_authority_or_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "KINDS", (*KINDS, *MORE))
    named = findings(index(systems(A="K1", B="k1 X1", C="X1 x1", D="K1 X1", E="K1 X1"))).filter(kind="lack")
    assert named.select("systems", "keys").rows() == [(FIVE.bit("C"), ["K1"]), (FIVE.bit("A"), ["X1", "x1"])]


@pytest.mark.usefixtures("two_more")
@pytest.mark.parametrize("condition", ["wordy_keys.D == 1", "wordy-key.D == 1", "wordy_keys == 1", "long_keys.B == 0"])
def test_conditions_are_about_a_new_kind(condition: str) -> None:
    state = systems(D="LONG-1", B="k1")
    assert Condition.parse(condition, FIVE).holds(summarize(index(state), state).as_data())


@STATES
@given(st.data(), st.sampled_from([Rules(), Rules(pad_numbers=3)]))
def test_every_number_is_that_of_the_list_and_of_the_key_set(data: st.DataObject, rules: Rules) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kinds, "KINDS", (*KINDS, *MORE))
        state = data.draw(states())
        moved = index(state, rules)
        for _ in range(data.draw(st.integers(0, 2))):
            if data.draw(st.booleans()):
                findings(moved)
            change = data.draw(edits_of(state)).change
            state, moved = state.apply(change), moved.updated(change)
        for kind in kinds.KINDS:
            agree(kind, state, moved)


def agree(kind: Kind, state: State, found: Index) -> None:
    """Totals, list and key set say the same of a kind, in all systems together and in each."""
    summary = summarize(found, state)
    listed = findings(found, [kind.name])
    assert summary.discrepancies[kind.plural] == len(listed)
    of_systems = Counter(name for mask in listed["systems"] for name in FIVE.members(mask))
    assert {row.name: row.findings[kind.plural] for row in summary.systems if row.findings[kind.plural]} == of_systems
    canonical = dict(found.rows.select("key", "canonical").iter_rows())
    for name in (None, *FIVE.names):
        part = findings(found, [kind.name], name)
        keys = query(f"{kind.name}:{name}" if name else kind.name).on(found).matches(found.rows["key"])
        if kind.about is About.SPELLING:
            assert keys.to_list() == sorted(set(part["keys"].explode().drop_nulls()), key=str.encode)
        else:
            assert {canonical[key] for key in keys} == set(part["canonical"])
            assert "" not in set(part["canonical"])
