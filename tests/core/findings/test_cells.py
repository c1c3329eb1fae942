"""The cells of kinds and systems."""

from __future__ import annotations

from keysync_shell.core.findings.cells import cells
from keysync_shell.core.model.systems import Systems


def told(systems: Systems) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, name in cells(systems):
        found[kind.name] = found.get(kind.name, "") + name
    return found


def test_the_authority_has_no_gap_nothing_unauthorized_and_no_variant() -> None:
    assert told(Systems()) == {
        "gap": "BCDE",
        "unauthorized": "BCDE",
        "duplicate": "ABCDE",
        "variant": "BCDE",
        "malformed": "ABCDE",
    }


def test_another_authority() -> None:
    assert told(Systems(("A", "B"), "B"))["gap"] == "A"
