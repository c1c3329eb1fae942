"""Foreign files through the commands: every hint that is printed is followed, and the right keys arrive."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from keysync_shell.commands.session import Session, nobody
from tests.building import opened, sandbox
from tests.crash.oneshot import command
from tests.talking import Talk

# What the file holds, and the keys that arrive when the choices of the hint are followed, in their order.
UNCLEAR: dict[str, tuple[bytes, list[list[str]]]] = {
    "semicolons.csv": (b"customer_id;name\nK-1;Ann\nK-2;Bob\n", [["K-1", "K-2"]]),
    "commas.csv": (b"name,customer key\nAnn,K-1\nBob,K-2\n", [["K-1", "K-2"]]),
    "tabs.tsv": (b"K-1\tAnn\nK-2\tBob\n", [["K-1", "K-2"]]),
    "pipes.txt": (b"Ann|K-1\nBob|K-2\n", [["K-1", "K-2"]]),
    "words.csv": (b"name,city\nAnn,Rome\nBob,Oslo\n", [["Ann", "Bob"], ["Ann", "Bob", "name"]]),
    "twice.csv": (b"key,n,Key\nK-1,a,K-9\n", []),  # the column called exactly so is meant
    "keys.csv": (b"key,key\nK-1,K-2\n", [["K-1"], ["K-2"]]),
    "-.csv": (b"-x;n\nK-1;Ann\n", [["K-1"]]),
    "quote.csv": (b"it's an id;n\nK-1;Ann\n", [["K-1"]]),
    "unnamed.csv": (b",n\nK-1,Ann\nK-2,Bob\n", [["K-1", "K-2"]]),
    "unnamed words.csv": (b",n\n,Ann\nx,Bob\n", [["Ann", "Bob"], ["Ann", "Bob", "n"]]),
    "names.csv": (b"name\nAnn\nBob\n", [["Ann", "Bob"], ["Ann", "Bob", "name"]]),
    "default.csv": (b"DEFAULT\nK-1\nK-2\n", [["K-1", "K-2"], ["DEFAULT", "K-1", "K-2"]]),
    "quoted.txt": (b'K-1\n"K-2"\n', [["K-1", "K-2"], ['"K-2"', "K-1"]]),
    "both.csv": (b"a;b,c\nd;e,f\n", []),
    "western.csv": ("key,name\nK-é,Müller\n".encode("cp1252"), [["K-é"]]),
    "western.txt": ("K-1é\nK-2ü\n".encode("cp1252"), [["K-1é", "K-2ü"]]),
    "utf-16.csv": ("key,name\nK-1,Ann\n".encode("utf-16-le"), [["K-1"]]),
}
COMMANDS = ("import B", "add-key --systems B")


def hinted(text: str) -> list[str]:
    """The commands of a hint, as they would be pasted."""
    return [
        line.strip().removeprefix("hint: Say how to read it: ")
        for line in text.splitlines()
        if line.strip().removeprefix("hint: Say how to read it: ").split(" ")[0]
        in ("import", "add-key", "keysync-shell")
    ]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    sandbox(tmp_path, A="OLD", B="").close()
    monkeypatch.chdir(tmp_path)
    for name, (data, _) in UNCLEAR.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def keys(home: Path) -> list[str]:
    at = opened(home)
    at.refresh()
    found = at.state.keys("B").to_list()
    at.close()
    return found


@pytest.mark.parametrize("said", COMMANDS)
@pytest.mark.parametrize("name", [name for name, (_, arriving) in UNCLEAR.items() if arriving])
def test_every_hint_brings_the_right_keys(home: Path, name: str, said: str) -> None:
    talk = Talk(home)
    line = f"{said} './{name}'" if said.startswith("import") else f"{said} '@{name}'"
    refused = talk.say(line)
    hints, (data, arriving) = hinted(refused.text), UNCLEAR[name]
    assert (refused.status, keys(home)) == (2, [])
    assert len(hints) >= len(arriving)
    for hint, wanted in zip(hints, arriving, strict=False):
        followed = talk.say(hint)
        assert (followed.status, keys(home)) == (0, wanted), followed.text
        talk.say("undo")
    for hint in hints[len(arriving) :]:  # for lists there is one more
        assert hint.endswith("# if every line is one key")
        assert talk.say(hint).status == 0
        assert keys(home) == sorted(data.decode().splitlines())
        talk.say("undo")


def test_hint_for_a_single_command_can_be_pasted_into_a_system_shell(home: Path) -> None:
    elsewhere = home / "my home"
    sandbox(elsewhere, B="").close()
    said = command(elsewhere, "import", "B", str(home / "semicolons.csv"))
    [hint] = hinted(said.err)
    program, *words = shlex.split(hint)
    assert program == "keysync-shell"
    subprocess.run([sys.executable, "-m", "keysync_shell", *words], check=True, capture_output=True)
    assert keys(elsewhere) == ["K-1", "K-2"]


@pytest.mark.parametrize(
    ("line", "again"),
    [
        ("add-key @a.csv", "add-key @a.csv --no-header"),
        ("add-key @a.csv -s B > out", "add-key --no-header @a.csv -s B > out"),
        ("add-key @a.csv | cat", "add-key --no-header @a.csv | cat"),
        ("add-key @a.csv # new ones", "add-key --no-header @a.csv # new ones"),
    ],
)
def test_options_go_where_they_belong_to_the_command(home: Path, line: str, again: str) -> None:
    session = Session(opened(home), line, "shell", nobody, lambda _: None, lambda: b"")
    assert session.again("--no-header") == again
    assert replace(session, source="one-shot").again("--no-header").endswith(f" {again}")


def test_first_rows_are_shown_before_anything_is_done(home: Path) -> None:
    said = Talk(home).say("import B semicolons.csv --key-column customer_id --dry-run")
    shown = [
        "semicolons.csv: 2 rows, utf-8, semicolon, the keys are in customer_id",
        "  customer_id  name",
        "  K-1          Ann",
        "  K-2          Bob",
    ]
    assert said.text.splitlines()[:4] == shown
    assert keys(home) == []


def test_first_rows_are_talk(home: Path) -> None:
    said = command(home, "list", "@semicolons.csv", "--key-column", "customer_id")
    assert "semicolons.csv" in said.err
    assert "semicolons.csv" not in said.out
    assert "semicolons.csv" not in command(home, "list", "@keys.csv", "--key-column", "1", "--format", "json").err


def test_what_is_unexpected_is_counted_once(home: Path) -> None:
    (home / "odd.csv").write_text("key,n\n\nK-1,a\nK-1,b\nK-1,c\n\n,d\n")
    said = Talk(home).say("import B odd.csv").text
    assert said.count("note:") == 3
    for note in ("2 blank lines were passed over", "2 rows repeat a key", "1 row has no key"):
        assert said.count(f"  note: {note}\n") == 1


def test_rows_without_a_key_are_no_keys_to_add(home: Path) -> None:
    (home / "odd.csv").write_text("key,n\nK-1,a\n,d\n")
    talk = Talk(home)
    assert "odd.csv: 1 row has no key" in talk.say("add-key @odd.csv").text
    assert talk.say("list @odd.csv").status == 0


def test_modify_key_has_a_delimiter_of_its_own(home: Path) -> None:
    talk = Talk(home)
    talk.say("add-key 'K 1' --systems B")
    (home / "f.csv").write_text("id:n\nK 1:a\n")
    assert talk.say("modify-key @f.csv --file-delimiter : --key-column id --delimiter _ --systems B").status == 0
    assert keys(home) == ["K_1"]


def test_where_there_are_no_options_the_hint_names_none(home: Path) -> None:
    said = Talk(home).say("plan --decide @semicolons.csv ignore")
    assert "hint: Make it a CSV with a header and a column called key" in said.text


def test_wide_files_are_shown_as_far_as_the_screen_goes(home: Path) -> None:
    header = ",".join(f"column_{i}" for i in range(20))
    (home / "wide.csv").write_text(f"{header},key\n{','.join('x' * 40 for _ in range(20))},K-1\n")
    lines = Talk(home).say("import B wide.csv").text.splitlines()[1:4]
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].split()[-1] == "key"
    assert "…" in lines[1]
    assert lines[2].strip() == "and 18 more columns"


def test_hostile_file_is_shown_safely(home: Path) -> None:
    (home / "bad.csv").write_bytes("key,\x1b[2J\n\x1b]0;x\x07,\u202ey\n".encode())
    assert "\x1b" not in Talk(home).say("import B bad.csv").text


def test_list_as_csv_is_taken_in_again_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = ["=1+1", "+x", "-y", "@z", "\tt", "'q", " s ", 'a,"b"\nc', "|", "K1"]
    sandbox(tmp_path, A=odd).close()
    monkeypatch.chdir(tmp_path)
    talk = Talk(tmp_path)
    assert talk.say("list --format csv --output keys.csv").status == 0
    assert talk.say("import B keys.csv --yes").status == 0
    assert talk.shell.sandbox.state.keys("B").to_list() == sorted(odd)
