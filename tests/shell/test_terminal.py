"""The shell as somebody meets it: a real terminal, real keys."""

from __future__ import annotations

import contextlib
import fcntl
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.building import files, sandbox
from tests.processes import tells, watched
from tests.terminal import CTRL_C, CTRL_D, RIGHT, UP, Terminal


@pytest.fixture
def keyed(home: Path) -> Path:
    """A folder with a few keys in every system."""
    keys = " ".join(f"CUST-{number:05}" for number in range(1, 13))
    sandbox(home, **dict.fromkeys("ABCDE", keys)).close()
    return home


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Terminal]]:
    """Start a shell in the folder, with other variables in its environment."""
    with contextlib.ExitStack() as stack:

        def started(**environment: str) -> Terminal:
            made = stack.enter_context(contextlib.closing(Terminal(home, environment)))
            made.wait(lambda: made.at_prompt)
            return made

        yield started


@pytest.fixture
def terminal(keyed: Path, start: Callable[..., Terminal]) -> Terminal:
    return start()


def test_prompt_toolbar_and_welcome(terminal: Terminal) -> None:
    terminal.see("KeySync Shell: systems of business keys", "A 12  B 12  C 12  D 12  E 12  |  undo: @1 init")
    terminal.see("Nothing is wrong here: every system holds what A holds.", "Try: status · explain CUST-00001 · undo")
    assert terminal.line == "keysync home [in sync @1]>"


def test_prompt_and_toolbar_move_on(terminal: Terminal) -> None:
    terminal.say("add-key UNAUTH-001 --systems B,C", "Added")
    terminal.see("keysync home [1 discrepancy @2]>", "B 13  C 13", "undo: @2 add-key UNAUTH-001 --systems B,C")


def test_an_empty_folder(start: Callable[..., Terminal]) -> None:
    terminal = start()
    terminal.see("keysync home [empty]>", "No sandbox here yet: `sample`, `mock` or `init` makes one.")
    terminal.say("init --keys 5", "Initialized")
    terminal.see("keysync home [in sync @1]>")


def test_tab_completes_a_command(terminal: Terminal) -> None:
    terminal.press("add\t")
    terminal.wait(lambda: terminal.typed == "add-key ")


def test_tab_completes_keys_up_to_where_they_differ(terminal: Terminal) -> None:
    terminal.press("remove-key C\t")
    terminal.wait(lambda: terminal.typed == "remove-key CUST-000")
    terminal.press("12\t")
    terminal.wait(lambda: terminal.typed == "remove-key CUST-00012 ")


def test_tab_quotes_a_key_that_needs_it(terminal: Terminal) -> None:
    terminal.say("add-key 'Q|b' --systems A", "Added")
    terminal.press("list Q\t")
    terminal.wait(lambda: terminal.typed.startswith("list 'Q"))


def test_tab_closes_a_quote(terminal: Terminal) -> None:
    terminal.say("add-key 'Q|b' --systems A", "Added")
    terminal.press("list 'Q\t")
    terminal.wait(lambda: terminal.typed == "list 'Q|b' ")


def test_tab_completes_systems_after_a_comma(terminal: Terminal) -> None:
    terminal.press("add-key X --systems B,d\t")
    terminal.wait(lambda: terminal.typed == "add-key X --systems B,D")


def test_the_menu_comes_while_one_types_and_can_be_walked(terminal: Terminal) -> None:
    terminal.press("add-key X --systems ")
    terminal.see("12 rows")
    terminal.press("\t\t")
    terminal.wait(lambda: terminal.typed == "add-key X --systems B")
    terminal.press("\r")  # takes it, and goes on
    terminal.press(",")
    terminal.wait(lambda: terminal.typed == "add-key X --systems B,")


def test_the_menu_says_what_things_are(terminal: Terminal) -> None:
    terminal.say("remove-key CUST-00011 --systems D --yes; add-key 'CUST-00011 ' -s C", "Added")
    terminal.press("remove-key CUST-0001")
    alike = ("CUST-00011 ABC.E gap D, duplicate C", "'CUST-00011 ' ..C.. gap D, duplicate C, variant C")
    terminal.wait(lambda: all(row in " ".join(terminal.text.split()) for row in (*alike, "CUST-00012 ABCDE")))


@pytest.mark.parametrize("way", ["set menu off", "keysync.toml"])
def test_the_menu_can_be_turned_off(keyed: Path, start: Callable[..., Terminal], way: str) -> None:
    if way == "keysync.toml":
        (keyed / way).write_text("[shell]\nmenu = false\n")
    terminal = start()
    if way != "keysync.toml":
        terminal.say(way, "menu")
    terminal.press("undo")
    terminal.wait(lambda: terminal.typed == "undo")
    assert "Take back the last change" not in terminal.text
    terminal.press(" --\t")
    terminal.see("--dry-run")


def test_what_is_longer_than_the_screen_goes_through_a_pager(terminal: Terminal) -> None:
    terminal.say("init --keys 200 --yes", "Initialized")
    terminal.enter("list")
    terminal.wait(lambda: terminal.line == ":")
    terminal.press("q")
    terminal.wait(lambda: terminal.at_prompt)
    terminal.say("list 'CUST-0000?'", "CUST-00009")


def test_help_for_somebody_who_knows_nothing(terminal: Terminal) -> None:
    terminal.say("help", "More: help COMMAND")
    terminal.see("Several systems hold the same business keys", "Change keys: add-key")
    terminal.say("help gap", "the authority holds and another system lacks")
    terminal.say("version", "keysync-shell ")


def test_the_first_lines_can_be_followed(start: Callable[..., Terminal]) -> None:
    start().say("sample", "Loaded")
    terminal = start()
    terminal.see("Wrong here: gaps 29, unauthorized 9, duplicates 5, variants 18, malformed 5.")
    [line] = [line for line in terminal.text.splitlines() if line.startswith("Try: ")]
    for command in line.removeprefix("Try: ").split(" · "):
        terminal.enter(command)
        terminal.wait(lambda: terminal.at_prompt or terminal.line.endswith(":"))
        assert "error:" not in terminal.text
        if not terminal.at_prompt:
            terminal.press("q")


def test_history_suggests_the_rest_of_a_line(terminal: Terminal) -> None:
    terminal.say("add-key UNAUTH-001 --systems B", "Added")
    terminal.press("add-key U")
    terminal.wait(lambda: terminal.line.endswith("add-key UNAUTH-001 --systems B") and terminal.typed == "add-key U")
    terminal.press(RIGHT)
    terminal.wait(lambda: terminal.typed == "add-key UNAUTH-001 --systems B")


def test_history_survives_kill_9(terminal: Terminal, start: Callable[..., Terminal]) -> None:
    terminal.say("add-key UNAUTH-001 --systems B", "Added")
    terminal.process.kill(signal.SIGKILL)
    terminal.ended()
    again = start()
    again.press(UP)
    again.wait(lambda: again.typed == "add-key UNAUTH-001 --systems B")


def test_did_you_mean(terminal: Terminal) -> None:
    terminal.say("add-keyy X", "there is no command 'add-keyy'")
    terminal.see("Did you mean add-key?")


@pytest.mark.parametrize(("answer", "kept"), [("n\r", 12), ("\r", 12), (CTRL_D, 12), ("y\r", 11), ("YES\r", 11)])
def test_an_answer(terminal: Terminal, keyed: Path, answer: str, kept: int) -> None:
    terminal.enter("remove-key CUST-00001 --systems D")
    terminal.see("This would remove: D −1 row.", "gaps D 0 → 1", "Go ahead? [y/N]")
    terminal.press(answer)
    terminal.wait(lambda: terminal.at_prompt)
    terminal.see("Removed" if kept == 11 else "Nothing was changed.")
    assert files(keyed)["D.csv"].count(b"CUST") == kept


def test_ctrl_c_at_a_question_is_a_no(terminal: Terminal, keyed: Path) -> None:
    before = files(keyed)
    terminal.enter("remove-key CUST-00001 --systems D")
    terminal.see("Go ahead? [y/N]")
    terminal.press(CTRL_C)
    terminal.wait(lambda: terminal.at_prompt)
    assert files(keyed) == before


def test_answers_are_not_remembered(terminal: Terminal, keyed: Path) -> None:
    terminal.enter("remove-key CUST-00001 --systems D")
    terminal.see("Go ahead? [y/N]")
    terminal.press("n\r")
    terminal.wait(lambda: terminal.at_prompt)
    terminal.press(UP)
    terminal.wait(lambda: terminal.typed == "remove-key CUST-00001 --systems D")


def test_ctrl_c_clears_the_line(terminal: Terminal) -> None:
    terminal.press("remove-key CUST-00001")
    terminal.wait(lambda: terminal.typed == "remove-key CUST-00001")
    terminal.press(CTRL_C)
    terminal.wait(lambda: terminal.at_prompt)
    terminal.say("log 1", "init")


@tells
def test_ctrl_c_ends_a_command_that_waits(terminal: Terminal, keyed: Path) -> None:
    before, path = files(keyed), keyed / ".keysync" / "lock"
    with path.open() as lock, watched(path) as wait:
        fcntl.flock(lock, fcntl.LOCK_EX)
        terminal.enter("add-key X --lock-timeout 600")
        wait()
        terminal.press(CTRL_C)
        terminal.see("Interrupted; nothing was changed.")
    terminal.say("status", "12 keys in all")
    assert files(keyed) == before


def test_ctrl_c_ends_a_command_that_works(terminal: Terminal, keyed: Path) -> None:
    before, lock = files(keyed), keyed / ".keysync" / "lock"
    lock.write_text("")  # whoever holds the lock writes its number there
    terminal.enter("init --keys 400000 --yes")
    terminal.wait(lambda: lock.read_text() != "")
    terminal.press(CTRL_C)
    terminal.see("Interrupted; nothing was changed.")
    terminal.say("status", "12 keys in all")
    assert files(keyed) == before


def test_ctrl_d_leaves(terminal: Terminal) -> None:
    terminal.press(CTRL_D)
    assert terminal.ended() == 0


def test_quit_leaves_with_0_whatever_was_before(terminal: Terminal) -> None:
    terminal.say("nonsense X", "there is no command")
    terminal.enter("quit")
    assert terminal.ended() == 0


def test_no_key_reaches_the_terminal_raw(terminal: Terminal, keyed: Path) -> None:
    (keyed / "odd.txt").write_text("key\nESC-\x1b]0;title\x07\nBIDI-\u202ex\n")
    terminal.say("add-key @odd.txt --systems B", "Added")
    terminal.say("list '*-*' --systems B --pattern B", "BIDI")
    terminal.see(r"ESC-\x1b]0;title\x07", r"BIDI-\u202ex")
    assert "\x1b]0;title" not in terminal.raw
    assert "\u202e" not in terminal.raw


def colored(word: str) -> re.Pattern[str]:
    return re.compile(rf"\x1b\[[0-9;]*m{re.escape(word)}")


def test_color(terminal: Terminal) -> None:
    terminal.say("add-key X --systems Q", "unknown system")
    assert colored("error:").search(terminal.raw)


def test_no_color(keyed: Path, start: Callable[..., Terminal]) -> None:
    terminal = start(NO_COLOR="1")
    terminal.say("add-key X --systems Q", "unknown system")
    terminal.say("add-key X --systems B", "Added")
    terminal.say("diff A B", "only in B")
    assert not any(colored(word).search(terminal.raw) for word in ("error:", "hint:", "✓", "+     X"))
