"""Scenarios as flat lists of actions."""

from __future__ import annotations

import pytest

from keysync_shell.errors import KeySyncError
from keysync_shell.scenarios.filling import filled, unknown
from keysync_shell.scenarios.loading import BadScenario, load
from keysync_shell.scenarios.model import Scenario
from keysync_shell.scenarios.places import Text
from keysync_shell.scenarios.unrolling import Action, Branch, Jump, chosen, unrolled


def scenario(steps: str, head: str = "") -> Scenario:
    return load(f"name: x\n{head}steps:\n{steps}", "x.yaml")


def none(text: Text) -> Scenario:
    raise KeySyncError(f"no scenario is called {text}")


def told(actions: tuple[Action, ...]) -> list[str]:
    """Each action as a word or two."""
    words = []
    for action in actions:
        match action:
            case Branch():
                words.append(f"unless {action.step.model_dump()['when']} goto {action.otherwise}")
            case Jump():
                words.append(f"goto {action.to}")
            case _:
                words.append(filled(getattr(action.step, action.step.WORD), action.values))
    return words


def test_branches_become_jumps() -> None:
    steps = "- when: gaps > 0\n  then: [note: a, note: b]\n  otherwise: [note: c]\n- note: d\n"
    actions = unrolled(scenario(steps), {}, none)
    assert told(actions) == ["unless gaps > 0 goto 4", "a", "b", "goto 5", "c", "d"]


def test_a_branch_without_otherwise_jumps_behind_it() -> None:
    actions = unrolled(scenario("- when: gaps > 0\n  then: [note: a]\n- note: b\n"), {}, none)
    assert told(actions) == ["unless gaps > 0 goto 2", "a", "b"]


def test_repeats_count_their_rounds_and_say_where_they_are() -> None:
    steps = "- repeat: $n\n  steps: [run: add-key K-$round]\n"
    actions = unrolled(scenario(steps, "params: {n: {default: 2}}\n"), {"n": "2"}, none)
    assert told(actions) == ["add-key K-1", "add-key K-2"]
    assert [action.trail for action in actions] == ["round 1 of 2", "round 2 of 2"]


def test_an_include_takes_our_params_and_its_own_defaults_for_the_rest() -> None:
    other = load("name: y\nparams: {n: {default: 9}, m: {default: 7}}\nsteps: [run: 'add $n $m']\n", "y.yaml")
    actions = unrolled(scenario("- include: y\n"), {"n": "1"}, lambda _: other)
    assert told(actions) == ["add 1 7"]
    assert actions[0].place.file == "y.yaml"


def test_every_fault_of_the_steps_is_told_at_once() -> None:
    steps = "- run: add $kes\n- include: nowhere\n- same-as: start\n- repeat: many\n  steps: [note: a]\n"
    with pytest.raises(BadScenario) as caught:
        unrolled(scenario(steps), {"keys": "3"}, none)
    assert caught.value.findings == [
        "x.yaml:3:8: no param is called $kes; did you mean $keys?",
        "x.yaml:4:12: no scenario is called nowhere",
        "x.yaml:5:12: nothing before this is marked 'start'",
        "x.yaml:6:11: 'many' is not a number of times",
    ]


def test_a_scenario_that_includes_itself_is_refused() -> None:
    me = scenario("- include: x\n")
    with pytest.raises(BadScenario, match="x includes itself: x → x"):
        unrolled(me, {}, lambda _: me)


def test_too_many_actions_are_refused_and_not_made() -> None:
    steps = "- repeat: 1000\n  steps:\n  - repeat: 1000\n    steps: [note: a]\n"
    with pytest.raises(BadScenario, match="more than 100,000 actions"):
        unrolled(scenario(steps), {}, none)


def test_params_are_checked_against_their_bounds() -> None:
    bounded = scenario("- note: a\n", "params: {keys: {default: 10, min: 5}}\nseed: 7\n")
    assert chosen(bounded, {"keys": "6"}) == {"keys": "6", "seed": "7"}
    for given, fault in (({"keys": "4"}, "4 is less than 5"), ({"keys": "x"}, "'x' is not"), ({"kes": "1"}, r"\$kes")):
        with pytest.raises(KeySyncError, match=fault):
            chosen(bounded, given)


def test_dollars_that_name_nothing_stay() -> None:
    assert filled("re:^A$ $$n $n", {"n": "5"}) == "re:^A$ $n 5"
    assert unknown("re:^A$ $$n", []) == ""
