"""The shell's own ways: its parsers, restricted mode, what it remembers, prompt and toolbar."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from keysync_shell.commands.catalogue import FIRST_WORDS
from keysync_shell.shell import typed
from tests.talking import Talk


def test_every_parser_builds(talk: Talk) -> None:
    for name in talk.shell.get_all_commands():
        function = talk.shell.get_command_func(name)
        assert function is not None
        talk.shell.command_parsers.get(function)


def test_parsers_are_distinct(talk: Talk) -> None:
    functions = [talk.shell.get_command_func(name) for name in FIRST_WORDS]
    parsers = [talk.shell.command_parsers.get(function) for function in functions if function]
    assert len({id(parser) for parser in parsers}) == len(FIRST_WORDS)
    assert [parser.prog for parser in parsers if parser] == list(FIRST_WORDS)


@pytest.mark.parametrize("name", ["edit", "macro", "run_pyscript", "shortcuts", "_relative_run_script", "py", "ipy"])
def test_what_cmd2_brings_and_nobody_needs_is_gone(talk: Talk, name: str) -> None:
    assert talk.say(name).status == 127


@pytest.mark.parametrize("line", ["!ls", "list | cat", "list > out", "list >> out", "history", "set", "alias list"])
def test_restricted_mode_has_no_way_out(talk: Talk, home: Path, line: str) -> None:
    said = Talk(home, restricted=True).say(line)
    assert said.status in (2, 127)
    assert not (home / "out").exists()


def test_restricted_mode_has_no_shell(talk: Talk, home: Path) -> None:
    assert Talk(home, restricted=True).say("shell ls").status == 127


@pytest.mark.parametrize("line", ["status", "add-key 'a|b'", "add-key 'a > b'", "add-key '!x'", "run s.txt"])
def test_restricted_mode_still_works(talk: Talk, home: Path, line: str) -> None:
    (home / "s.txt").write_text("status\n")
    assert Talk(home, restricted=True).say(line).status == 0


def test_restricted_mode_holds_in_nested_scripts(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("list > out\n")
    assert Talk(home, restricted=True).say("run s.txt").status == 2
    assert not (home / "out").exists()


BARE = "a line of one word is not remembered: app.py takes a statement without arguments for no statement"


def test_typed_lines_are_remembered(talk: Talk, home: Path) -> None:
    shell = Talk(home, interactive=True)
    for line in ("add-key K1", "add-key 'K 2'  # two", "nonsense X"):
        shell.say(line)
    path = home / ".keysync" / "typed"
    assert path.read_text().splitlines() == ["add-key K1", "add-key 'K 2'  # two", "nonsense X"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_lines_of_one_word_are_remembered(talk: Talk, home: Path) -> None:
    Talk(home, interactive=True).say("status")
    assert typed.read(home / ".keysync" / "typed") == ["status"]


def test_remembered_lines_come_back(talk: Talk, home: Path) -> None:
    Talk(home, interactive=True).say("add-key 'K 1'")
    again = Talk(home, interactive=True)
    assert list(again.shell.main_session.history.get_strings()) == ["add-key 'K 1'"]
    assert "add-key 'K 1'" in again.say("history --all").text


def test_scripts_are_not_remembered(talk: Talk, home: Path) -> None:
    shell = Talk(home, interactive=True)
    shell.script("add-key K1\nadd-key K2")
    assert typed.read(home / ".keysync" / "typed") == []


def test_two_shells_remember_together(talk: Talk, home: Path) -> None:
    one, other = Talk(home, interactive=True), Talk(home, interactive=True)
    one.say("log 1")
    other.say("log 2")
    one.say("log 3")
    assert typed.read(home / ".keysync" / "typed") == ["log 1", "log 2", "log 3"]


def test_trouble_with_remembering_is_no_trouble(talk: Talk, home: Path) -> None:
    (home / ".keysync" / "typed").mkdir()
    assert Talk(home, interactive=True).say("status").status == 0


def test_a_remembered_line_that_cannot_be_parsed_is_passed_over(talk: Talk, home: Path) -> None:
    typed.append(home / ".keysync" / "typed", "add-key 'X")
    typed.append(home / ".keysync" / "typed", "status")
    assert list(Talk(home, interactive=True).shell.main_session.history.get_strings()) == ["status"]


def test_the_prompt_tells_where_and_how_it_stands(talk: Talk, home: Path) -> None:
    shell = Talk(home, interactive=True)
    shell.say("status")
    assert shell.shell.prompt == "keysync home [in sync @1]> "
    shell.say("add-key K1 --systems B")
    assert shell.shell.prompt == "keysync home [1 discrepancy @2]> "


def test_the_prompt_of_an_empty_folder(home: Path) -> None:
    shell = Talk(home, interactive=True).shell
    assert shell.prompt == "keysync home [empty]> "
    assert "init" in shell.get_bottom_toolbar()


def test_the_toolbar_tells_what_undo_would_take_back(talk: Talk, home: Path) -> None:
    shell = Talk(home, interactive=True)
    shell.say("add-key K1 --systems B")
    assert shell.shell.get_bottom_toolbar() == " A 12  B 13  C 12  D 12  E 12  |  undo: @2 add-key K1 --systems B"
    shell.say("undo")
    assert "undo: @1 init --keys 12" in shell.shell.get_bottom_toolbar()


def test_a_folder_with_an_odd_name_is_shown_safely(tmp_path: Path) -> None:
    odd = tmp_path / "a\x1b[31m\u202eb"
    odd.mkdir()
    assert not {"\x1b", "\u202e"} & set(Talk(odd, interactive=True).shell.prompt)


def test_another_home_for_one_command(talk: Talk, tmp_path: Path) -> None:
    assert talk.say(f"init --keys 3 --home {tmp_path / 'other'}").status == 0
    assert (tmp_path / "other" / "systems" / "A.csv").exists()
    assert talk.shell.sandbox.state.rows("A") == 12
