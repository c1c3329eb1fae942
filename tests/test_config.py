from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keysync_shell.config import FILE, Config, home_folder, load, parse
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import KeySyncError

EVERYTHING = """
[systems]
names = ["CRM", "ERP"]
authority = "ERP"
[normalize]
trim = false
uppercase = false
collapse_delimiters = false
strip_other = false
letters = "unicode"
pad_numbers = 6
[limits]
keys_per_system = 1
keys_per_command = 2
key_bytes = 3
file_bytes = 4
regex_chars = 5
[paths]
snapshots = "old"
"""


def refusal(data: dict[str, Any]) -> str:
    with pytest.raises(KeySyncError) as error:
        parse(data)
    return error.value.message


def test_without_a_file_every_setting_has_its_default(tmp_path: Path) -> None:
    assert load(tmp_path) == load(tmp_path / "nowhere") == parse({}) == Config()


def test_every_setting_is_taken(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(EVERYTHING)
    config = load(tmp_path)
    assert config.systems == Systems(("CRM", "ERP"), "ERP")
    assert config.rules == Rules(False, False, False, False, "unicode", 6)
    assert config.limits == Limits(1, 2, 3, 4, 5)
    assert config.snapshots == "old"


def test_first_system_is_the_authority_unless_another_is_named() -> None:
    assert parse({"systems": {"names": ["CRM", "ERP"]}}).systems.authority == "CRM"
    assert parse({"systems": {"authority": "C"}}).systems == Systems(authority="C")


@pytest.mark.parametrize(
    ("section", "table", "reason"),
    [
        ("colors", {}, "unknown setting [colors]"),
        ("limits", 5, "unknown setting [limits]"),
        ("limits", [{}], "unknown setting [limits]"),
        ("limits", {"keys": 1}, "unknown setting keys in [limits]"),
        ("normalize", {"upper": True}, "unknown setting upper in [normalize]"),
        ("limits", {"key_bytes": -1}, "[limits] key_bytes = -1: it takes a whole number from 0"),
        ("limits", {"key_bytes": 1.5}, "it takes a whole number from 0"),
        ("limits", {"key_bytes": "9"}, "it takes a whole number from 0"),
        ("limits", {"key_bytes": True}, "it takes a whole number from 0"),
        ("normalize", {"trim": 1}, "[normalize] trim = 1: it takes true or false"),
        ("normalize", {"letters": "latin"}, "letters = 'latin': it takes ascii or unicode"),
        ("normalize", {"letters": True}, "[normalize] letters = True: it takes text"),
        ("normalize", {"pad_numbers": False}, "it takes a whole number from 0"),
        ("systems", {"names": "A,B"}, "[systems] takes names (a list of text values) and authority (one of them)"),
        ("systems", {"names": ["A", 1]}, "[systems] takes names"),
        ("systems", {"name": ["A", "B"]}, "[systems] takes names"),
        ("systems", {"names": []}, '[systems] takes authority = "…"'),
        ("systems", {"authority": 1}, '[systems] takes authority = "…"'),
        ("systems", {"authority": ""}, '[systems] takes authority = "…"'),
        ("systems", {"authority": "X"}, "the authority 'X' is not one of A, B, C, D, E"),
        ("systems", {"names": ["A"]}, "a sandbox takes 2 to 16 systems, not 1"),
        ("systems", {"names": ["A", "../B"]}, "'../B' cannot be the name of a system"),
        ("systems", {"names": ["A", "Gap"]}, "'Gap' cannot be the name of a system: that word means the keys with"),
        ("systems", {"names": ["A", "variants"]}, "'variants' cannot be the name of a system"),
        ("paths", {}, '[paths] takes snapshots = "…"'),
        ("paths", {"snapshots": ""}, '[paths] takes snapshots = "…"'),
        ("paths", {"snapshots": 1}, '[paths] takes snapshots = "…"'),
        ("paths", {"snapshots": "x", "reports": "y"}, '[paths] takes snapshots = "…"'),
    ],
)
def test_bad_setting_is_refused(section: str, table: object, reason: str) -> None:
    assert reason in refusal({section: table})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[limits\n", "Expected ']'"),
        (b"x = ", "Invalid value"),
        (b"\xff", "cannot be read"),
        (b"[limits]\nkeys = 1\n", "unknown setting keys in [limits]"),
        (b"[systems]\nnames = ['A', 'a']\n", "two systems are called 'a'"),
    ],
)
def test_bad_file_is_refused_with_its_name(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(KeySyncError) as error:
        load(tmp_path)
    assert error.value.message.startswith(f"{tmp_path / FILE}: ")
    assert reason in error.value.message


def test_hint_names_the_known_settings_or_where_they_stand(tmp_path: Path) -> None:
    for text, hint in (("[limits]\nkeys = 1", "Valid names: keys_per_system"), ("[", "See the README")):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(KeySyncError) as error:
            load(tmp_path)
        assert error.value.hint.startswith(hint)


def test_file_that_is_a_folder_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(KeySyncError, match=r"keysync.toml: cannot be read"):
        load(tmp_path)


def test_home_that_is_a_file_has_no_settings(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    assert load(tmp_path / "home") == Config()


def test_home_is_what_is_given_else_what_the_environment_says_else_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEYSYNC_HOME", raising=False)
    assert home_folder(None) == Path()
    monkeypatch.setenv("KEYSYNC_HOME", "~/keys")
    assert home_folder(None) == Path.home() / "keys"
    assert home_folder("there") == Path("there")


def test_names_are_no_path() -> None:
    with pytest.raises(KeySyncError):
        parse({"paths": {"snapshots": "x", "names": "y"}})


def test_home_of_nobody_is_a_plain_name() -> None:
    assert home_folder("~nobody-of-that-name/keys") == Path("~nobody-of-that-name/keys")


def test_padding_is_limited() -> None:
    with pytest.raises(KeySyncError):
        parse({"normalize": {"pad_numbers": 100_000}})


@pytest.mark.parametrize(
    "folder", ["..", ".", "systems", "systems/old", ".keysync", "link", "link/home", "old/../systems"]
)
def test_snapshots_never_lie_among_the_files_of_the_sandbox_or_around_them(tmp_path: Path, folder: str) -> None:
    home = tmp_path / "home"
    (home / "systems").mkdir(parents=True)
    (home / "link").symlink_to(tmp_path)
    (home / FILE).write_text(f"[paths]\nsnapshots = '{folder}'\n")
    with pytest.raises(KeySyncError, match="the sandbox itself is there") as error:
        load(home)
    assert error.value.message.startswith(f"{home / FILE}: [paths] snapshots = '{folder}'")
    assert error.value.hint == "Name a folder for nothing but snapshots, such as snapshots, or one elsewhere."


@pytest.mark.parametrize("folder", ["snapshots", "old/of/this", "../shared", "/nowhere/at/all", "link/shared"])
def test_snapshots_may_lie_anywhere_else(tmp_path: Path, folder: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to(tmp_path)
    (home / FILE).write_text(f"[paths]\nsnapshots = '{folder}'\n")
    assert load(home).snapshots == folder
