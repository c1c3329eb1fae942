"""Help that is about no single command is true, complete, and fits a small screen."""

from __future__ import annotations

import pytest

from keysync_shell.commands import helping, lines
from keysync_shell.commands.catalogue import COMMANDS
from keysync_shell.core.findings.kinds import KINDS

TEXTS = {name: helping.about(name) or "" for name in (*helping.TOPICS, *helping.words(), "words", "topics")}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_fit_a_small_screen(name: str) -> None:
    assert TEXTS[name]
    assert all(len(line) < 80 for line in TEXTS[name].splitlines())
    assert len(TEXTS[name].splitlines()) < 48


def test_where_to_begin_takes_five_lines_and_fits_the_screen() -> None:
    text = helping.overview([("Look", ["status", "list"]), ("Shell", ["help"])])
    assert len(helping.START.splitlines()) == 5
    assert text.splitlines()[5:7] == ["Look:        status list", "Shell:       help"]


def test_every_kind_of_finding_is_a_word_with_examples() -> None:
    for kind in KINDS:
        text = helping.about(f"{kind.name}s") or helping.about(kind.name) or ""
        assert kind.legend.split()[0] in text
        assert f"discrepancies {kind.name}" in text


def test_help_knows_words_in_any_case_and_nothing_else() -> None:
    assert helping.about("GAPS") == helping.about("gap") == helping.about(" gap ")
    assert helping.about("canonical keys") == helping.about("canonical")
    assert helping.about("nonsense") is None


def test_commands_that_texts_name_exist() -> None:
    quoted = [words.split()[0] for words in helping.START.split("`")[1::2]]
    assert {*quoted} <= {*lines.NAMES, *(command.name for command in COMMANDS)}
