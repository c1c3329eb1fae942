"""What would lose rows asks first, whichever command it is; what only adds some does not, nor do undo and redo."""

from __future__ import annotations

from pathlib import Path

import pytest

from keysync_shell.commands.catalogue import COMMANDS
from keysync_shell.commands.declaring import Changes
from tests.building import files
from tests.talking import Talk

LOSING = (
    "init --keys 2",
    "mock --keys 2",
    "remove-key K1",
    "modify-key K1 --to K2 --merge --systems A",
    "move-key K1 --from A --to B",
    "import A new.csv",
    "reset",
    "reset --empty",
    "load-state early",
    "sample",
    "restore @1",
    "revert @3",
    "apply --unauthorized remove",
    "apply --duplicate canonical",
    "apply --duplicate keep-first",
    "apply --malformed remove",
    "apply plan.json",
    "repair E",
    "repair D --repeats",
)
ADDING = (
    "add-key NEW",
    "copy-key G1 --from A --to E",
    "move-key K9 --from B --to E",
    "modify-key K1 --to K7 --systems A",
    "corrupt case --count 1 --systems A",
    "set-value A K1 status inactive",
    "apply",
    "apply --variant respell --only gap",
)
NEITHER = {"undo", "redo", "reconcile", "registry", "delete-state", "lock"}  # nothing of the systems is lost


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Systems that have drifted apart in every way, and nobody there to ask."""
    monkeypatch.chdir(tmp_path)
    talk = Talk(tmp_path)
    for line in ("init --keys 1 --key-format 'K{n}'", "save-state early", "add-key K2", "add-key K9 --systems B,C"):
        assert talk.say(line).status == 0
    for line in ("add-key G1 --systems A", "corrupt repeat K2 --systems D", "add-key k2 'K1!' --systems C"):
        assert talk.say(line).status == 0
    assert talk.say("plan --unauthorized remove --output plan.json --exit-zero").status == 0
    (tmp_path / "new.csv").write_text("key\nK5\n")
    return talk


@pytest.mark.parametrize("line", LOSING)
def test_what_loses_rows_asks_first(talk: Talk, tmp_path: Path, line: str) -> None:
    if line == "repair E":
        (tmp_path / "systems" / "E.csv").write_text("key\nK1,K2\n")
    before = files(tmp_path)
    said = talk.say(line)
    assert (said.status, "nobody can be asked here" in said.text, "--yes" in said.text) == (2, True, True), said.text
    assert files(tmp_path) == before
    assert talk.say(f"{line} --yes").status == 0
    assert files(tmp_path) != before


@pytest.mark.parametrize("line", ADDING)
def test_what_only_adds_or_respells_does_not_ask(talk: Talk, tmp_path: Path, line: str) -> None:
    before = files(tmp_path)
    assert talk.say(line).status == 0
    assert files(tmp_path) != before


def test_undo_and_redo_never_ask(talk: Talk, tmp_path: Path) -> None:
    before = files(tmp_path)
    assert [talk.say("undo 6").status, talk.say("redo 6").status] == [0, 0]
    assert files(tmp_path) == before


def test_no_command_that_changes_something_is_left_out() -> None:
    named = {line.split()[0] for line in (*LOSING, *ADDING)} | NEITHER
    assert {command.name for command in COMMANDS if issubclass(command.arguments, Changes)} <= named
