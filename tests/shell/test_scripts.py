"""Scripts stop at the first failure, say where, and can be all or nothing."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from keysync_shell.commands.lines import MAX_DEPTH
from keysync_shell.render.view import View
from keysync_shell.render.writing import Writer
from tests.building import files, sandbox
from tests.talking import Talk


def held(talk: Talk) -> str:
    """The keys of A that no init made."""
    return " ".join(key for key in talk.shell.sandbox.state.keys("A") if not key.startswith("CUST"))


def test_a_script_stops_at_the_first_failure(talk: Talk) -> None:
    said = talk.script("add-key K1\nadd-key K2 --systems Q\nadd-key K3")
    assert said.status == 2
    assert "<stdin>:2: failed with status 2: add-key K2 --systems Q" in said.text
    assert held(talk) == "K1"


def test_lines_are_counted_with_remarks_and_blank_ones(talk: Talk) -> None:
    assert "<stdin>:4: failed with status 127: nonsense" in talk.script("# one\n\nadd-key K1\nnonsense").text


def test_keep_going(talk: Talk) -> None:
    said = talk.script("nonsense\nadd-key K1\nadd-key K2 --systems Q\nadd-key K3", keep_going=True)
    assert said.status == 127
    assert "<stdin>:1: " in said.text
    assert "<stdin>:3: " in said.text
    assert held(talk) == "K1 K3"


def test_quit_ends_a_script(talk: Talk) -> None:
    assert talk.script("add-key K1\nquit\nadd-key K2").status == 0
    assert held(talk) == "K1"


def test_an_answer_stops_a_script_like_a_failure(talk: Talk) -> None:
    said = talk.script("add-key K1 --systems A\ndiscrepancies\nadd-key K2")
    assert said.status == 1
    assert held(talk) == "K1"


def test_a_file(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("add-key K1\r\n# remark\r\nadd-key 'K 2'  # remark\r\n", newline="")
    assert talk.say("run s.txt").status == 0
    assert held(talk) == "K 2 K1"


def test_a_file_with_a_byte_order_mark(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_bytes(b"\xef\xbb\xbfadd-key K1")
    assert talk.say("@s.txt").status == 0
    assert held(talk) == "K1"


def test_a_file_that_is_not_utf8(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_bytes(b"add-key K1\nadd-key \xff")
    said = talk.say("run s.txt")
    assert said.status == 2
    assert "not UTF-8" in said.text
    assert held(talk) == ""


def test_a_folder_is_no_script(talk: Talk) -> None:
    said = talk.say("run systems")
    assert said.status == 2
    assert "Is a directory" in said.text


def test_a_failure_in_a_file_has_its_place(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("add-key K1\nnonsense\n")
    said = talk.say("run s.txt")
    assert said.status == 127
    assert "s.txt:2: failed with status 127: nonsense" in said.text


def test_the_status_of_run_is_that_of_the_line_that_stopped_it(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("shell exit 7\n")
    assert talk.say("run s.txt").status == 7
    assert talk.script("run s.txt\nadd-key K1").status == 7


def test_atomic_commits_once(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("add-key K1\nadd-key K2\nremove-key K1 --yes\n")
    before = files(home)
    assert talk.say("run s.txt --atomic").status == 0
    newest = talk.shell.sandbox.newest
    assert newest is not None
    assert (newest.number, newest.line, held(talk)) == (2, "run s.txt --atomic", "K2")
    talk.say("undo")
    assert files(home) == before


def test_atomic_script_whose_result_cannot_be_written_is_committed(
    talk: Talk, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "s.txt").write_text("add-key K1\n")

    shows = Writer.show

    def fails(self: Writer, view: View, command: str, format: str, warnings: list[str]) -> None:
        if command == "run":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        shows(self, view, command, format, warnings)

    monkeypatch.setattr(Writer, "show", fails)
    said = talk.say("run s.txt --atomic")
    assert said.status == 3
    assert "the result could not be written: Input/output error" in said.text
    assert "It is committed." in said.text
    assert held(talk) == "K1"


def test_atomic_rolls_back(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("add-key K1\nnonsense\nadd-key K2\n")
    before = files(home)
    said = talk.say("run s.txt --atomic")
    assert said.status == 127
    assert "rolled back; nothing was changed" in said.text
    assert files(home) == before
    newest = talk.shell.sandbox.newest
    assert newest is not None
    assert newest.number == 1


def test_nothing_of_another_sandbox_is_part_of_an_atomic_script(talk: Talk, home: Path) -> None:
    other = home.parent / "other"
    sandbox(other, A="K1").close()
    before = files(other)
    (home / "s.txt").write_text(f"add-key K2 --home {other}\nnonsense\n")
    said = talk.say("run s.txt --atomic")
    assert said.status == 2
    assert "another sandbox cannot be part of an atomic script" in said.text
    assert files(other) == before


def test_an_atomic_script_may_name_its_own_sandbox(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text(f"add-key K1 --home {home}\n")
    assert talk.say("run s.txt --atomic").status == 0
    assert held(talk) == "K1"


def test_an_atomic_script_sees_what_it_did(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("add-key K1 --systems B\ndiscrepancies unauthorized\n")
    said = talk.say("run s.txt --atomic")
    assert said.status == 1
    assert "K1" in said.text
    assert talk.say("discrepancies").status == 0


@pytest.mark.parametrize("line", ["undo", "save-state one", "delete-state one --yes", "run other.txt --atomic"])
def test_what_cannot_be_rolled_back_is_refused(talk: Talk, home: Path, line: str) -> None:
    (home / "other.txt").write_text("add-key K2\n")
    (home / "s.txt").write_text(f"add-key K1\n{line}\n")
    said = talk.say("run s.txt --atomic")
    assert said.status == 2
    assert "atomic script" in said.text
    assert held(talk) == ""


def test_an_atomic_script_that_changes_nothing(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("status\n")
    assert talk.say("run s.txt --atomic").status == 0
    newest = talk.shell.sandbox.newest
    assert newest is not None
    assert newest.number == 1


def test_nested_scripts_are_found_beside_the_one_that_runs_them(talk: Talk, home: Path) -> None:
    (home / "sub").mkdir()
    (home / "sub" / "outer.txt").write_text("run inner.txt\n")
    (home / "sub" / "inner.txt").write_text("add-key K1\n")
    assert talk.say("run sub/outer.txt").status == 0
    assert held(talk) == "K1"


@pytest.mark.parametrize("line", ["run s.txt", "run ./s.txt", "@s.txt", "run other.txt"])
def test_no_script_includes_itself(talk: Talk, home: Path, line: str) -> None:
    (home / "s.txt").write_text(f"add-key K1\n{line}\n")
    (home / "other.txt").write_text("run s.txt\n")
    said = talk.say("run s.txt")
    assert said.status == 2
    assert "includes itself" in said.text


def test_the_same_script_twice_in_a_row_is_fine(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("status\n")
    assert talk.script("run s.txt\nrun s.txt").status == 0


def test_scripts_are_not_nested_for_ever(talk: Talk, home: Path) -> None:
    for number in range(MAX_DEPTH + 1):
        (home / f"s{number}.txt").write_text(f"run s{number + 1}.txt\n")
    said = talk.say("run s0.txt")
    assert said.status == 2
    assert f"deeper than {MAX_DEPTH}" in said.text


def test_nobody_is_asked_in_a_script(talk: Talk) -> None:
    said = talk.script("remove-key CUST-00001\ny\n")
    assert said.status == 2
    assert "<stdin>:1: " in said.text
    assert "Nothing was changed." in said.text


def test_echo(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("# a remark\n\nadd-key K1  # one\nundo; redo # two\n")
    assert [line for line in talk.say("run s.txt --echo").text.splitlines() if line.startswith("+ ")] == [
        "+ # a remark",
        "+ add-key K1  # one",
        "+ undo",
        "+ redo",
    ]


def test_what_a_script_shows_of_itself_is_safe(talk: Talk) -> None:
    said = talk.script("add-key K1 --systems \x1b[31mQ\u202e")
    assert said.status == 2
    assert not {"\x1b", "\u202e"} & set(said.text)


def test_where_a_change_came_from(talk: Talk, home: Path) -> None:
    (home / "s.txt").write_text("add-key K1\n")
    talk.say("run s.txt")
    talk.say("add-key K2")
    assert re.findall('"source": "([a-z]+)"', talk.say("log 2 --format jsonl").text) == ["shell", "script"]
