"""What both programs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from keysync_shell import cli, headless

Main = Callable[[Sequence[str]], int]


@pytest.mark.parametrize("main", [cli.main, headless.main], ids=["keysync-shell", "keysync"])
def test_words_of_the_command_line_reach_no_terminal_raw(main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--x\x1b[31m\u202e"]) == 2
    said = capsys.readouterr().err
    assert not {"\x1b", "\u202e"} & set(said)
    assert r"--x\x1b[31m\u202e" in said
