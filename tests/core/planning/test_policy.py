from __future__ import annotations

import pytest

from keysync_shell.core.findings.kinds import KINDS, Kind
from keysync_shell.core.planning.policy import Policy
from keysync_shell.errors import KeySyncError


def test_first_decision_of_each_kind_is_the_default() -> None:
    for kind in KINDS:
        assert Policy().about(kind.name) == kind.decisions[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"gap": "adopt"}, "policy for gap: 'adopt' is not one of propagate, ignore"),
        ({"strategy": "random"}, "strategy: 'random' is not one of mirror, namespaced"),
        ({"overrides": {"K1": "burn"}}, "decision: 'burn' is not one of adopt, canonical, ignore, keep-first"),
    ],
)
def test_unknown_decision_is_refused(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(KeySyncError, match=message):
        Policy.of(wrong)


def test_master_key_is_the_canonical_key_or_carries_prefix_and_system() -> None:
    assert Policy().master_key("X-1", "C") == "X-1"
    assert Policy(strategy="namespaced", prefix="MK").master_key("X-1", "C") == "MK-C-X-1"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_settled_policy_is_one_that_makes_no_new_findings(kind: Kind) -> None:
    settled = {"propagate", "propose", "report", "ignore"}
    for decision in kind.decisions:
        assert Policy({kind.name: decision}).settled == (decision in settled)
    assert not Policy(overrides={"K1": "remove"}).settled
