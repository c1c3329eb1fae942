"""Journals: what is written comes back, and a torn line was never written."""

from __future__ import annotations

from pathlib import Path

import pytest

from keysync_shell.errors import KeySyncError
from keysync_shell.scenarios.journal import Begun, Entry, Journal, Paused, Recorded
from keysync_shell.scenarios.places import Place
from keysync_shell.scenarios.playing import Mismatch, Played, Result

PLACE = Place("x.yaml", 3, 5, 10, 20)
MISMATCH = Mismatch(PLACE, "gaps == 1", "gaps is 2", ("K\ud800",), ("L",), 2)
PLAYED = Played(1, 0, 1, "checkpoint", "one\n", PLACE, "", Result.FAILED, mismatches=(MISMATCH,), asserted={"gaps": 2})
BEGUN = Begun("x", "x.yaml", "/x.yaml", {"keys": "3"}, "2026-01-01T00:00:00Z", 4, "abc", "stop", step=False, keep=True)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.begin(BEGUN)
    entries: list[Entry] = [Recorded(PLAYED, {"start": "d"}, {"gaps": 2}), Paused(7), Paused(8, over=True)]
    for entry in entries:
        journal.append(entry)
    assert journal.begun() == BEGUN
    assert journal.entries() == entries


def test_a_torn_last_line_was_never_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(Paused(7))
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"kind": "paused", "oper')
    assert journal.entries() == [Paused(7)]


def test_a_run_of_another_version_is_refused_with_a_way_out(tmp_path: Path) -> None:
    for text in ('{"version": 9}', "[]", "{"):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(KeySyncError, match=r"run\.json cannot be read"):
            Journal(tmp_path).begun()
