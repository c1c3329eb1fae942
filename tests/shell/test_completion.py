"""What Tab offers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from keysync_shell.commands import lines
from keysync_shell.commands.catalogue import FIRST_WORDS
from keysync_shell.core.findings.kinds import names
from keysync_shell.sandbox import Sandbox
from keysync_shell.shell.completion import spelled
from keysync_shell.shell.paths import MOST
from tests.talking import Talk

SELECTORS = ("gap", "gap:D", "a*b", "a..b", "-x", "--yes", "-", "@last", "@x", "key:x", "re:x", "A - D")
QUOTED = ("a;b", "#x", "it's", 'say "x"', "a\\b", "'\"", "a | b", "~", "$HOME")


def put_in(talk: Talk, line: str) -> list[str]:
    """What the editor would put in place of the word before the cursor, quotes and all."""
    return [found.text for found in talk.shell.completer.get_completions(Document(line), CompleteEvent())]


def tabbed(talk: Talk, line: str) -> str:
    """The line after Tab, as far as that is what all offers have in common."""
    buffer = Buffer(document=Document(line))
    talk.shell.completer.put_in(buffer)
    return buffer.text


def about(talk: Talk, line: str) -> dict[str, str]:
    """What is said of each offer."""
    return {offer.text: offer.about for offer in talk.offered(line)}


def test_commands(talk: Talk) -> None:
    assert talk.offers("add") == ["add-key"]
    assert {"redo", "remove-key", "reset"} <= set(talk.offers("re"))
    assert set(FIRST_WORDS) <= set(talk.offers(""))


def test_names_after_help(talk: Talk) -> None:
    assert talk.offers("help mod") == ["modify-key"]


def test_a_command_that_is_not_there(talk: Talk) -> None:
    assert talk.offers("nonsense CUST") == []


def test_flags(talk: Talk) -> None:
    assert talk.offers("add-key X --sy") == ["--systems"]
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
    assert about(talk, "add-key X --systems D") == {"D": "12 rows"}


def test_value_that_is_joined_to_its_option(talk: Talk) -> None:
    assert put_in(talk, "add-key X --systems=B,") == [
        "--systems=B,A",
        "--systems=B,C",
        "--systems=B,D",
        "--systems=B,E",
    ]
    assert put_in(talk, "log --key=CUST-00012") == ["--key=CUST-00012 "]


def test_commands_say_what_they_do(talk: Talk) -> None:
    assert about(talk, "und") == {"undo": "Take back the last change, or the last N."}
    talk.say("alias create und undo 2")
    assert about(talk, "und")["und"] == "alias of undo 2"


def test_arguments_behind_an_alias_and_behind_the_beginning_of_a_command(talk: Talk) -> None:
    talk.say("alias create away remove-key --systems D")
    assert talk.offers("away CUST-00012") == ["CUST-00012"]
    assert talk.offers("rem CUST-00012") == ["CUST-00012"]
    assert talk.offers("re CUST-00012") == []


def test_behind_a_semicolon_a_command_begins(talk: Talk) -> None:
    assert talk.offers("status; add") == ["add-key"]
    assert talk.offers("status; list CUST-00012") == ["CUST-00012"]
    assert talk.offers("list 'a; add") == []


@pytest.mark.parametrize("line", ["list | gr", "!gre", "list CUST # CU", "list CUST\\\\", "status; !gre"])
def test_nothing_is_offered_to_the_system_in_remarks_and_behind_a_backslash(talk: Talk, line: str) -> None:
    assert talk.offers(line.replace("\\\\", "\\")) == []


def test_a_key_says_who_holds_it_and_what_is_wrong_with_it(talk: Talk) -> None:
    talk.say("remove-key CUST-00011 --systems D --yes")
    talk.say("add-key cust-00012 'key:CUST-0001\u041e' --systems B")
    assert about(talk, "remove-key CUST-0001") == {
        "CUST-00010": "ABCDE",
        "CUST-00011": "ABC.E  gap D",
        "CUST-00012": "ABCDE  duplicate B",
        "CUST-0001\u041e": ".B...  unauthorized B, variant B, malformed B, \u041e is U+041E",
    }
    assert about(talk, "remove-key cust-00012") == {"cust-00012": ".B...  duplicate B, variant B"}


def test_spellings_that_look_alike_are_told_apart(talk: Talk) -> None:
    talk.say("add-key 'CUST-00011 ' 'CUST-00011  ' --systems C")
    looks = [offer.looks for offer in talk.offered("remove-key CUST-00011")]
    assert looks == ["CUST-00011", "'CUST-00011 '", "'CUST-00011  '"]


def test_a_quote_only_where_a_key_needs_one(talk: Talk) -> None:
    talk.say("add-key 'CUST-00011 ' --systems C")
    assert put_in(talk, "remove-key CUST-00011") == ["CUST-00011", "'CUST-00011 '"]
    assert tabbed(talk, "remove-key CUST-0001") == "remove-key CUST-0001"
    assert tabbed(talk, "remove-key C") == "remove-key CUST-000"
    assert tabbed(talk, "remove-key 'C") == "remove-key 'CUST-000"


def test_tab_puts_a_quote_where_what_is_common_needs_one(talk: Talk) -> None:
    talk.say("add-key 'Q a b' 'Q a c' --systems C")
    assert tabbed(talk, "remove-key Q") == "remove-key 'Q a "
    assert tabbed(talk, 'remove-key "Q') == 'remove-key "Q a '


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1), st.sampled_from(["", "'", '"']))
def test_what_is_put_in_means_what_is_offered(text: str, quote: str) -> None:
    assert lines.words(spelled(text, quote)) == [text]


@pytest.mark.parametrize("key", [*SELECTORS, *QUOTED])
def test_any_key_that_is_offered_means_itself(talk: Talk, home: Path, key: str) -> None:
    (home / "one.txt").write_text(f"{key}\n")
    talk.say("reset --empty --yes; import A one.txt --no-header --delimiter none --yes")
    [word] = put_in(talk, "list ")
    rows = json.loads(talk.say(f"list {word} --format json").text)["data"]["keys"]
    assert [row["key"] for row in rows] == [key]


def test_selectors(talk: Talk) -> None:
    talk.say("remove-key CUST-00001 --systems D --yes")
    assert about(talk, "list ga") == {
        "gap": "1 here; a canonical key that the authority holds and another system lacks"
    }
    assert about(talk, "list gap:") == {
        "gap:A": "0 here",
        "gap:B": "0 here",
        "gap:C": "0 here",
        "gap:D": "1 here",
        "gap:E": "0 here",
    }
    assert about(talk, "list pattern:") == {"pattern:ABCDE": "11 keys", "pattern:ABC.E": "1 key"}
    assert talk.offers("list key:CUST-00012") == ["key:CUST-00012"]


def test_files_of_keys(talk: Talk, home: Path) -> None:
    (home / "last-keys.txt").touch()
    assert talk.offers("add-key @la") == ["@last", "@last-keys.txt"]
    assert talk.offers("add-key @sy") == ["@systems/"]
    assert talk.offers("@la") == ["@last-keys.txt"]


def test_operations(talk: Talk) -> None:
    talk.say("add-key K1")
    assert about(talk, "restore ") == {"@2": "add-key K1", "@1": "init --keys 12"}
    for line in ("revert @2", "log show @2", "status --at @2", "diff @2", "diff now @2"):
        assert talk.offers(line) == ["@2"], line


def test_runs(talk: Talk) -> None:
    talk.say("reconcile")
    assert about(talk, "report ") == {"1": "2026-01-02 12:00 full, at @1"}
    assert talk.offers("compare ") == ["1"]


def test_rules_and_conditions(talk: Talk) -> None:
    assert about(talk, "whatif normalize up") == {"uppercase=off": "now on"}
    assert about(talk, "bisect gaps") == {"gaps == 0": "now 0", **{f"gaps.{name} == 0": "now 0" for name in "ABCDE"}}
    assert put_in(talk, "bisect gaps.D") == ["'gaps.D == 0' "]


def test_scenarios(talk: Talk) -> None:
    assert "format-drift" in talk.offers("scenario run ")
    assert about(talk, "scenario ru")["run"].startswith("Run scenarios")


def test_help_topics_and_words(talk: Talk) -> None:
    assert {"scripts", "scenario", "snapshot", "status", "system"} <= set(talk.offers("help s"))
    assert about(talk, "help ga") == {"gap": "a canonical key that the authority holds and another system lacks"}
    assert "?status" in talk.offers("?sta")


def test_a_file_behind_a_redirection(talk: Talk) -> None:
    assert talk.offers("list > sys") == ["systems/"]


def test_files_of_a_restricted_shell_are_those_of_its_sandbox(talk: Talk, home: Path) -> None:
    (home.parent / "secret.txt").touch()
    restricted = Talk(home, restricted=True)
    for line in ("run ../s", "add-key @../s", f"import A {home.parent}/s"):
        assert talk.offers(line)
        assert restricted.offers(line) == []


def test_typing_never_looks_at_the_history(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert talk.offers("restore ")
    monkeypatch.setattr(Sandbox, "operations", None)
    monkeypatch.setattr(Sandbox, "records", None)
    for line in (
        "restore ",
        "report ",
        "load-state ",
        "list ",
        "add-key X --systems ",
        "scenario run ",
        "help ",
        "bisect ",
    ):
        talk.offers(line)


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
    assert put_in(talk, "list Q") == ["'Q a b'", '"Q\'s"', "'Q|b'"]
    assert put_in(talk, "list 'Q a") == ["'Q a b' "]
    assert put_in(talk, 'list "Q') == ['"Q a b"', '"Q\'s"', '"Q|b"']


def test_a_quoted_word_is_closed(talk: Talk) -> None:
    talk.say("add-key 'Q|b'")
    assert put_in(talk, "list 'Q") == ["'Q|b' "]
    assert put_in(talk, 'list "Q') == ['"Q|b" ']


def test_an_empty_word_gets_its_quote(talk: Talk) -> None:
    talk.say("init --keys 1 --key-format '$|{n}' --yes")
    assert put_in(talk, "list ") == ["'$|1' "]


def test_keys_that_nobody_can_see_are_left_out(talk: Talk, home: Path) -> None:
    (home / "odd.txt").write_text("Z\x1b[31m\nZ\u200b\nZ\u202e\nZ-fine\n")
    talk.say("add-key @odd.txt")
    assert talk.offers("list Z") == ["Z-fine"]


def test_snapshots_with_their_notes(talk: Talk, home: Path) -> None:
    talk.say("save-state before --note 'all is well'")
    talk.say("save-state beyond")
    (home / "snapshots" / "beyond" / "manifest.json").write_text("no manifest")
    talk.say("status")
    assert about(talk, "load-state be") == {"before": "all is well", "beyond": "damaged"}


def test_sides_of_a_difference(talk: Talk) -> None:
    talk.say("save-state before")
    assert talk.offers("diff ") == ["A", "B", "C", "D", "E", "now", "before", "@1"]
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
