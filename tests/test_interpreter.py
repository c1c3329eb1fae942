"""Lines carried out without a prompt, and without cmd2."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysync_shell.commands import lines
from keysync_shell.commands.session import nobody
from keysync_shell.dialogue import Dialogue
from keysync_shell.interpreter import Interpreter
from keysync_shell.render.writing import Writer
from tests.building import sandbox
from tests.talking import Talk


class Plain:
    """An interpreter that has no shell, and what it said."""

    def __init__(self, home: Path) -> None:
        out = io.StringIO()
        self.sandbox = sandbox(home, A="K1 K2", B="K1")
        self.interpreter = Interpreter(Dialogue(self.sandbox, lambda: Writer(out, out), nobody))
        self.said = out.getvalue

    def says(self, line: str) -> lines.Ended:
        return self.interpreter.run_line(line)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Plain]:
    made = Plain(tmp_path)
    yield made
    made.sandbox.close()


def test_a_command(plain: Plain) -> None:
    assert plain.says("add-key 'K 3' --systems B") == lines.Ended(0)
    assert plain.sandbox.state.keys("B").to_list() == ["K 3", "K1"]


@pytest.mark.parametrize(
    ("line", "status", "seen"),
    [
        ("", 0, ""),
        ("# a remark", 0, ""),
        ("discrepancies", 1, "gap"),
        ("discrepancies --format xml", 2, "--format"),
        ("add-key 'X", 2, "the line cannot be read: no closing '"),
        ("add-key X\\", 2, "the line cannot be read: no character after the backslash"),
        ("add-key X -s Q", 2, "unknown system"),
        ("remove-key K1", 2, "--yes"),
        ("nonsense", 127, "there is no command 'nonsense'"),
        ("add-kye X", 127, "Did you mean add-key?"),
        ("status | cat", 2, "need a shell, and this has none"),
        ("status > out", 2, "need a shell, and this has none"),
        ("!true", 2, "need a shell, and this has none"),
        ("history", 2, "need a shell, and this has none"),
        ("@missing.txt", 2, "missing.txt cannot be read"),
        ("run missing.txt", 2, "missing.txt cannot be read"),
        ("add-key --help", 0, "--systems"),
        ("run --help", 0, "--atomic"),
    ],
)
def test_status_and_what_is_said(plain: Plain, line: str, status: int, seen: str) -> None:
    assert plain.says(line) == lines.Ended(status)
    assert seen in plain.said()


@pytest.mark.parametrize("line", ["quit", "exit", "exi"])
def test_leaving(plain: Plain, line: str) -> None:
    assert plain.says(line) == lines.Ended(0, stop=True)


def test_an_atomic_script(plain: Plain, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("add-key K3 -s A; add-key K4 -s A\n")
    assert plain.says(f"run {tmp_path / 's.txt'} --atomic").status == 0
    assert [operation.line for operation in plain.sandbox.committed][1:] == [f"run {tmp_path / 's.txt'} --atomic"]


def test_an_alias_of_the_prompt_in_a_script(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    assert talk.script("alias create start init --keys 3\nstart\nundo").status == 0


def test_the_words_of_the_shell_are_its_commands(tmp_path: Path) -> None:
    assert set(Talk(tmp_path).shell.get_visible_commands()) == set(lines.NAMES)
