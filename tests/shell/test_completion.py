"""What Tab offers."""

from __future__ import annotations

import os
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from keysync_shell.commands.catalogue import FIRST_WORDS
from keysync_shell.core.findings.kinds import names
from keysync_shell.shell.completion import MOST
from tests.talking import Talk


def put_in(talk: Talk, line: str) -> list[str]:
    """What the editor would put in place of the word before the cursor, quotes and all."""
    completer = talk.shell.main_session.completer
    assert completer is not None
    return [found.text for found in completer.get_completions(Document(line), CompleteEvent())]


def test_commands(talk: Talk) -> None:
    assert talk.offers("add") == ["add-key"]
    assert {"redo", "remove-key", "reset"} <= set(talk.offers("re"))
    assert set(FIRST_WORDS) <= set(talk.offers(""))


def test_names_after_help(talk: Talk) -> None:
    assert talk.offers("help mod") == ["modify-key"]


def test_a_command_that_is_not_there(talk: Talk) -> None:
    assert talk.offers("nonsense CUST") == []


def test_flags(talk: Talk) -> None:
    assert talk.offers("add-key X --s") == ["--systems"]
    assert {"--dry-run", "--yes", "--format", "--home"} <= set(talk.offers("add-key X --"))


def test_choices(talk: Talk) -> None:
    assert talk.offers("status --format j") == ["json", "jsonl"]
    assert talk.offers("modify-key X --case l") == ["lower"]
    assert talk.offers("corrupt ze") == ["zero-pad"]


def test_systems(talk: Talk) -> None:
    assert talk.offers("add-key X --systems ") == ["A", "B", "C", "D", "E"]
    assert talk.offers("add-key X --systems d") == ["D"]
    assert talk.offers("import ") == ["A", "B", "C", "D", "E"]
    assert talk.offers("copy-key X --from A --to ") == ["A", "B", "C", "D", "E"]


def test_systems_after_a_comma(talk: Talk) -> None:
    assert talk.offers("add-key X --systems B,") == ["B,A", "B,C", "B,D", "B,E"]
    assert talk.offers("add-key X --systems B,c") == ["B,C"]
    assert talk.offers("add-key X --systems B,C,D,E,a") == ["B,C,D,E,A"]
    assert talk.offers("add-key X --systems B,B") == []


def test_a_system_says_how_many_rows_it_has(talk: Talk) -> None:
    line = "add-key X --systems D"
    [item] = talk.shell.complete("D", line, len(line) - 1, len(line)).items
    assert "12 rows" in str(item.display_meta)


def test_keys_by_prefix(talk: Talk) -> None:
    assert talk.offers("remove-key CUST-0001") == ["CUST-00010", "CUST-00011", "CUST-00012"]
    assert talk.offers("remove-key CUST-00001 CUST-00012") == ["CUST-00012"]
    assert talk.offers("remove-key NOBODY") == []


def test_keys_of_any_system_and_as_they_were_just_changed(talk: Talk) -> None:
    talk.say("add-key UNAUTH-001 --systems E")
    assert talk.offers("list UNA") == ["UNAUTH-001"]
    talk.say("undo")
    assert talk.offers("list UNA") == []


def test_a_list_that_is_cut_keeps_the_right_common_prefix(talk: Talk) -> None:
    talk.say(f"add-key K-10000..K-10{MOST + 99}")
    talk.say("add-key K-2")
    found = talk.offers("list K-")
    assert len(found) == MOST
    assert (found[0], found[-1]) == ("K-10000", "K-2"), "the ends of a sorted list have its common prefix"


def test_keys_that_need_quotes(talk: Talk) -> None:
    for key in ("'Q a b'", "'Q|b'", '"Q\'s"'):
        talk.say(f"add-key {key}")
    assert talk.offers("list Q") == ["Q a b", "Q's", "Q|b"]
    assert talk.offers("list 'Q a") == ["a b"]
    assert talk.offers('list "Q') == ["Q a b", "Q's", "Q|b"]


def test_a_quoted_word_is_closed(talk: Talk) -> None:
    talk.say("add-key 'Q|b'")
    assert put_in(talk, "list 'Q") == ["Q|b' "]
    assert put_in(talk, 'list "Q') == ['Q|b" ']


def test_an_empty_word_gets_its_quote(talk: Talk) -> None:
    talk.say("init --keys 1 --key-format '$|{n}' --yes")
    assert put_in(talk, "list ") == ["'$|1' "]


def test_keys_that_nobody_can_type_are_left_out(talk: Talk, home: Path) -> None:
    (home / "odd.txt").write_text("Z\x1b[31m\nZ\u200b\nZ\u202e\nZ\\\nZ'\"\nZ-fine\n")
    talk.say("add-key @odd.txt")
    assert talk.offers("list Z") == ["Z-fine"]


def test_snapshots_with_their_notes(talk: Talk, home: Path) -> None:
    talk.say("save-state before --note 'all is well'")
    talk.say("save-state beyond")
    (home / "snapshots" / "beyond" / "manifest.json").write_text("no manifest")
    line = "load-state be"
    found = talk.shell.complete("be", line, len(line) - 2, len(line)).items
    assert [(item.text, str(item.display_meta)) for item in found] == [("before", "all is well"), ("beyond", "damaged")]


def test_sides_of_a_difference(talk: Talk) -> None:
    talk.say("save-state before")
    assert talk.offers("diff ") == ["A", "B", "C", "D", "E", "now", "before"]
    assert talk.offers("diff A b") == ["before"]


def test_kinds(talk: Talk) -> None:
    assert talk.offers("discrepancies ") == list(names())
    assert talk.offers("discrepancies gap mal") == ["malformed"]


def test_patterns_that_there_are(talk: Talk) -> None:
    talk.say("remove-key CUST-00001 --systems D --yes")
    assert talk.offers("list --pattern ") == ["ABCDE", "ABC.E"]
    assert talk.offers("list --pattern ABC.") == ["ABC.E"]


def test_files(talk: Talk, home: Path) -> None:
    (home / "drift.txt").touch()
    assert talk.offers("run dr") == ["drift.txt"]
    assert talk.offers("import A dr") == ["drift.txt"]
    assert talk.offers("run sys") == [f"systems{os.sep}"]


def test_before_there_is_a_sandbox(home: Path) -> None:
    empty = Talk(home)
    assert empty.offers("list ") == []
    assert empty.offers("load-state ") == []
    assert empty.offers("add-key X --systems ") == ["A", "B", "C", "D", "E"]
