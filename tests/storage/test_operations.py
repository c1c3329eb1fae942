from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from keysync_shell.storage.operations import OperationKind
from tests.talking import Talk


@pytest.mark.parametrize("kind", OperationKind)
def test_every_kind_has_words(kind: OperationKind) -> None:
    assert kind.done[0].isupper()
    assert kind.doing.islower()


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    """A shell on a history whose last operation, which nobody typed, is of a kind that this version does not know."""
    made = Talk(tmp_path)
    made.say("init --keys 3")
    made.say("add-key K1 --systems B")
    made.shell.sandbox.close()
    with sqlite3.connect(tmp_path / ".keysync" / "history.db") as history:
        history.execute("UPDATE operations SET kind = 'teleport\x1b', line = '' WHERE number = 2")
    return Talk(tmp_path, interactive=True)


@pytest.mark.parametrize(
    "line", ["log", "log show @2", "blame K1", "explain K1", "bisect 'unauthorized == 0'", "undo", "undo --dry-run"]
)
def test_kind_of_another_version_is_shown_by_its_name(talk: Talk, line: str) -> None:
    said = talk.say(line)
    assert said.status in (0, 1)
    assert "teleport\\x1b" in said.text


def test_kind_of_another_version_can_be_asked_for(talk: Talk) -> None:
    assert talk.say("log --kind 'teleport\x1b' --format json").text.count('"number"') == 1
    assert "teleport" in talk.shell.get_bottom_toolbar()
