"""The registry is part of the history: what takes an operation back takes its master keys back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keysync_shell.core.model.master_keys import by_number
from keysync_shell.sandbox import Sandbox
from tests.building import opened, sandbox
from tests.strategies import ON_DISK
from tests.talking import Talk

LINES = (
    "reconcile",
    "reconcile --auto-approve --strategy namespaced",
    "apply",
    "apply --unauthorized adopt",
    "registry approve all",
    "registry deprecate all",
    "add-key X7 -s C",
    "remove-key X1 -s B -y",
    "undo",
    "undo 2",
    "redo",
    "restore @1",
    "restore @2",
    "revert @2",
    "init --keys 2 -y",
    "mock --keys 3 -y",
    "reset --empty -y",
    "save-state s --force",
    "load-state s -y",
)


def registered(at: Sandbox) -> list[tuple[str, str]]:
    return [(key.canonical, key.status) for key in by_number(at.state.master_keys)]


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """A shell on a sandbox in which B holds X1 and X2, which nobody else does."""
    monkeypatch.chdir(tmp_path)
    sandbox(tmp_path, A="K1", B="K1 X1 X2", C="K1", D="K1", E="K1").close()
    return Talk(tmp_path)


def did(talk: Talk, *lines: str) -> list[tuple[str, str]]:
    for line in lines:
        said = talk.say(line)
        assert said.status == 0, said.text
    return registered(talk.shell.sandbox)


PROPOSED = [("X1", "proposed"), ("X2", "proposed")]


@pytest.mark.parametrize("line", ["reconcile", "apply"])
def test_undo_takes_proposals_back_and_redo_brings_them_again(talk: Talk, line: str) -> None:
    assert did(talk, line) == PROPOSED
    assert did(talk, "undo") == []
    assert "Master keys to be proposed: 2" in talk.say("predict").text
    assert did(talk, "redo") == PROPOSED


def test_approval_is_an_operation_like_any(talk: Talk) -> None:
    assert did(talk, "reconcile", "registry approve X1") == [("X1", "active"), ("X2", "proposed")]
    assert did(talk, "registry deprecate X2", "undo 2") == PROPOSED
    assert did(talk, "redo") == [("X1", "active"), ("X2", "proposed")]


def test_restore_and_revert_take_the_registry_along(talk: Talk) -> None:
    assert did(talk, "reconcile", "registry approve X1", "restore @1 -y") == []
    assert did(talk, "undo", "revert @3") == PROPOSED
    did(talk, "undo")
    said = talk.say("revert @2")
    assert said.status == 2
    assert "master keys X1: @3" in said.text


@pytest.mark.parametrize("line", ["init --keys 2 -y", "mock --keys 3 -y", "reset --empty -y"])
def test_who_begins_anew_begins_without_master_keys_and_undo_brings_them_back(talk: Talk, line: str) -> None:
    assert did(talk, "reconcile", line) == []
    assert did(talk, "undo") == PROPOSED


def test_snapshot_carries_the_registry(talk: Talk) -> None:
    did(talk, "reconcile", "registry approve X1", "save-state s", "init --keys 1 -y")
    assert did(talk, "load-state s -y") == [("X1", "active"), ("X2", "proposed")]
    did(talk, "export-state s s.zip", "import-state s.zip --as t", "init --keys 1 -y")
    assert did(talk, "load-state t -y") == [("X1", "active"), ("X2", "proposed")]
    assert did(talk, "check") != []


def test_snapshot_without_a_registry_leaves_no_stale_master_keys(talk: Talk) -> None:
    assert did(talk, "save-state old", "reconcile", "load-state old -y") == []
    assert "Master keys to be proposed: 2" in talk.say("predict").text


def test_run_stays_in_the_list_when_what_it_proposed_is_taken_back(talk: Talk) -> None:
    did(talk, "reconcile", "undo")
    assert "proposed by" not in talk.say("runs").text
    assert talk.say("report 1").status == 0


def test_atomic_script_proposes_with_its_operation(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("add-key X3 -s C\napply\nplan\n")
    assert did(talk, "run s.txt --atomic") == [*PROPOSED, ("X3", "proposed")]
    assert did(talk, "undo") == []


@settings(ON_DISK, max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(LINES), max_size=9))
def test_registry_in_memory_is_that_of_the_database_at_every_moment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.chdir(home)
    sandbox(home, A="K1", B="K1 X1 X2", C="K1", D="K1", E="K1").close()
    talk = Talk(home)
    talk.shell.sandbox.refresh()
    seen = {}
    for line in lines:
        talk.say(line)
        at = talk.shell.sandbox
        assert at.newest
        seen[at.newest.number] = by_number(at.state.master_keys)
    other = opened(home)
    other.refresh()
    assert other.state == talk.shell.sandbox.state
    for number, keys in seen.items():
        assert by_number(other.moment(number).state.master_keys) == keys
    assert other.check() == []


def test_damaged_change_of_the_registry_is_found_by_check(tmp_path: Path) -> None:
    sandbox(tmp_path, A="K1", B="K1 X1").close()
    Talk(tmp_path).say("reconcile")
    connection = sqlite3.connect(tmp_path / ".keysync" / "history.db")
    with connection:
        connection.execute("UPDATE changes SET after = zeroblob(length(after)) WHERE number = 2")
    connection.close()
    [problem] = opened(tmp_path).check()
    assert (problem.where, "master keys" in problem.what, "the registry" in problem.todo) == ("@2", True, True)


@pytest.mark.parametrize("line", ["registry", "report", "explain X1"])
def test_database_that_cannot_be_read_is_told_of_whoever_asks_for_the_registry(tmp_path: Path, line: str) -> None:
    """It is read on demand, so that may be when nothing else of the database is looked at any more."""
    sandbox(tmp_path, A="K1", B="K1 X1").close()
    Talk(tmp_path).say("reconcile")
    connection = sqlite3.connect(tmp_path / ".keysync" / "history.db")
    connection.execute("ALTER TABLE changes RENAME COLUMN checksum TO chfcksum")
    connection.close()
    said = Talk(tmp_path).say(line)
    assert (said.status, "history.db: no such column" in said.text) == (2, True), said.text
