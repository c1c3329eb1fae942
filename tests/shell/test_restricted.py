"""`--restricted`: every way out of the sandbox folder is tried, and nothing comes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from keysync_shell.commands.catalogue import COMMANDS
from tests.talking import Talk

# Each would leave a file `out` beside the sandbox, run a program that does, or prepare one of the two.
WAYS_OUT = (
    "!touch ../out",
    "! touch ../out",
    "shell touch ../out",
    "shell 'touch ../out'",
    "status | tee ../out",
    "status > ../out",
    "status >> ../out",
    "status >| ../out",
    "status>../out",
    "list 2> ../out",
    "status --output ../out",
    "status --output=../out",
    "log --format csv --output ../out",
    "list --home ..",
    "init --home ../out",
    "add-key X --home=../out",
    "plan --output ../out",
    "reconcile --output-dir ../out",
    "report --output-dir ../out",
    "export-state good ../out",
    "lock -- touch ../out",
    "lock touch ../out",
    "run_pyscript ../escape.py",
    "run_script ../escape.py",
    "_relative_run_script ../escape.py",
    "py open('../out', 'w')",
    "ipy",
    "edit ../out",
    "history -e 1",
    "history -o ../out",
    "history -s ../out",
    "history -t ../out",
    "history -r 1",
    "set editor 'touch ../out'",
    "set editor touch",
    "alias create list '!touch ../out'",
    "alias create x shell touch ../out",
    "macro create x 'shell touch {1}'",
    "shortcuts",
    "save-state ../../out",
    "import-state ../evil.zip --as ../../out",
)


@pytest.fixture
def restricted(talk: Talk, home: Path) -> Talk:
    """A restricted shell on a sandbox with a snapshot, and a program that a way out would run."""
    assert talk.say("save-state good").status == 0
    (home.parent / "escape.py").write_text("open('../out', 'w')\n")
    (home.parent / "evil.zip").write_bytes(b"PK")
    return Talk(home, restricted=True)


def beside(home: Path) -> set[str]:
    return {path.name for path in home.parent.iterdir()}


@pytest.mark.parametrize("line", WAYS_OUT)
def test_way_out_is_closed(restricted: Talk, home: Path, line: str) -> None:
    before = beside(home)
    assert restricted.say(line).status != 0
    assert beside(home) == before
    assert not (home / "reports").exists()


def test_ways_out_are_closed_to_scripts(restricted: Talk, home: Path) -> None:
    before = beside(home)
    for line in WAYS_OUT:
        (home / "script.txt").write_text(f"{line}\n")
        assert restricted.say("run script.txt").status != 0, line
    assert beside(home) == before


def test_chain_of_a_typed_alias_and_what_it_hides(restricted: Talk, home: Path) -> None:
    before = beside(home)
    for line in ("alias create ls shell", "ls -l", "alias create o status", "o > ../out", "macro list"):
        assert restricted.say(line).status != 0
    assert beside(home) == before


def test_startup_files_and_variables_open_no_way(restricted: Talk, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "touch ../out")
    monkeypatch.setenv("SHELL", "/bin/sh")
    (home / ".cmd2rc").write_text("!touch ../out\n")
    before = beside(home)
    fresh = Talk(home, restricted=True)
    assert fresh.say("status").status == 0
    assert fresh.say("edit").status != 0
    assert beside(home) == before


@pytest.mark.parametrize(
    "line",
    [
        "status",
        "plan --exit-zero",
        "predict",
        "matrix",
        "registry",
        "runs",
        "apply",
        "check",
        "log",
        "save-state two",
        "help",
    ],
)
def test_work_in_the_sandbox_goes_on(restricted: Talk, line: str) -> None:
    assert restricted.say(line).status == 0


# Each would read a file beside the sandbox, or show some of it in an error.
READS = (
    "add-key @../secret.txt",
    "add-key @../secret.csv --key-column 1",
    "add-key @/etc/hostname",
    "add-key @way/secret.txt",
    "add-key @link",
    "list @../secret.txt",
    "remove-key @../secret.txt --yes",
    "modify-key @../secret.txt --to X",
    "corrupt case @../secret.txt",
    "copy-key @../secret.txt --from A --to B",
    "plan --decide @../secret.txt ignore",
    "import A ../secret.csv",
    "import A ../secret.txt",
    "import A way/secret.csv",
    "import A link",
    "import A ~/secret.csv",
    "run ../secret.txt",
    "source ../secret.txt",
    "@../secret.txt",
    "run way/secret.txt",
    "run link",
    "run nested.txt",
    "apply ../secret.json",
    "import-state ../secret.zip",
    "scenario run ../secret.yaml",
    "scenario run ..",
    "scenario run way/secret.yaml",
    "scenario lint ../secret.yaml",
    "scenario show ../secret.yaml",
    "scenario run inside.yaml",
    "scenario coverage ../secret.yaml",
    "diff ../secret now",
    "load-state ../../secret",
    "lock cat ../secret.txt",
    "status --home ..",
)


@pytest.fixture
def secrets(restricted: Talk, home: Path, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Files beside the sandbox, and ways there from the inside."""
    for suffix in ("txt", "csv", "json", "zip", "yaml"):
        (home.parent / f"secret.{suffix}").write_text("PASSWORD\n")
    (home / "link").symlink_to(home.parent / "secret.txt")
    (home / "way").symlink_to(home.parent)
    (home / "nested.txt").write_text("status\nrun ../secret.txt\n")
    (home / "inside.yaml").write_text("name: inside\nsteps:\n  - run: add-key @../secret.txt\n")
    monkeypatch.setenv("HOME", str(home.parent))
    return restricted


@pytest.mark.parametrize("line", READS)
def test_nothing_outside_is_read(secrets: Talk, line: str) -> None:
    said = secrets.say(line)
    assert said.status != 0
    assert "PASSWORD" not in said.text
    assert "PASSWORD" not in secrets.say("list --all").text


@pytest.mark.parametrize("name", [command.name for command in COMMANDS if not command.leaves])
def test_no_argument_that_names_a_file_reaches_out(secrets: Talk, home: Path, name: str) -> None:
    """Whatever is declared as a file or folder, also in commands to come."""
    [command] = [command for command in COMMANDS if command.name == name]
    for item in command.arguments.parameters():
        if item.argument.complete in ("files", "folders", "scenarios"):
            flag = item.argument.flags.split()[:1]
            needed = ["A"] if name == "import" else ["A"] if item.name != "name" and name == "scenario show" else []
            said = secrets.say(" ".join([name, *needed, *flag, "../secret.txt"]))
            assert said.status != 0, item.name
            assert ("outside the sandbox" in said.text) or ("not allowed here" in said.text), (item.name, said.text)


@pytest.mark.parametrize(
    "line", ["add-key @keys.txt", "import A ./keys.csv", "run ./script.txt", "@script.txt", "scenario lint mine.yaml"]
)
def test_files_of_the_sandbox_are_read(restricted: Talk, home: Path, line: str) -> None:
    (home / "keys.txt").write_text("K1\n")
    (home / "keys.csv").write_text("key\nK1\n")
    (home / "script.txt").write_text("add-key @keys.txt\n")
    (home / "mine.yaml").write_text("name: mine\nsteps:\n  - run: status\n")
    assert restricted.say(f"{line} --yes" if line.startswith("import") else line).status == 0


def test_script_that_the_program_was_started_with_may_lie_anywhere(talk: Talk, home: Path) -> None:
    (home.parent / "given.txt").write_text("add-key K1\nrun ../given.txt\n")
    program = [sys.executable, "-m", "keysync_shell", "--restricted", "-f", "../given.txt"]
    ran = subprocess.run(program, cwd=home, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "✓ Added" in ran.stderr, "the script itself runs"
    assert "given.txt is outside the sandbox" in ran.stderr, "what it names does not"
