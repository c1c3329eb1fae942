"""What a menu says of a key is what the list of findings says."""

from __future__ import annotations

from hypothesis import given, settings

from keysync_shell.core.findings.briefs import Brief, briefs, odd
from keysync_shell.core.findings.kinds import KINDS, About
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model import table
from keysync_shell.core.model.state import State
from tests.building import index, systems
from tests.strategies import states

ABOUT = {kind.name: kind.about for kind in KINDS}


def told(state: State, *keys: str) -> list[Brief]:
    at = index(state)
    return briefs(at, table.key_series(sorted(keys)), odd(at))


def test_holders_and_what_is_wrong() -> None:
    state = systems(A="K1 K2", B="K1 k1 K3", C="K1 K2", D="K1 K2", E="K1 K2")
    assert told(state, "K1", "K2", "K3", "k1") == [
        Brief("K1", "ABCDE", (("duplicate", ("B",)),)),
        Brief("K2", "A.CDE", (("gap", ("B",)),)),
        Brief("K3", ".B...", (("unauthorized", ("B",)),)),
        Brief("k1", ".B...", (("duplicate", ("B",)), ("variant", ("B",)))),
    ]


@settings(deadline=None)
@given(states())
def test_same_as_the_list_of_findings(state: State) -> None:
    at = index(state)
    listed = {
        (key, kind, name)
        for kind, mask, canonical, keys, _ in findings(at).iter_rows()
        for name in at.systems.members(mask)
        for key in (keys if ABOUT[kind] is About.SPELLING else at.rows.filter(canonical=canonical)["key"])
    }
    brief = {
        (one.key, kind, name)
        for one in briefs(at, at.rows["key"], odd(at))
        for kind, names in one.wrong
        for name in names
    }
    assert brief == listed
