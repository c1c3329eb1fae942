from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.edits import corruption
from keysync_shell.core.edits.mock import SHARES, Mock, realistic
from keysync_shell.core.findings.counting import Summary, summarize
from keysync_shell.core.model import table
from keysync_shell.core.model.normalize import canonical
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.storage import system_csv
from tests.building import FIVE, NOW, index
from tests.strategies import STATES

# Literals, so that another Python, Polars or machine that makes other data is noticed.
PINNED = {
    ("normal", False): "266f8b3334d3e0bf",
    ("drift", True): "94ddfd8729d8e2ff",
}


def made(mock: Mock, systems: Systems = FIVE) -> State:
    return State(systems, mock.tables(systems, NOW))


def summary(state: State, rules: Rules | None = None) -> Summary:
    return summarize(index(state, rules), state)


@pytest.mark.parametrize(("scenario", "cover"), PINNED)
def test_same_seed_same_bytes_everywhere(scenario: str, cover: bool) -> None:
    tables = Mock(scenario, 300, 7, cover).tables(FIVE, NOW).values()
    data = b"".join(system_csv.serialize(rows) for rows in tables)
    assert hashlib.sha256(data).hexdigest()[:16] == PINNED[scenario, cover]


def test_another_seed_makes_other_data() -> None:
    assert made(Mock(seed=1)) != made(Mock(seed=2))


def test_keys_look_real_and_come_in_turn() -> None:
    assert realistic(9).to_list() == [
        *("CUST-00001", "PROD-ABC-001", "TXN-2023-001", "ORD-123456"),
        *("CUST-00002", "PROD-ABC-002", "TXN-2024-001", "ORD-123457"),
        "CUST-00003",
    ]
    assert realistic(4004)[-3:].to_list() == ["PROD-ABD-002", "TXN-2024-334", "ORD-124456"]


@pytest.mark.parametrize("pad", [0, 6])
def test_keys_are_canonical_and_distinct(pad: int) -> None:
    found = canonical(realistic(500_000), Rules(pad_numbers=pad))
    assert found["plain"].all()
    assert found["canonical"].n_unique() == 500_000


@pytest.mark.parametrize("scenario", SHARES)
def test_shares_are_those_of_the_scenario(scenario: str) -> None:
    found, shares = summary(made(Mock(scenario, 10_000))), SHARES[scenario]
    authority, *others = found.systems
    assert found.keys == 10_000
    assert found.discrepancies["unauthorized"] == round(shares.missing * 10_000)
    assert authority.unique == round((1 - shares.common - shares.missing) * 10_000)
    assert 0.97 * shares.common <= found.in_sync / 10_000 <= 0.99 * shares.common
    for system in others:
        assert 0.68 <= system.findings["unauthorized"] / found.discrepancies["unauthorized"] <= 1
        assert 0.15 <= system.findings["variants"] / system.total <= 0.25
        assert 0.005 <= system.findings["duplicates"] / system.total <= 0.015
        assert 0.005 <= system.findings["malformed"] / system.total <= 0.015


def test_rows_are_in_table_order_and_seen_within_a_month() -> None:
    for name, rows in Mock(keys=2000, cover=True).tables(FIVE, NOW).items():
        assert rows.equals(rows.sort(*table.COLUMNS))
        assert rows["system"].unique().to_list() == [name]
        assert rows["status"].unique().to_list() == ["active"]
        assert "2025-12-03T12:00:00Z" < rows["last_seen_at"].min() <= rows["last_seen_at"].max() <= NOW  # type: ignore[operator]


@pytest.mark.parametrize("systems", [FIVE, Systems(("CRM", "rank", "lacking"), "rank")])
def test_cover_has_a_key_in_every_pattern(systems: Systems) -> None:
    held = index(made(Mock(keys=1, cover=True), systems)).groups()
    planted = held.filter(held["canonical"].str.contains(r"^COVER-\d+$"))
    assert planted["pattern"].to_list() == list(range(1, systems.all_bits + 1))


def test_cover_has_every_kind_of_damage() -> None:
    state = made(Mock(keys=1, cover=True))
    for kind in corruption.CORRUPTIONS:
        key = f"COVER-{kind.upper()}-001"
        rows = [int((state.keys(name) == key).sum()) for name in FIVE.names]
        assert sorted(rows) == ([1, 1, 1, 1, 2] if kind == corruption.REPEAT else [0, 1, 1, 1, 1])
        assert rows[0] == 1, "the authority is sound"


@STATES
@given(st.sampled_from(list(SHARES)), st.integers(1, 40), st.integers(), st.booleans(), st.integers(2, 5))
def test_any_size_can_be_made(scenario: str, keys: int, seed: int, cover: bool, width: int) -> None:
    systems = Systems(FIVE.names[:width], "B")
    state = made(Mock(scenario, keys, seed, cover), systems)
    assert summary(state).keys >= keys
    assert all(rows.equals(table.ordered(rows)) for rows in state.tables.values())
