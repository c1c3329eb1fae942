from __future__ import annotations

from keysync_shell.core.findings.losses import losing_letters, warnings
from keysync_shell.core.model.rules import Rules
from tests.building import index, systems

STATE = systems(A=["上海-1", "K1", "K2!"], B="北京-1 K1", C="上海-1")


def test_each_spelling_that_loses_letters_counts_once() -> None:
    assert losing_letters(index(STATE)).to_list() == ["上海-1", "北京-1"]


def test_the_warning_has_the_number_and_the_setting_that_helps() -> None:
    [warning] = warnings(index(STATE))
    assert warning.startswith("2 keys have letters or digits beyond ASCII.")
    assert 'letters = "unicode" under [normalize]' in warning


def test_one_key_is_told_of_in_the_singular() -> None:
    assert warnings(index(systems(D="é1")))[0].startswith("1 key has ")


def test_rules_that_lose_nothing_warn_of_nothing() -> None:
    assert warnings(index(STATE, Rules(letters="unicode"))) == ()
    assert warnings(index(systems(A=["K1!", "ß"]))) == ()
