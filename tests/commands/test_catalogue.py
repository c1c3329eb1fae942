from __future__ import annotations

from keysync_shell.commands.catalogue.editing import CORRUPTIONS, SCENARIOS
from keysync_shell.core.edits import corruption, mock


def test_scenarios_that_help_writes_out_are_those_of_the_core() -> None:
    assert tuple(mock.SHARES) == SCENARIOS


def test_damage_that_help_writes_out_is_that_of_the_core() -> None:
    assert corruption.CORRUPTIONS == CORRUPTIONS
