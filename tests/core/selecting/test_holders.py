from __future__ import annotations

from keysync_shell.core.selecting.holders import listed
from keysync_shell.core.selecting.selectors import EVERYTHING, KeyQuery
from tests.building import FIVE, index, query, systems

STATE = systems(A=["K1", "K2"], B=["k1", "K2", "!"], C=["K2", "X1"])


def found(query: KeyQuery, names: str = "all", pattern: str = "") -> list[str]:
    mask = FIVE.mask(FIVE.parse(names))
    return listed(index(STATE), query, mask, FIVE.mask_of_pattern(pattern) if pattern else None)["key"].to_list()


def test_every_spelling_is_listed_with_the_pattern_of_its_family() -> None:
    assert listed(index(STATE), EVERYTHING, FIVE.all_bits, None).rows() == [
        ("!", "", 0b00010, 0),
        ("K1", "K1", 0b00001, 0b00011),
        ("K2", "K2", 0b00111, 0b00111),
        ("X1", "X1", 0b00100, 0b00100),
        ("k1", "K1", 0b00010, 0b00011),
    ]


def test_only_what_these_systems_hold_is_listed() -> None:
    assert found(EVERYTHING, "A") == ["K1", "K2"]
    assert found(query("K1"), "B") == []
    assert found(query("re:(?i)k1"), "A,B") == ["K1", "k1"]


def test_pattern_means_the_canonical_key() -> None:
    assert found(EVERYTHING, pattern="AB...") == ["K1", "k1"]
    assert found(EVERYTHING, "B", pattern="AB...") == ["k1"]
    assert found(EVERYTHING, pattern="B....") == []
