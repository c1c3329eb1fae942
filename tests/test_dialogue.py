"""Where results go: to whoever asked, or to a file that nothing else is lost for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.building import files
from tests.talking import Talk


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talk:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    made = Talk(home)
    made.say("init --keys 3")
    return made


def test_result_goes_to_a_new_file(talk: Talk) -> None:
    said = talk.say("list CUST-00001 --output out.csv")
    assert (said.status, said.text) == (0, "✓ Wrote out.csv\n")
    assert "CUST-00001" in Path("out.csv").read_text()


@pytest.mark.parametrize("line", ["status --output out.txt", "add-key X --output out.txt"])
def test_file_that_exists_is_replaced_only_if_that_is_asked_for(talk: Talk, line: str) -> None:
    Path("out.txt").write_text("mine")
    said = talk.say(line)
    assert said.status == 2
    assert "add --yes to replace it" in said.text
    assert (Path("out.txt").read_text(), talk.shell.sandbox.state.rows("A")) == ("mine", 3), "refused before it began"
    assert talk.say(f"{line} --yes").status == 0
    assert Path("out.txt").read_text() != "mine"


OWN = ("systems/A.csv", "systems/new.csv", ".keysync/typed", "link", "way/new.csv", "snapshots/../systems/A.csv")
WRITES = (
    "list --output {} --yes",
    "add-key X --output {} --yes",
    "plan --output {} --yes",
    "list > {}",
    "list >> '{}'",
)


@pytest.mark.parametrize("target", OWN)
@pytest.mark.parametrize("line", WRITES)
def test_no_output_reaches_the_files_of_the_sandbox(talk: Talk, line: str, target: str) -> None:
    Path("snapshots").mkdir()
    Path("link").symlink_to("systems/A.csv")
    Path("way").symlink_to("systems")
    before = files(Path())
    said = talk.say(line.format(target))
    assert said.status == 2, said.text
    assert files(Path()) == before


def test_output_follows_no_link(talk: Talk) -> None:
    Path("elsewhere").write_text("mine")
    Path("link").symlink_to("elsewhere")
    assert talk.say("list --output link --yes").status == 2
    assert Path("elsewhere").read_text() == "mine"


def test_what_happened_in_another_sandbox_is_told_also_if_the_command_fails(talk: Talk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    talk.say(f"init --keys 2 --home {other}")
    (other / "systems" / "D.csv").write_text("key\nX9\n")
    said = talk.say(f"remove-key NONE --home {other} --yes")
    assert (said.status, "warning: D.csv changed outside" in said.text) == (2, True)
    assert "D.csv" not in talk.say("status").text


def test_other_sandbox_that_a_command_is_about_is_protected_as_well(talk: Talk, tmp_path: Path) -> None:
    talk.say(f"init --keys 2 --home {tmp_path / 'other'}")
    said = talk.say(f"list --home {tmp_path / 'other'} --output {tmp_path / 'other' / 'systems' / 'x.csv'}")
    assert "keeps its own files" in said.text
