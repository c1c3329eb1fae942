from __future__ import annotations

import itertools
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.edits.corrupting import corrupt
from keysync_shell.core.edits.corruption import CORRUPTIONS, REPEAT, SPELLINGS, TWINS, Dice, chosen
from keysync_shell.core.model.keys import writable
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.selecting.selectors import EVERYTHING
from tests.building import applied, keys, systems
from tests.strategies import PURE, STATES, spellings, states

# Literals, so that another Python version or machine that damages otherwise is noticed: kind, then seeds 0, 1 and 2.
PINNED = {
    "case": ("CUST-00120 X", "Cust-00120 X", "cust-00120 x"),
    "space": (" Cust-00120 x ", "Cust-00120 x  ", " Cust-00120 x"),
    "tab": ("Cust-00120 x\t", "\tCust-00120 x", "\tCust-00120 x"),
    "nbsp": ("Cust-00120 x\xa0", "Cust-00120 x\xa0", "Cust-00120 x\xa0"),
    "delimiter": ("Cust-00120- x", "Cust- 00120 x", "Cust_00120 x"),
    "zero-pad": ("Cust-000120 x", "Cust-120 x", "Cust-000120 x"),
    "homoglyph": ("Cust-\uff100120 x", "Cu\u0455t-00120 x", "Cu\u0455t-00120 x"),
    "truncate": ("Cust-00120", "Cust-00120 ", "Cust-00120"),
    "transpose": ("Cuts-00120 x", "Cust0-0120 x", "uCst-00120 x"),
    "junk": ("Cust-00#120 x", "C$ust-00120 x", "Cust-00120 x!"),
    "empty": ("", "", ""),
    "control": ("Cust-00\u200b120 x", "Cus\u202et-00120 x", "Cust-\x0800120 x"),
}

# What two of CUST-00001 to CUST-00040 become with seed 7.
PINNED_EDITS = {
    "case": {"CUST-00003": "cust-00003", "CUST-00010": "Cust-00010"},
    "space": {"CUST-00025": " CUST-00025", "CUST-00033": " CUST-00033"},
    "tab": {"CUST-00021": "\tCUST-00021", "CUST-00033": "\tCUST-00033"},
    "nbsp": {"CUST-00010": "\xa0CUST-00010", "CUST-00036": "CUST-00036\xa0"},
    "delimiter": {"CUST-00005": "CUST 00005", "CUST-00029": "CUST_00029"},
    "zero-pad": {"CUST-00017": "CUST-17", "CUST-00037": "CUST-000037"},
    "homoglyph": {"CUST-00018": "CUST-00\uff1018", "CUST-00021": "CUST-\uff100021"},
    "truncate": {"CUST-00028": "CUST-000", "CUST-00031": "CUST-00"},
    "transpose": {"CUST-00035": "UCST-00035", "CUST-00039": "CUST-00093"},
    "junk": {"CUST-00003": "CUS~T-00003", "CUST-00039": "CUS&T-00039"},
    "empty": {"CUST-00001": "", "CUST-00009": ""},
    "control": {"CUST-00012": "CUST\u202e-00012", "CUST-00027": "CUST-000\u200b27"},
}

FORTY = [f"CUST-{n:05}" for n in range(1, 41)]


def test_every_kind_is_pinned() -> None:
    assert [*PINNED, REPEAT] == [*PINNED_EDITS, REPEAT] == list(CORRUPTIONS)


@pytest.mark.parametrize("kind", PINNED)
def test_damaged_spelling_is_the_same_everywhere(kind: str) -> None:
    made = tuple(SPELLINGS[kind]("Cust-00120 x", Dice.of(seed, kind)) for seed in (0, 1, 2))
    assert made == PINNED[kind]


@pytest.mark.parametrize("kind", PINNED_EDITS)
def test_damaged_keys_are_the_same_everywhere(kind: str) -> None:
    edit = corrupt(systems(A=FORTY, B=FORTY), kind, EVERYTHING, ("A",), how_many=lambda _: 2, seed=7)
    part = edit.change.parts["A"]
    assert part.removed.to_list() == list(PINNED_EDITS[kind])
    assert part.after["key"].to_list() == sorted(PINNED_EDITS[kind].values(), key=str.encode)


def test_repeated_keys_are_the_same_everywhere() -> None:
    edit = corrupt(systems(A=FORTY), REPEAT, EVERYTHING, ("A",), how_many=lambda _: 2, seed=7)
    assert edit.change.parts["A"].after["key"].to_list() == ["CUST-00007", "CUST-00007", "CUST-00023", "CUST-00023"]


def test_dice_fall_the_same_everywhere() -> None:
    assert [Dice.of(0, "x").pick(1000, turn) for turn in range(3)] == [678, 521, 433]
    assert Dice.of("a", "b") != Dice.of("ab") != Dice.of("b", "a")


def test_chosen_keys_are_the_same_everywhere() -> None:
    keys = [f"K{i}" for i in range(100)]
    assert chosen(keys, 5, 0, "case", "A") == ["K37", "K38", "K63", "K90", "K46"]
    assert chosen(reversed(keys), 5, 1, "case", "A") == ["K3", "K66", "K28", "K20", "K47"]
    assert sorted(chosen(keys, 200, 0)) == sorted(keys)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        *(("case", key) for key in ("", "123", "-!")),
        *(("delimiter", key) for key in ("", "AB", "-AB", "AB-", "-")),
        *(("zero-pad", key) for key in ("", "AB", "\u0661")),
        *(("homoglyph", key) for key in ("", "DFG", "-")),
        *(("truncate", key) for key in ("", "A")),
        *(("transpose", key) for key in ("", "A", "AAA")),
        ("empty", ""),
    ],
)
def test_kind_that_has_nothing_to_change_leaves_the_key(kind: str, key: str) -> None:
    assert {SPELLINGS[kind](key, Dice.of(seed)) for seed in range(9)} == {key}


@pytest.mark.parametrize("kind", SPELLINGS)
def test_every_option_of_a_kind_damages(kind: str) -> None:
    key = "AB-120-x"
    assert key not in {SPELLINGS[kind](key, Dice.of(seed)) for seed in range(60)}


def test_zero_padding_adds_a_zero_to_a_number_without_any() -> None:
    assert {SPELLINGS["zero-pad"]("K7", Dice.of(seed)) for seed in range(20)} == {"K07"}
    assert {SPELLINGS["zero-pad"]("K0", Dice.of(seed)) for seed in range(20)} == {"K00"}


def test_twins_look_alike_but_are_not_the_same() -> None:
    assert all(len(twin) == 1 and not twin.isascii() and letter.isascii() for letter, twin in TWINS.items())


@PURE
@given(st.sampled_from(list(SPELLINGS)), spellings, st.integers())
def test_same_dice_same_spelling(kind: str, key: str, seed: int) -> None:
    assert SPELLINGS[kind](key, Dice.of(seed, key)) == SPELLINGS[kind](key, Dice.of(seed, key))


@STATES
@given(st.sampled_from(CORRUPTIONS), st.data(), st.integers(0, 5))
def test_same_seed_same_damage_however_the_keys_came(kind: str, data: st.DataObject, seed: int) -> None:
    state = data.draw(states())
    edit = corrupt(state, kind, EVERYTHING, ("A", "C"), how_many=lambda count: count // 2, seed=seed)
    again = corrupt(
        systems(**{name: keys(state).get(name, [])[::-1] for name in "ABCDE"}),
        *(kind, EVERYTHING, ("C", "A")),
        how_many=lambda count: count // 2,
        seed=seed,
    )
    assert state.apply(edit.change) == state.apply(again.change)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_rate_zero_changes_nothing(kind: str) -> None:
    edit = corrupt(systems(A=FORTY), kind, EVERYTHING, ("A", "B"), how_many=lambda count: round(0 * count), seed=1)
    assert not edit.change
    assert edit.left_out == {}


@pytest.mark.parametrize("kind", [*SPELLINGS, REPEAT])
def test_no_row_is_lost_and_no_key_falls_on_another(kind: str) -> None:
    state = systems(A=FORTY)
    after = applied(state, corrupt(state, kind, EVERYTHING, ("A",), how_many=lambda count: count, seed=3))["A"]
    assert len(after) == (80 if kind == REPEAT else 40)
    assert kind in ("empty", REPEAT) or len(set(after)) == 40


@pytest.mark.parametrize("key", ["1\r\n1", "ab\r\n", "K1-" + "1" * 4093], ids=["inside", "at the end", "long"])
def test_damage_leaves_keys_that_may_be_written(key: str) -> None:
    state = systems(A=[key])
    fits = partial(writable, limits=Limits())
    for kind, seed in itertools.product(set(SPELLINGS) - {"empty"}, range(9)):
        edit = corrupt(state, kind, EVERYTHING, ("A",), how_many=lambda _: 1, seed=seed, fits=fits)
        assert all(new == key or fits(new) for new in applied(state, edit)["A"])
