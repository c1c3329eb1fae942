"""The program against an oracle in plain sets: numbers, findings, selectors, plans, and what is there after them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import asdict

import polars as pl
import pytest

from keysync_shell.core.findings.counting import summarize
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.kinds import KINDS
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import as_edit
from keysync_shell.core.planning.plan import plan
from keysync_shell.core.planning.policy import Policy
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.reconcile.engine import predict
from tests.building import rows
from tests.crash import oracle
from tests.crash.oracle import CHOICES, DEFAULTS, World
from tests.crash.report import tried

NAMES = "ABCDEFG"
STEMS = (
    *("K1", "K-1", "K-02-7", "7", "КЛЮЧ-1", "北京-1", "上海-1"),
    *("é1", "e\u03011", "ß1", "ŉ2", "ﬁ-1", "١-1", "Ⅷ", "ǆ1"),
)
NOISE = (*" \t\u00a0\u2003_-!.é0", "\u200b", "\u0301", "\ufe0f", "\u00ad", "--", " - ", "__", "ж", "K")
COUNTS = [30, pytest.param(1000, marks=[pytest.mark.nightly, pytest.mark.timeout(7200)])]


def spelling(dice: random.Random) -> str:
    """Few canonical keys in many spellings, so that small systems are full of discrepancies."""
    key = dice.choice(STEMS)
    if dice.random() < 0.3:
        key = key.lower()
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 4))):
        at = dice.randrange(len(key) + 1)
        key = key[:at] + dice.choice(NOISE) + key[at:]
    return key if dice.random() < 0.95 else dice.choice(("", "!", "-", " ", "é", "\u200b", "_ _"))


def world(dice: random.Random) -> World:
    names = NAMES[: dice.randint(2, 7)]
    pool = [spelling(dice) for _ in range(dice.randint(1, 12))]
    held = {name: Counter(dice.choices(pool, k=dice.randint(0, 9))) for name in names}
    switches = {rule: dice.random() < 0.75 for rule in ("trim", "uppercase", "collapse_delimiters", "strip_other")}
    letters = dice.choice(("ascii", "unicode"))
    rules = oracle.Rules(**switches, letters=letters, pad_numbers=dice.choice((0, 0, 1, 3)))
    return World(held, dice.choice(names), rules)


def state_of(world: World) -> State:
    return State(
        Systems(tuple(world.rows), world.authority),
        {name: rows(list(held.elements()), name) for name, held in world.rows.items()},
    )


def expression(dice: random.Random, names: str, depth: int) -> str:
    if depth and dice.random() < 0.6:
        sides = (expression(dice, names, depth - 1) for _ in range(2))
        return f"({next(sides)} {dice.choice('&|-')} {next(sides)})"
    kind = dice.choice(tuple(DEFAULTS))
    words = [dice.choice(names), kind, f"{kind}:{dice.choice(names)}"]
    return dice.choice([*words, f"pattern:{''.join(dice.sample(names, dice.randint(1, len(names))))}"])


def listed(index: Index) -> list[oracle.Finding]:
    found = findings(index).select("kind", "systems", "canonical", "keys", "form").iter_rows()
    members = index.systems.members
    return sorted((kind, members(mask), key, oracle.in_order(keys), form) for kind, mask, key, keys, form in found)


def held_by(state: State) -> dict[str, Counter[str]]:
    return {name: Counter(state.keys(name).to_list()) for name in state.systems.names}


def by_kind(numbers: dict[str, int]) -> dict[str, int]:
    return {kind.name: numbers[kind.plural] for kind in KINDS}


def check(dice: random.Random) -> None:
    there = world(dice)
    state = state_of(there)
    index = Index.build(state, Rules(**asdict(there.rules)))
    _check_keys(there, index)
    _check_findings(there, state, index)
    for _ in range(3):
        _check_selected(there, index, expression(dice, "".join(there.rows), 2))
    for policy in (DEFAULTS, {kind: dice.choice(choices) for kind, choices in CHOICES.items()}):
        _check_plan(there, state, index, policy)


def _check_keys(there: World, index: Index) -> None:
    told = index.rows.select("key", "canonical", "plain", "malformed").rows()
    assert {row[0]: row[1:] for row in told} == {
        key: (there.rules.canonical(key), there.rules.plain(key), there.rules.malformed(key)) for key in there.canonical
    }


def _check_findings(there: World, state: State, index: Index) -> None:
    assert listed(index) == there.findings
    summary, numbers = summarize(index, state), there.numbers()
    for row in summary.systems:
        data = row.as_data()
        keys = {name: data[name] for name in ("rows", "total", "unique", "missing")}
        assert {**keys, **by_kind(data)} == numbers[row.name]
    every = Counter(one[0] for one in there.findings)
    assert by_kind(summary.discrepancies) == {kind: every[kind] for kind in DEFAULTS}
    assert (summary.keys, summary.in_sync) == (
        len(there.every),
        sum(there.pattern(key) == tuple(there.rows) for key in there.every),
    )
    patterns = Counter(state.systems.pattern(state.systems.mask(there.pattern(key))) for key in there.every)
    assert dict(summary.patterns) == patterns


def _check_selected(there: World, index: Index, word: str) -> None:
    text = word if "(" not in word else word[1:-1]
    if " " not in text and text in there.rows:  # alone it is a key, not a system
        text = f"{text} | {text}"
    keys = index.rows["key"]
    found = KeyQuery.parse([text], Limits(), look_up=True).on(index).matches(keys)
    assert set(found) == there.selected(word), word


def _check_plan(there: World, state: State, index: Index, policy: dict[str, str]) -> None:
    made, prediction = predict(state, index, Policy.of(policy))
    expected = oracle.applied(there, policy)
    edit = as_edit(state, made)
    after = state.apply(edit.change)
    assert held_by(after) == dict(expected.world.rows), policy
    proposed = made.actions.filter(pl.col("sign") == "?").select("canonical", "system")
    assert dict(proposed.iter_rows()) == expected.proposed
    assert {name: counts for name, counts in edit.counts.items() if any(vars(counts).values())} == prediction.systems
    for name, held in there.rows.items():
        counts = prediction.systems.get(name)
        grown = counts.added - counts.removed if counts else 0
        assert expected.world.rows[name].total() - held.total() == grown
    updated = index.updated(edit.change)
    assert listed(updated) == listed(Index.build(after, index.rules)) == expected.world.findings
    again = plan(after, updated, Policy.of(policy), set(expected.proposed))
    assert not again.changes_anything, policy
    if policy["unauthorized"] != "adopt":
        assert held_by(after)[there.authority] == there.rows[there.authority]


@pytest.mark.parametrize("count", COUNTS)
def test_the_program_and_plain_sets_agree(count: int) -> None:
    for seed in range(count):
        try:
            check(random.Random(seed))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {world(random.Random(seed))}") from error
    what = "states of 2 to 7 systems by any rules, 2 policies and 3 key sets each: equal"
    tried("an oracle in plain sets", f"{count:,} {what}")


@pytest.mark.parametrize(
    ("where", "broken"),
    [
        ("keysync_shell.core.model.normalize.TIDYING_AGAIN", ("trim",)),
        ("keysync_shell.core.planning.plan.losing_letters", lambda _: pl.Series([], dtype=pl.String)),
        ("keysync_shell.core.findings.spellings._held_twice", lambda _: pl.lit(0, dtype=pl.UInt32)),
    ],
)
def test_the_oracle_notices_a_fault(where: str, broken: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, broken)
    assert any(map(disagrees, range(60)))


def disagrees(seed: int) -> bool:
    try:
        check(random.Random(seed))
    except AssertionError:
        return True
    return False


def test_oracle_knows_the_examples_of_the_readme() -> None:
    ascii_ones, every = oracle.Rules(), oracle.Rules(letters="unicode")
    assert [ascii_ones.canonical(key) for key in (" cust_1", "A-!-B", "A !", "北京-1", "Москва")] == [
        "CUST-1", "A-B", "A-", "-1", "",
    ]  # fmt: skip
    assert [every.canonical(key) for key in ("北京-1", "москва", "e\u0301")] == ["北京-1", "МОСКВА", "É"]
    assert oracle.Rules(pad_numbers=3).canonical("k-7-x7") == "K-007-X7"
