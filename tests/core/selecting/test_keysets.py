from __future__ import annotations

import contextlib
from collections.abc import Callable
from operator import and_, or_, sub

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.findings.kinds import KINDS, About, Kind
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.findings.spellings import described, spellings
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.holders import listed
from keysync_shell.core.selecting.keysets import is_last, meant
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError
from tests.building import FIVE, index, query, systems
from tests.core import reference
from tests.strategies import PURE, STATES, states
from tests.strategies import spellings as awkward

THERE = systems(
    A=["K1", "K2", "K3", "K4", "M!"],
    B=["K1", "k2", "X1", "X1", "!"],
    C=["K1", "K2", "K3", "x 2"],
    D=["K1", "K-5", "k-5", "gap", "A - D"],
    E=["K1", "K2", "K3", "K4", "M!"],
)


def selected(*words: str, state: State = THERE) -> list[str]:
    there = index(state)
    return query(*words).on(there).matches(there.rows["key"]).to_list()


def last(*keys: str) -> Callable[[], pl.Series]:
    return lambda: pl.Series("key", keys, dtype=pl.String)


@pytest.mark.parametrize(
    ("word", "keys"),
    [
        ("gap:D", ["K2", "K3", "K4", "M!", "k2"]),
        ("gap:d", ["K2", "K3", "K4", "M!", "k2"]),
        ("gap:C", ["K4", "M!"]),
        ("gap:A", []),
        ("gap:E", []),
        ("gap", ["K2", "K3", "K4", "M!", "k2"]),
        ("gaps", ["K2", "K3", "K4", "M!", "k2"]),
        ("unauthorized:B", ["X1"]),
        ("unauthorized", ["A - D", "K-5", "X1", "gap", "k-5", "x 2"]),
        ("duplicate", ["K-5", "X1", "k-5"]),
        ("duplicates:B", ["X1"]),
        ("variant:B", ["k2"]),
        ("variant", ["A - D", "gap", "k-5", "k2", "x 2"]),
        ("malformed:B", ["!"]),
        ("malformed", ["!", "M!"]),
        ("pattern:ABCDE", ["K1"]),
        ("pattern:ABC.E", ["K2", "k2"]),
        ("pattern:a·c·e", ["K3"]),
        ("pattern:AE", ["K4", "M!"]),
        ("A - D", ["K2", "K3", "K4", "M!", "k2"]),
        ("a - d", ["K2", "K3", "K4", "M!", "k2"]),
        ("(B | C) - A", ["X1", "x 2"]),
        ("( B | C )  -  ( A )", ["X1", "x 2"]),
        ("A & B", ["K1", "K2", "k2"]),
        ("gap:D & K*", ["K2", "K3", "K4"]),
        ("gap:D & K2..K3", ["K2", "K3"]),
        ("A & re:^(K|M)[34!]$", ["K3", "K4", "M!"]),
        ("(re:^K) - A", ["K-5"]),
        ("gap - variant - malformed", ["K2", "K3", "K4"]),
        ("gap - K2 - K3", ["K4", "M!", "k2"]),
        ("gap - (K2 - K3)", ["K3", "K4", "M!", "k2"]),
        ("gap - key:nothing", ["K2", "K3", "K4", "M!", "k2"]),
        ("B - A | C & D", ["K1", "X1"]),
        ("(B - A | C) & D", ["K1"]),
        ("key:gap", ["gap"]),
        ("key:A - D", ["A - D"]),
        ("D & key:gap", ["gap"]),
        ("gap:D & pattern:AE", ["K4", "M!"]),
        ("E & B", ["K1", "K2", "k2"]),
        ("malformed - A", ["!"]),
    ],
)
def test_words_mean_sets(word: str, keys: list[str]) -> None:
    assert selected(word) == keys


def test_sets_and_other_words_add_up() -> None:
    assert selected("unauthorized:B", "K1", "gap:C", "x*") == ["K1", "K4", "M!", "X1", "x 2"]


@pytest.mark.parametrize(
    "word", ["A", "(A)", "a-b", "A-D", "A -D", "x -", "- x", "gapp:D", "pattern", "gap-D", "A\u00a0-\u00a0D"]
)
def test_other_words_stay_keys(word: str) -> None:
    assert query(word).literals == (word,)


def test_sets_are_plain_keys_where_keys_are_made() -> None:
    assert query("gap:D", "A - D", look_up=False).named().to_list() == ["A - D", "gap:D"]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("gap:Z", "unknown system 'Z'"),
        ("gap:", "unknown system ''"),
        ("pattern:AZ", "unknown system 'Z'"),
        ("pattern:", "pattern '' names no system"),
        ("A - gap:Z", "unknown system 'Z'"),
        ("A - F", "F in 'A - F' is neither a system nor an existing key"),
        ("K - 1", "K in 'K - 1' is neither a system nor an existing key"),
        ("(A - D", "bad key set '(A - D': a parenthesis is never closed"),
        ("A - (D", "bad key set 'A - (D': a parenthesis is never closed"),
        ("A - D)", "bad key set 'A - D)': a parenthesis is closed that was never opened"),
        ("(A) - D) & (B", "bad key set '(A) - D) & (B': a parenthesis is closed that was never opened"),
        ("A - ", "bad key set 'A - ': there is nothing on one side of an operator"),
        (" - A", "bad key set ' - A': there is nothing on one side of an operator"),
        ("() - A", "bad key set '() - A': there is nothing on one side of an operator"),
        ("A | ( | B)", "bad key set 'A | ( | B)': there is nothing on one side of an operator"),
        ("A & re:(", "bad regular expression '('"),
        ("(" * 5000 + "A - B" + ")" * 5000, "more than 100 operators and parentheses"),
        (" - ".join("A" * 102), "more than 100 operators and parentheses"),
    ],
)
def test_what_does_not_add_up_is_refused_with_the_way_out(word: str, reason: str) -> None:
    with pytest.raises(KeySyncError) as error:
        selected(word)
    assert reason in error.value.message
    assert error.value.hint


def test_a_hundred_signs_are_fine() -> None:
    assert selected(" | ".join("A" * 101)) == selected("A | A")
    assert selected("(" * 49 + "A - D" + ")" * 49) == selected("gap:D")


def test_what_is_probably_meant() -> None:
    assert meant("gapp:D") == ["gap:D"]
    assert meant("unauthorised:b") == ["unauthorized:b"]
    assert meant("CUST-1") == meant("note:x") == []


def test_last_is_the_previous_result() -> None:
    there = index(THERE)
    for word, keys in {
        "@last": ["K1", "k2"],
        "@last - B": [],
        "gap:D & @last": ["k2"],
        "(@last | C) - B": ["K3", "x 2"],
    }.items():
        found = KeyQuery.parse([word], Limits(), look_up=True, last=last("k2", "K1", "k2", "gone")).on(there)
        assert found.matches(there.rows["key"]).to_list() == keys


def test_without_a_previous_result_last_is_an_error() -> None:
    for word in ("@last", "A - @last"):
        with pytest.raises(KeySyncError, match="there is no previous result") as error:
            query(word)
        assert "@./last" in error.value.hint


@pytest.mark.parametrize(
    ("word", "about"), [("@last", True), ("@last - A", True), ("@last-A", False), ("@lost - A", False)]
)
def test_which_words_are_about_the_previous_result(word: str, about: bool) -> None:
    assert is_last(word) == about


def test_a_query_without_sets_needs_no_index() -> None:
    plain = query("K1", "k*")
    assert plain.on(index(THERE)) is plain


def test_a_query_with_sets_is_not_answered_without_an_index() -> None:
    with pytest.raises(AssertionError, match="on"):
        query("gap").matches(THERE.keys("A"))


@STATES
@given(states())
def test_groups_without_odd_spellings_are_described_alike(state: State) -> None:
    rows = index(state).rows
    slowly = spellings(rows, FIVE)
    assert described(rows, FIVE).select(slowly.columns).sort("key").equals(slowly)


@STATES
@given(states(), st.sampled_from(KINDS), st.sampled_from([None, *FIVE.names]))
def test_findings_and_key_sets_are_about_the_same_keys(state: State, kind: Kind, system: str | None) -> None:
    there = index(state)
    found = findings(there, [kind.name], None if system is None else [system])
    keys = selected(kind.name if system is None else f"{kind.name}:{system}", state=state)
    if kind.about is About.SPELLING:
        assert keys == sorted(set(found["keys"].explode().drop_nulls()), key=str.encode)
    else:
        family = there.rows.filter(pl.col("canonical").is_in(found["canonical"].implode()))
        assert keys == family["key"].to_list()


@STATES
@given(states(), st.integers(1, FIVE.all_bits))
def test_pattern_selects_what_list_does(state: State, mask: int) -> None:
    there, pattern = index(state), FIVE.pattern(mask)
    assert (
        selected(f"pattern:{pattern}", state=state) == listed(there, query("*"), FIVE.all_bits, mask)["key"].to_list()
    )


Meaning = tuple[str, Callable[[dict[str, set[str]], dict[str, str]], set[str]]]
OPERATORS: dict[str, Callable[[set[str], set[str]], set[str]]] = {"-": sub, "|": or_, "&": and_}


def _system(name: str) -> Meaning:
    return name, lambda held, canonical: {key for key, of in canonical.items() if of in held[name]}


def _combined(left: Meaning, operator: str, right: Meaning) -> Meaning:
    combine = OPERATORS[operator]
    return f"({left[0]} {operator} {right[0]})", lambda *about: combine(left[1](*about), right[1](*about))


glob: Meaning = ("[Kk]*", lambda _, canonical: {key for key in canonical if key[:1] in ("K", "k")})
leaves = st.sampled_from([*map(_system, FIVE.names), glob])
expressions = st.recursive(
    leaves, lambda inner: st.builds(_combined, inner, st.sampled_from("-|&"), inner), max_leaves=6
)


@STATES
@given(states(), expressions)
def test_algebra_is_that_of_sets(state: State, expression: Meaning) -> None:
    keys = {name: state.keys(name).to_list() for name in FIVE.names}
    canonical = {key: reference.normalized(key).canonical for spelled in keys.values() for key in spelled}
    word, meaning = expression
    expected = meaning(reference.held(keys, 0), canonical)
    assert selected(f"({word}) | ({word})", state=state) == sorted(expected, key=str.encode)


@PURE
@given(st.lists(st.sampled_from("-|&"), min_size=1, max_size=6))
def test_precedence(operators: list[str]) -> None:
    names = [FIVE.names[i % 5] for i in range(len(operators) + 1)]
    plain = "".join(f"{name} {operator} " for name, operator in zip(names, operators, strict=False)) + names[-1]
    products, signs = [[names[0]]], list[str]()
    for operator, name in zip(operators, names[1:], strict=True):
        if operator == "&":
            products[-1].append(name)
        else:
            products.append([name])
            signs.append(operator)
    parts = [f"({' & '.join(product)})" if len(product) > 1 else product[0] for product in products]
    word = parts[0]
    for operator, part in zip(signs, parts[1:], strict=True):
        word = f"({word} {operator} {part})"
    assert selected(plain) == selected(f"{word} | {word}")


@PURE
@given(st.text("AB -|&()*", max_size=14))
def test_no_word_breaks_it(word: str) -> None:
    with contextlib.suppress(KeySyncError):
        selected(word)


@STATES
@given(states(), awkward)
def test_key_in_front_takes_any_spelling_literally(state: State, key: str) -> None:
    held = {key for name in FIVE.names for key in state.keys(name)}
    assert selected(f"key:{key}", state=state) == [key] * (key in held)
