"""`--restricted`: every way out of the sandbox folder is tried, and nothing comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    "reconcile",
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
