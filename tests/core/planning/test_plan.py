from __future__ import annotations

import itertools
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.kinds import KINDS
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model.counts import Counts
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import PROPOSE, REPORT, Plan, as_edit
from keysync_shell.core.planning.plan import plan
from keysync_shell.core.planning.policy import Policy
from tests.building import applied, deciding, index, keys, rows, systems
from tests.strategies import PURE, few_spellings, spellings, states

MANY, FEW = settings(PURE, max_examples=30), settings(PURE, max_examples=10)
DECISIONS = {kind.name: kind.decisions for kind in KINDS}
policies = st.builds(deciding, **{name: st.sampled_from(decisions) for name, decisions in DECISIONS.items()})
EVERYTHING_WRONG = {
    "A": ["K1", "K2", "k3", "K4!", "K5", "k5", "K6", "K6"],
    "B": ["k1", "K3", "K9", "k9", "K4!", "K!1"],
    "C": ["K1!", "K2", "K2", "K-9 ", "X1"],
    "D": ["!!", "K5", "K6", "K6", "k6"],
    "E": ["K1", "K2", "k3", "K4!", "K5", "K6"],
}


def decided(*decisions: str) -> Policy:
    """A policy from a decision for each kind, in their order."""
    chosen: dict[str, Any] = dict(zip(DECISIONS, decisions, strict=False))
    return deciding(**chosen)


def planned(state: State, policy: Policy | None = None, registered: frozenset[str] = frozenset()) -> Plan:
    return plan(state, index(state), policy or Policy(), registered)


def written(made: Plan) -> list[str]:
    """The actions as people would write them down: `+ D K1 < A`, `~ C k1 > K1`."""
    return [
        f"{sign} {system} {key}" + (f" > {became}" if became else "") + (f" < {source}" if source else "")
        for sign, system, key, became, source in made.actions.select(
            "sign", "system", "key", "became", "source"
        ).iter_rows()
    ]


def carried_out(state: State, made: Plan) -> State:
    return state.apply(as_edit(state, made).change)


def proposed(made: Plan) -> frozenset[str]:
    return frozenset(made.actions.filter(pl.col("sign") == PROPOSE)["key"])


# The table of actions, row by row

ALL = {"B": "K1", "C": "K1", "E": "K1"}
TABLE = [
    ({}, {"A": "K1", "D": "K1", **ALL}, []),
    ({}, {"A": "K1", **ALL}, ["+ D K1 < A"]),
    ({}, {"A": "k1", "B": "k1", "C": "k1", "E": "k1"}, ["+ D k1 < A"]),
    ({}, {"A": ["K1", "k1"], **ALL}, ["+ D K1 < A", "! A K1"]),
    ({"gap": "ignore"}, {"A": "K1", **ALL}, []),
    ({}, {"C": "x1", "D": "X1"}, ["? C X1", "! C x1"]),
    ({"unauthorized": "adopt", "gap": "ignore"}, {"C": "X1", "D": "X1"}, ["+ A X1 < C"]),
    (
        {"unauthorized": "adopt", "gap": "ignore"},
        {"C": "X1!", "D": "X1"},
        ["+ A X1 < D", "! C X1!", "! C X1!"],
    ),
    ({"unauthorized": "remove"}, {"C": "X1 x1", "D": "X1"}, ["- C X1", "- C x1", "- D X1"]),
    ({"unauthorized": "ignore"}, {"C": "X1"}, []),
    ({}, {"A": "K1", "D": "k1", **ALL}, ["! D k1"]),
    ({"variant": "respell"}, {"A": "K1", "D": "k1", **ALL}, ["~ D k1 > K1"]),
    ({"variant": "respell", "unauthorized": "ignore"}, {"D": "x_1"}, ["~ D x_1 > X-1"]),
    ({}, {"A": "K1", "D": "K1 K1", **ALL}, ["! D K1"]),
    ({"duplicate": "keep-first"}, {"A": "K1", "D": "K1 K1", **ALL}, ["- D K1"]),
    ({"duplicate": "keep-first"}, {"A": "K1", "D": "K1 k1", **ALL}, ["- D k1"]),
    ({"duplicate": "keep-first"}, {"A": "K1", "D": "K1 K1 k1", **ALL}, ["- D K1", "- D k1"]),
    ({"duplicate": "canonical"}, {"A": "K1", "D": "K1 K1 k1 k1", **ALL}, ["- D K1", "- D k1 > K1"]),
    ({"duplicate": "canonical"}, {"A": "k1", "D": "K1 k1", "B": "k1", "C": "k1", "E": "k1"}, ["- D K1 > k1"]),
    ({"duplicate": "canonical"}, {"A": "K1", "D": ["k1", "K1 "], **ALL}, ["~ D K1  > K1", "- D k1 > K1"]),
    ({"duplicate": "keep-first"}, {"A": "K1 K1", "D": "K1", **ALL}, ["! A K1"]),
    ({"malformed": "report", "gap": "ignore"}, {"D": ["!"]}, ["! D !"]),
    ({"malformed": "remove"}, {"D": ["!"]}, ["- D !"]),
    ({"malformed": "remove"}, {"A": ["!"], "D": ["!"]}, ["! A !", "! D !"]),
]


@pytest.mark.parametrize(("policy", "held", "expected"), TABLE, ids=str)
def test_table_of_actions(policy: dict[str, Any], held: dict[str, str | list[str]], expected: list[str]) -> None:
    assert written(planned(systems(**held), deciding(**policy))) == expected


def test_every_decision_about_whatever_a_finding_is_about_is_in_the_table() -> None:
    """What a decision does depends on nothing else, so a new kind with decisions that there are needs no row."""
    asked = {(kind.about, policy.get(kind.name, kind.decisions[0])) for policy, _, _ in TABLE for kind in KINDS}
    assert asked == {(kind.about, decision) for kind in KINDS for decision in kind.decisions}


def test_registered_key_is_not_proposed_again() -> None:
    assert written(planned(systems(B="X1 X2"), registered=frozenset(["X1"]))) == ["? B X2"]


def test_decision_about_a_key_goes_before_that_about_its_kind_where_it_fits() -> None:
    policy = deciding(overrides={"K1": "ignore", "X1": "remove", "K2": "remove"})
    state = systems(A="K1 K2", B="X1", C="K2", D="K2", E="K2")
    assert written(planned(state, policy)) == ["+ B K2 < A", "- B X1"]


def test_malformed_spelling_that_goes_leaves_a_gap_that_is_filled() -> None:
    state = systems(A="K1", B="K1", C="K1", D="K1!", E="K1")
    made = planned(state, deciding(malformed="remove"))
    assert written(made) == ["- D K1!", "+ D K1 < A"]
    assert applied(state, as_edit(state, made))["D"] == ["K1"]


@pytest.mark.parametrize("malformed", ["report", "remove"])
@pytest.mark.parametrize("variant", ["report", "respell"])
def test_one_row_of_a_duplicate_is_left_whatever_else_is_done_about_it(malformed: str, variant: str) -> None:
    policy = deciding(unauthorized="ignore", variant=variant, duplicate="keep-first", malformed=malformed)
    state = systems(B=["K!1", "K1"])
    [left] = keys(carried_out(state, planned(state, policy)))["B"]
    assert left in ("K!1", "K1")


def test_gap_is_filled_with_one_row_of_what_the_authority_repeats() -> None:
    state = systems(A="K1 K1", B="K1", C="K1", E="K1")
    assert applied(state, as_edit(state, planned(state)))["D"] == ["K1"]


def test_authority_that_is_not_the_first_adopts_before_others_lose() -> None:
    order = Systems(("A", "B"), "B")
    state = State(order, {"A": rows(["X1!"], "A"), "B": rows("", "B")})
    made = planned(state, deciding(unauthorized="adopt", malformed="remove"))
    assert keys(carried_out(state, made)) == {"A": ["X1!"], "B": ["X1!"]}


def test_row_is_carried_with_its_columns() -> None:
    state = systems(A="K1")
    after = carried_out(state, planned(state))
    assert after.tables["D"].rows() == [("K1", "2026-01-02T12:00:00Z", "D", "active")]


# Parts of a plan


@pytest.mark.parametrize(
    ("held", "decisions"),
    [
        ({"A": "上海-1", "B": "北京-1"}, {"variant": "respell"}),
        ({"A": "北京-1", "B": "-1"}, {"variant": "respell"}),
        ({"B": "上海-1 北京-1"}, {"duplicate": "keep-first"}),
        ({"A": "-1", "B": "-1 北京-1"}, {"duplicate": "canonical", "variant": "respell"}),
        ({"A": "Jose", "B": "José"}, {"variant": "respell"}),
    ],
)
def test_keys_that_lost_letters_are_never_taken_for_another(held: dict[str, str], decisions: dict[str, Any]) -> None:
    made = planned(systems(**held), deciding(gap="ignore", unauthorized="ignore", **decisions))
    assert set(made.actions["sign"]) == {REPORT}


def test_repeats_of_a_key_that_lost_letters_are_repeats_all_the_same() -> None:
    state = systems(A="上海-1", B="北京-1 北京-1")
    assert written(planned(state, deciding(gap="ignore", duplicate="keep-first")))[:1] == ["- B 北京-1"]


def test_spellings_in_other_alphabets_are_respelled_where_no_letter_is_lost() -> None:
    state = systems(A="Москва-1", B="москва_1")
    made = plan(state, index(state, Rules(letters="unicode")), deciding(gap="ignore", variant="respell"))
    assert written(made) == ["~ B москва_1 > Москва-1"]


def test_part_of_a_plan_about_a_kind_and_a_system() -> None:
    state = systems(A="K1", B="k1", C="X1")
    assert written(plan(state, index(state), Policy(), only=["gap"], systems=["D"])) == ["+ D K1 < A"]
    assert written(plan(state, index(state), deciding(variant="respell"), only=["variant"])) == ["~ B k1 > K1"]


def test_part_does_not_count_on_what_is_not_in_it() -> None:
    state = systems(A="K1", B="K1", C="K1", D=["K1!"], E="K1")
    assert written(plan(state, index(state), deciding(malformed="remove"), only=["gap"])) == []
    respelled = deciding(variant="respell", duplicate="keep-first")
    doubles = systems(A="K1", B="K1", C="K1", D="K1 k1", E="K1")
    assert written(plan(doubles, index(doubles), respelled, only=["duplicate"])) == ["- D k1"]


# What always holds


def holds(state: State, policy: Policy, rules: Rules | None = None) -> None:
    """Carrying out leaves nothing to do, no finding that the policy covers, and the authority alone."""
    before = Index.build(state, rules or Rules())
    made = plan(state, before, policy)
    after = carried_out(state, made)
    later = Index.build(after, rules or Rules())
    again = plan(after, later, policy, proposed(made))
    assert not again.changes_anything
    doubtful = {canonical for canonical, _, spelled in later.groups().iter_rows() if any(map(loses_letters, spelled))}
    left = findings(later).rows()
    assert [found for found in left if covered(found, after, policy, in_doubt=found[2] in doubtful)] == []
    if policy.about("unauthorized") != "adopt":
        assert after.tables["A"].equals(state.tables["A"])
    else:
        assert set(after.keys("A")) >= set(state.keys("A"))


def loses_letters(key: str) -> bool:
    """Whether a key holds letters or digits that count for nothing under rules for ASCII."""
    return any(letter.isalnum() and not letter.isascii() for letter in key.upper())


def covered(finding: tuple[str, int, str, list[str], str], after: State, policy: Policy, *, in_doubt: bool) -> bool:
    """Whether the policy should have done away with a finding: never with what the authority itself writes.

    `in_doubt`: its spellings may be different keys.
    """
    kind, mask, _, spelled, _ = finding
    ours = bool(mask & after.systems.authority_bit)
    match kind:
        case "gap":
            return policy.about(kind) == "propagate"
        case "unauthorized":
            return policy.about(kind) in ("adopt", "remove")
        case "variant":
            return policy.about(kind) == "respell" and not in_doubt
        case "duplicate":
            return policy.about(kind) != "report" and not ours and not in_doubt
        case _:
            return policy.about(kind) == "remove" and spelled[0] not in set(after.keys("A"))


@MANY
@given(states(), policies, st.sampled_from([0, 2]))
def test_carrying_a_plan_out_leaves_nothing_that_the_policy_covers(state: State, policy: Policy, pad: int) -> None:
    holds(state, policy, Rules(pad_numbers=pad))


@pytest.mark.parametrize("decisions", [tuple(known[-1] for known in DECISIONS.values()), ("propagate", "adopt")])
def test_the_boldest_policies_on_everything_wrong(decisions: tuple[str, ...]) -> None:
    holds(systems(**EVERYTHING_WRONG), decided(*decisions))


@pytest.mark.nightly
@pytest.mark.parametrize("decisions", list(itertools.product(*DECISIONS.values())), ids="-".join)
def test_every_combination_of_decisions_on_everything_wrong(decisions: tuple[str, ...]) -> None:
    holds(systems(**EVERYTHING_WRONG), decided(*decisions))


@FEW
@given(states(), policies)
def test_actions_do_not_depend_on_the_order_of_anything(state: State, policy: Policy) -> None:
    again = systems(**{name: list(reversed(state.keys(name).to_list())) for name in state.systems.names})
    assert planned(again, policy).actions.equals(planned(state, policy).actions)


@FEW
@given(states(), policies, st.dictionaries(spellings, st.sampled_from(["ignore", "remove", "report"]), max_size=3))
def test_ignored_keys_are_left_alone(state: State, policy: Policy, overrides: dict[str, str]) -> None:
    made = planned(state, policy.but({"overrides": dict.fromkeys(overrides, "ignore")}))
    assert not made.actions["canonical"].is_in(list(overrides)).any()


@FEW
@given(few_spellings, few_spellings)
def test_a_plan_that_only_reports_changes_nothing(ours: list[str], theirs: list[str]) -> None:
    made = planned(systems(A=ours, B=theirs), deciding(gap="ignore", unauthorized="ignore"))
    assert set(made.actions["sign"]) <= {REPORT}
    assert not as_edit(systems(A=ours, B=theirs), made).change


@MANY
@given(states(), policies)
def test_the_rows_of_a_plan_are_those_that_carrying_it_out_moves(state: State, policy: Policy) -> None:
    made = planned(state, policy)
    edit = as_edit(state, made)
    assert made.rows() == {name: counts for name, counts in sorted(edit.counts.items()) if counts != Counts()}
    after = state.apply(edit.change)
    for name in state.systems.names:
        counts = edit.counts.get(name, Counts())
        assert after.rows(name) - state.rows(name) == counts.added - counts.removed


def test_what_a_plan_tells_comes_in_one_order() -> None:
    made = planned(systems(**EVERYTHING_WRONG), Policy({"duplicate": "canonical", "malformed": "remove"}))
    assert list(made.counts()) == [sign for sign in "+-~?!" if sign in made.counts()]
    assert list(made.rows()) == sorted(made.rows())
