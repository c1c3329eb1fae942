"""Keys that a terminal would obey, reorder or not show: none of their characters reaches one, whatever is said."""

from __future__ import annotations

import csv
import io
import os
import pty
import shlex
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from keysync_shell.commands.catalogue import COMMANDS
from tests.building import opened, sandbox
from tests.crash.oneshot import Said, command
from tests.crash.report import tally
from tests.talking import Talk

ESCAPES = (
    "\x1b[2J", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]52;c;cm0gLXJm\x07", "\x1b]8;;http://x\x1b\\y\x1b]8;;\x1b\\",
    "\x1bP+q\x1b\\", "\x1b[6n", "\x1bc", "\x9b31m", "\x90q\x9c", "\x07", "\x08\x08\x08", "\x7f", "\x0b", "\x0c", "\x0e",
    "\x1a", "\x05", "\r\n", "\n", "\t", "\x85", "\x84", "\x1c\x1d\x1e\x1f",
)  # fmt: skip
BIDI = ("\u202e", "\u202d", "\u202a", "\u202b\u202c", "\u2066", "\u2067", "\u2068\u2069", "\u200e", "\u200f", "\u061c")
UNSEEN = (
    "\u200b", "\u200c", "\u200d", "\ufeff", "\u2060", "\u2063", "\u00ad", "\u034f", "\u180e", "\ufe0f", "\U000e0100",
    "\U000e0041", "\u115f", "\u3164", "\uffa0", "\u2800", "\u2028", "\u2029", "\ufff9", "\ue000", "\U000fffff",
)  # fmt: skip
PAYLOADS = (*ESCAPES, *BIDI, *UNSEEN)
KEYS = tuple(f"K{i}{payload}Z" for i, payload in enumerate(PAYLOADS))
FORMATS = ("table", "json", "jsonl", "csv", "tsv", "markdown")


@pytest.fixture
def home(quick: Path) -> Path:
    """A sandbox that holds all the keys, and one to whom a key stands on the prompt."""
    root = quick / f"home{ESCAPES[0]}{BIDI[0]}{UNSEEN[0]}"
    sandbox(root, A=list(KEYS), B=[*KEYS[::2], "K1"], C=[f" {key}" for key in KEYS]).close()
    return root


@pytest.mark.parametrize("share", [3, pytest.param(1, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", [one.name for one in COMMANDS])
def test_no_command_lets_a_key_through(home: Path, name: str, share: int) -> None:
    """Every command with every key, in each place where a word can stand; at every push a third of that."""
    lines = [line for i, key in enumerate(KEYS) for line in _lines(name, key)[i % share :: share]]
    for words in lines:
        _is_clean(command(home, name, *words), f"{name} {words}")
    tally("hostile keys", len(lines), "command lines, 0 raw characters shown")


@pytest.mark.parametrize("format", FORMATS)
def test_no_format_lets_a_key_through_to_a_terminal(home: Path, format: str) -> None:
    for words in (["list", "--all"], ["discrepancies", "--all"], ["diff", "A", "C", "--all"], ["log"], ["status"]):
        command(home, "add-key", *KEYS, "--systems", "D")
        shown = _at_a_terminal(home, *words, "--format", format)
        assert len(shown) > 40
        _only_seen(shown.replace("\r\n", "\n"), f"{words} {format}", tabs=format == "tsv")
        tally("hostile keys", 1, "listings at a terminal, 0 raw characters shown")


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_json_is_ascii(home: Path, format: str) -> None:
    said = command(home, "list", "--format", format)
    assert said.out.isascii()
    assert said.out.replace("\n", "").isprintable()


def test_a_piped_csv_holds_the_keys_as_they_are(home: Path) -> None:
    said = command(home, "list", "--systems", "A", "--format", "csv")
    keys = {row[0] for row in csv.reader(io.StringIO(said.out, newline=""))}
    assert set(KEYS) <= keys


def test_the_shell_shows_no_key_raw(home: Path) -> None:
    talk = Talk(home, interactive=True)
    for key in KEYS:
        for line in (f"list {shlex.quote(key)}", f"{shlex.quote(key)} x", f"help {shlex.quote(key)}", "log 3"):
            _only_seen(talk.say(line).text, line)
        _only_seen(talk.say(f"add-key {shlex.quote(key)} --systems E").text, "add-key")
        _only_seen(talk.shell.prompt, "prompt")
        _only_seen(talk.shell.get_bottom_toolbar(), "toolbar")
        talk.say(f"save-state s{len(key)} --force --note {shlex.quote(key)}")
        _offers_are_clean(talk, key)
        tally("hostile keys", 1, "keys at the prompt, in the toolbar and in completions, 0 raw characters shown")
    _only_seen(talk.say("history").text, "history")


def test_a_script_shows_no_key_raw(home: Path) -> None:
    talk = Talk(home)
    for key in KEYS:
        quoted = shlex.quote(key.replace("\r\n", "").replace("\n", ""))
        script = home.parent / "script.txt"
        script.write_text(f"list {quoted}\nremove-key {quoted}x\n")
        for line in (f"run {script} --echo --keep-going", f"run {script} --atomic", f"run {quoted}", f"@{quoted}"):
            _only_seen(talk.say(line).text, line)
        tally("hostile keys", 1, "keys in scripts, 0 raw characters shown")


def test_outside_edits_and_broken_files_show_no_key_raw(home: Path) -> None:
    path = home / "systems" / "B.csv"
    for key in KEYS:
        good = path.read_bytes()
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([["key", f"note {key}"], [key, key]])
        for data in (out.getvalue(), f'key,"{key}","{key}"\n', f"{key}\n", f'key\n"{key}"x\n', f"key\n{key},{key}\n"):
            path.write_bytes(data.encode())
            _is_clean(command(home, "status"), f"a system file {data!r}")
            _is_clean(command(home, "import", "A", str(path), "--dry-run"), f"an import of {data!r}")
        path.write_bytes(good)
        tally("hostile keys", 5, "files with them, 0 raw characters shown")


def _lines(name: str, key: str) -> list[list[str]]:
    """The natural uses of a command with this key, and the key as every other word."""
    natural = {
        "init": [["--key-format", f"{key}{{n}}", "--keys", "2", "--yes", "--dry-run"]],
        "add-key": [[key], [key, "--systems", "E"], [f"{key}1..{key}3", "--dry-run"]],
        "remove-key": [[key, "--dry-run", "--yes"], [key, "--systems", "E", "--yes"], [key], [f"re:{key}(", "--yes"]],
        "modify-key": [[key, "--to", f"{key}{key}", "--dry-run"], [key, "--to", "K1", "--systems", "B"]],
        "corrupt": [["control", key, "--dry-run"]],
        "copy-key": [[key, "--from", "A", "--to", "E", "--dry-run"]],
        "move-key": [[key, "--from", "A", "--to", "D", "--dry-run"]],
        "list": [[key], [key, "--format", "json"], [f"{key}*"], [f"re:[{key}"], ["--pattern", key]],
        "diff": [["A", "B"], [key, "now"]],
        "save-state": [[key], ["s", "--force", "--note", key]],
        "export-state": [["s", key], [key, "/dev/null"]],
        "import-state": [[key], ["/dev/null", "--as", key]],
        "bisect": [[f"gaps.{key} == 0"], [f"{key} == 0"]],
        "blame": [[key], [f"{key}x"], [key, "--format", "json"]],
        "lock": [["--", key]],
    }
    words = [["--system", key], [key], [key, key, key], [f"--{key}"], ["--format", key]]
    return [*natural.get(name, []), *words]


def _offers_are_clean(talk: Talk, key: str) -> None:
    for line in (f"list {key[:2]}", "load-state ", "diff ", "add-key ", f"list '{key[:3]}"):
        for offer in talk.offered(line):
            for text in (offer.text, offer.about, offer.looks):
                _only_seen(text, f"completion of {line!r}")


def _at_a_terminal(home: Path, *words: str) -> str:
    """What a terminal would get from the program."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "keysync_shell", "--home", str(home), *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:  # the other end is closed
            pass
        finally:
            os.close(ours)
    assert process.returncode in (0, 1)
    return shown.decode()


def _is_clean(said: Said, what: str) -> None:
    assert not said.crashed, f"{what}: {said.err}"
    _only_seen(said.out, what)
    _only_seen(said.err, what)


def _only_seen(text: str, what: str, *, tabs: bool = False) -> None:
    raw = {letter for letter in text if letter != "\n" and not (tabs and letter == "\t") and _is_hidden(letter)}
    assert not raw, f"{what}: {sorted(raw)!r} in {text!r}"


def _is_hidden(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "C" or any(letter in payload for payload in (*BIDI, *UNSEEN))


def test_the_keys_are_all_there(home: Path) -> None:
    fresh = opened(home)
    fresh.refresh()
    assert len(KEYS) >= 50
    assert set(KEYS) == set(fresh.state.keys("A"))
