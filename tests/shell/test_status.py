"""Every way to fail has its status, and says what to do next."""

from __future__ import annotations

import pytest

from keysync_shell.commands.catalogue import COMMANDS
from tests.building import files
from tests.talking import Talk


@pytest.mark.parametrize(
    ("line", "status", "seen"),
    [
        ("", 0, ""),
        ("   ", 0, ""),
        ("# a remark", 0, ""),
        ("status", 0, "No discrepancies"),
        ("status # a remark", 0, "No discrepancies"),
        ("discrepancies", 0, "No discrepancies"),
        ("help", 0, "add-key"),
        ("history", 0, ""),
        ("alias list", 0, ""),
        ("nonsense", 127, "help"),
        ("add-kye X", 127, "Did you mean add-key?"),
        ("ADD-KEY X", 127, "Did you mean add-key?"),
        ("add-key X --systems Q", 2, "The systems are A, B, C, D, E"),
        ("add-key 'X", 2, "no closing"),
        ("add-key X\\", 2, "backslash"),
        ("list |", 2, "needs a target"),
        ("list >", 2, "needs a target"),
        ("undo 9", 2, "there is only 1"),
        ("redo", 2, "nothing to redo"),
        ("load-state nothing", 2, "there is no snapshot nothing"),
        ("remove-key CUST-00001", 2, "--yes"),
        ("run missing.txt", 2, "No such file"),
        ("help nonsense", 1, "No help on nonsense"),
        ("help gap", 0, "the authority holds and another system lacks"),
        ("help Variants", 0, "a spelling that the authority"),
        ("help words", 0, "a named copy of all systems"),
        ("help topics", 0, "help exit-codes"),
        ("help sets", 0, "'A - D'"),
        ("help scenarios", 0, "scenario run NAME"),
        ("help exit-codes", 0, "127"),
        ("version", 0, "keysync-shell "),
        ("set CUST-00001 X", 2, "modify-key CUST-00001 --to NEW"),
        ("set menu maybe", 1, "choose from 'on', 'off'"),
        ("shell exit 3", 3, ""),
        ("!exit 4", 4, ""),
        ("!true", 0, ""),
    ],
)
def test_status(talk: Talk, line: str, status: int, seen: str) -> None:
    said = talk.say(line)
    assert (said.status, seen in said.text) == (status, True), said.text
    assert "Traceback" not in said.text


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
@pytest.mark.parametrize("line", ["help {}", "{} --help", "?{}"])
def test_help(talk: Talk, name: str, line: str) -> None:
    said = talk.say(line.format(name))
    assert said.status == 0
    assert f"Usage: {name}" in said.text
    assert f"examples:\n  {name}" in said.text.lower()


def test_overview_has_the_shell_itself_under_one_heading(talk: Talk) -> None:
    said = talk.say("help").text
    assert "Cmd2" not in said
    assert {"run", "source", "history", "quit"} <= set(said.partition("\nShell:")[2].splitlines()[0].split())


def test_help_on_scripts(talk: Talk) -> None:
    said = talk.say("help run")
    assert said.status == 0
    assert "Usage: run" in said.text


def test_a_status_does_not_stick(talk: Talk) -> None:
    assert talk.say("nonsense").status == 127
    assert talk.say("status").status == 0


def test_an_answer_is_no_trouble(talk: Talk) -> None:
    talk.say("add-key X --systems B")
    for line, status in {
        "discrepancies": 1,
        "discrepancies --exit-zero": 0,
        "diff A B": 1,
        "diff C D": 0,
        "status": 0,
        "status --exit-code": 1,
    }.items():
        assert talk.say(line).status == status, line


def test_quit_is_fine(talk: Talk) -> None:
    assert talk.say("quit").status == 0


@pytest.mark.parametrize(
    "line", ["add-key X -s Q", "remove-key 'CUST*'", "load-state nothing", "undo 9", "add-key A..B"]
)
def test_what_fails_changes_nothing_and_says_so(talk: Talk, line: str) -> None:
    before = files(talk.shell.sandbox.home.root)
    assert "Nothing was changed." in talk.say(line).text
    assert files(talk.shell.sandbox.home.root) == before


def test_a_pipe_that_takes_everything(talk: Talk) -> None:
    assert talk.say("list --format csv | grep -c CUST > count.txt").status == 0


def test_a_reader_that_leaves_early_is_no_trouble(talk: Talk) -> None:
    talk.say("init --keys 5000 --yes")
    assert talk.say("list --all | head -1").status == 0
    assert talk.say("status").status == 0


def test_debug_shows_a_traceback(talk: Talk) -> None:
    loud = Talk(talk.shell.sandbox.home.root, debug=True)
    assert "Traceback" in loud.say("add-key X --systems Q").text
    assert "Traceback" not in talk.say("add-key X --systems Q").text


@pytest.mark.parametrize("format", ["csv", "tsv", "markdown"])
@pytest.mark.parametrize("line", ["add-key X", "undo", "save-state one"])
def test_a_format_that_does_not_fit_tells_the_truth(talk: Talk, line: str, format: str) -> None:
    before = talk.shell.sandbox.newest
    said = talk.say(f"{line} --format {format}")
    saved = (talk.shell.sandbox.home.snapshots / "one").exists()
    if said.status:
        assert "is committed" in said.text or (talk.shell.sandbox.newest == before and not saved)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("export-state one no/such/one.zip", ".tmp"),  # the name of a scratch file
        ("diff A Q", "the other holds all of them"),  # there is no Q
        ("modify-key CUST-00008 CUST-00009 --to SAME -s A", "which A has already"),  # two keys fall together
        ("move-key ONLY-B --from A --to C", "Did you mean ONLY-B?"),  # B has it, A has not
        ("list --pattern .....", "ABCD.."),  # the stop of the sentence looks like a sixth system
    ],
)
def test_no_message_is_wrong(talk: Talk, line: str, wrong: str) -> None:
    talk.script("save-state one\nadd-key ONLY-B -s B")
    said = talk.say(line)
    assert said.status == 2
    assert wrong not in said.text


def test_help_on_scripts_keeps_its_lines(talk: Talk) -> None:
    assert "examples:\n  run drift.txt\n" in talk.say("help run").text


def test_did_you_mean_a_snapshot(talk: Talk) -> None:
    talk.say("save-state before")
    assert "Did you mean before?" in talk.say("load-state befroe").text
