from __future__ import annotations

from keysync_shell.commands.catalogue.editing import CORRUPTIONS
from keysync_shell.commands.catalogue.looking import KINDS
from keysync_shell.core import corruption, discrepancies


def test_kinds_that_help_writes_out_are_those_of_the_core() -> None:
    assert corruption.KINDS == CORRUPTIONS
    assert tuple(discrepancies.KINDS) == KINDS
