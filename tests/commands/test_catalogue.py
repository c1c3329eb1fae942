from __future__ import annotations

from keysync_shell.commands.catalogue.editing import CORRUPTIONS, SCENARIOS
from keysync_shell.commands.catalogue.looking import KINDS
from keysync_shell.core import corruption, discrepancies, mock


def test_names_that_help_writes_out_are_those_of_the_core() -> None:
    assert corruption.KINDS == CORRUPTIONS
    assert tuple(discrepancies.KINDS) == KINDS
    assert tuple(mock.SCENARIOS) == SCENARIOS
