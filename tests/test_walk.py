"""The thinnest path: from a command to the files and back."""

from __future__ import annotations

from pathlib import Path

from keysync_shell.sandbox import Request
from tests.building import add, files, keys, opened, sandbox


def test_add_and_undo(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1", B="K1")
    before = files(tmp_path)
    add(made, "K2", "B,C")
    assert keys(opened_state(tmp_path)) == {"A": ["K1"], "B": ["K1", "K2"], "C": ["K2"]}
    made.undo(Request("undo", "undo", "test"))
    assert files(tmp_path) == before


def opened_state(root: Path):  # type: ignore[no-untyped-def]  # replaced by typed helpers in the real tests
    other = opened(root)
    other.refresh()
    return other.state
