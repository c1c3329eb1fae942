"""What the exit code says is true: closed streams, Ctrl-C at any moment, and odd arguments, with the real program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.building import add, files, opened, sandbox

PROGRAM = f"{sys.executable} -m keysync_shell"
Ran = subprocess.CompletedProcess[str]
Bash = Callable[[str], Ran]

# The program, that gets a Ctrl-C of its own right after the Nth operation is in the log.
INTERRUPTED = """
import os, signal, sys
from keysync_shell.cli import main
from keysync_shell.storage.commit import Store
left, swap = [int(sys.argv[1])], Store._swap_in
def swapped(*given):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGINT)
    return swap(*given)
Store._swap_in = swapped
sys.exit(main(sys.argv[2:]))
"""


# The program, for somebody whom the list of users does not have.
UNLISTED = """
import pwd, sys
from keysync_shell.cli import main
def unlisted(_):
    raise KeyError("not found")
pwd.getpwuid = pwd.getpwnam = unlisted
sys.exit(main(sys.argv[1:]))
"""
NAMED = ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A sandbox with three operations."""
    path = tmp_path / "home"
    path.mkdir()
    made = sandbox(path, **dict.fromkeys("ABCDE", "K1"))
    add(made, "K2")
    add(made, "K3", "A")
    made.close()
    return path


@pytest.fixture
def bash(home: Path) -> Bash:
    """Run a line of bash, where KS is the program."""

    def run(line: str) -> Ran:
        words = ["bash", "-c", line.replace("KS", PROGRAM)]
        return subprocess.run(
            words, cwd=home, capture_output=True, text=True, errors="replace", check=False, timeout=200
        )

    return run


@pytest.fixture
def interrupted(home: Path) -> Callable[..., Ran]:
    """Run the program, with a Ctrl-C after the Nth commit."""

    def run(after: int, *arguments: str) -> Ran:
        words = [sys.executable, "-c", INTERRUPTED, str(after), *arguments]
        return subprocess.run(words, cwd=home, capture_output=True, text=True, check=False, timeout=200)

    return run


def keys(home: Path, system: str = "A") -> list[str]:
    at = opened(home)
    at.refresh()
    found = at.state.keys(system).to_list()
    at.close()
    return found


# Closed and full streams


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("KS status >&-", 2),
        ("KS discrepancies >&-", 2),
        ("KS -c 'discrepancies' >&-", 2),
        ("KS status 1</dev/null", 2),
        ("KS add-key X >&-", 0),
        ("KS add-key X 2>&-", 0),
        ("KS add-key X 2</dev/null", 0),
        ("KS add-key X <&- >&- 2>&-", 0),
        ("KS -c 'add-key X' <&- >&- 2>&-", 0),
        ("KS diff A A 2>&-", 0),
        ("KS diff A B 2>&-", 1),
        ("KS diff A Q 2>&-", 2),
        ("KS diff A Q >&- 2>&-", 2),
        ("KS --help >&-", 0),
        ("KS nonsense 2>&-", 127),
        ("KS undo 9 2>/dev/full", 2),
    ],
)
def test_a_closed_stream_is_no_answer(bash: Bash, home: Path, line: str, code: int) -> None:
    ran = bash(line)
    assert (ran.returncode, "Traceback" in ran.stderr) == (code, False), ran.stderr
    assert ("X" in keys(home)) == ("add-key" in line)


def test_no_file_of_the_sandbox_gets_the_number_of_a_closed_stream(bash: Bash, home: Path) -> None:
    bash("KS -c 'add-key X; !echo SPILT; !echo SPILT >&2' <&- >&- 2>&-")
    assert "X" in keys(home)
    assert not [path for path in home.rglob("*") if path.is_file() and b"SPILT" in path.read_bytes()]


@pytest.mark.parametrize("stream", ["--format json >/dev/full", "2>/dev/full"])
@pytest.mark.parametrize("line", ["add-key X", "undo", "save-state s", "apply", "remove-key K1 --yes"])
def test_committed_with_trouble_afterwards_is_3(bash: Bash, line: str, stream: str) -> None:
    ran = bash(f"KS {line} {stream}")
    assert ran.returncode == 3
    assert "/dev/full" in line or "2>" in stream or "It is committed." in ran.stderr


def test_committed_with_trouble_in_a_script_is_3(bash: Bash, home: Path) -> None:
    assert bash("KS -c 'add-key X --format json\nadd-key Y' >/dev/full").returncode == 3
    assert ("X" in keys(home), "Y" in keys(home)) == (True, False)


# Ctrl-C


@pytest.mark.parametrize("arguments", [["add-key", "X"], ["-c", "add-key X"]])
def test_ctrl_c_after_the_commit_point_says_that_it_is_committed(
    interrupted: Callable[..., Ran], home: Path, arguments: list[str]
) -> None:
    ran = interrupted(1, *arguments)
    assert ran.returncode == 130
    assert "Interrupted; @4 is committed." in ran.stderr
    assert "nothing was changed" not in ran.stderr.lower()
    assert "X" in keys(home)


def test_interrupted_undo_says_how_far_it_came(interrupted: Callable[..., Ran], home: Path) -> None:
    ran = interrupted(2, "undo", "3")
    assert ran.returncode == 130
    assert "Interrupted; @4 (undo of @3), @5 (undo of @2) are committed." in ran.stderr
    assert keys(home) == ["K1"]


def test_interrupted_atomic_script_that_is_committed(interrupted: Callable[..., Ran], home: Path) -> None:
    (home / "s.txt").write_text("add-key X\nadd-key Y\n")
    ran = interrupted(1, "run", "s.txt", "--atomic")
    assert ran.returncode == 130
    assert "Interrupted; @4 is committed." in ran.stderr
    assert "rolled back" not in ran.stderr
    assert {"X", "Y"} <= set(keys(home))


# What nobody should say


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("KS add-key $'X\\xff'", "encoding"),
        ("KS list $'X\\xff'", "encoding"),
        ("KS --home $'X\\xff' status", "encoding"),
        ("KS save-state s --note $'X\\xff'", "encoding"),
        ("KS import A $'X\\xff'", ""),
        ("KS add-key @$'X\\xff'", ""),
        ("KS run $'X\\xff'", ""),
        ("KS blame $'X\\xff'", ""),
        ("KS log --key $'X\\xff'", ""),
        ("KS log --user $'X\\xff'", ""),
        ("KS -c $'add-key X\\xff'", "encoding"),
        ("printf 'add-key X\\xff' | KS", "encoding"),
        ("printf 'add-key X\\xff' | LC_ALL=C KS", "encoding"),
        ("printf 'add-key X\\0Y' | KS", ""),
        ("printf 'run X\\0Y' | KS", ""),
        ("printf 'save-state X\\0Y' | KS", ""),
        ("KS log --since 999999w", "2026-01-31T12:00"),
        ("KS log --since 0001-01-01T00:00+14:00", "2026-01-31T12:00"),
        ("KS log --since 9999-12-31T23:59-14:00", "2026-01-31T12:00"),
        ("KS log --since ''", "2026-01-31T12:00"),
        ("KS log --since -5d", "2026-01-31T12:00"),
        ("KS log --since yesterday", "2026-01-31T12:00"),
        ("KS log --since 2026-13-01", "2026-01-31T12:00"),
        ("KS init --keys -5 --yes", "keys"),
        ("KS init --keys 0 --yes", "keys"),
        ("KS init --keys 99999999999999999999999 --yes", "keys"),
        ("KS mock --keys 0 --yes", "keys"),
        ("KS restore @99999999999999999999999", "log"),
        ("KS revert @99999999999999999999999", "log"),
        ("KS status --at @99999999999999999999999", "log"),
        ("KS diff @99999999999999999999999 now", "log"),
        ("KS log show @99999999999999999999999", "log"),
        ("KS modify-key K1 --pad 99999999999999999999999", "pad"),
        ("KS modify-key K1 --pad 99999", "key"),
        ("KS plan --output ''", "is not a valid file name"),
        ("KS apply '' --yes", "is not a valid file name"),
        ("KS reconcile --output-dir ''", "is not a valid file name"),
        ("KS status --output ''", "is not a valid file name"),
        ("KS list --pattern ''", "A pattern looks like"),
        ("KS --lock-timeout nan status", "lock-timeout"),
        ("KS --lock-timeout -1 status", "lock-timeout"),
        ("KS status --lock-timeout nan", "lock-timeout"),
    ],
)
def test_odd_arguments_are_told_and_change_nothing(bash: Bash, home: Path, line: str, hint: str) -> None:
    before = files(home)
    ran = bash(line)
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "should not have happened" not in ran.stderr
    assert hint in ran.stderr
    assert files(home) == before


@pytest.mark.parametrize(
    "line",
    [
        "KS log 99999999999999999999999",
        "KS log --limit 99999999999999999999999",
        "KS list --limit 99999999999999999999999",
        "KS undo 99999999999999999999999",
        "KS matrix 99999999999999999999999",
        "KS report 99999999999999999999999",
        "KS corrupt case --count 99999999999999999999999 --dry-run",
        "KS mock --seed 99999999999999999999999 --dry-run",
        "KS mock --seed -9223372036854775808 --dry-run",
        "KS repair A --drop-lines 99999999999999999999999",
    ],
)
def test_large_numbers_are_no_bug(bash: Bash, line: str) -> None:
    ran = bash(line)
    assert ran.returncode in (0, 2)
    assert "should not have happened" not in ran.stderr


# What people and other programs leave behind: each of these was once told as a bug of the program

DAMAGE = """-c "import sqlite3; c = sqlite3.connect('.keysync/history.db')
c.execute('UPDATE changes SET after = zeroblob(length(after)) WHERE number = {number}'); c.commit()" """
DAMAGED = {number: f"{sys.executable} {DAMAGE.format(number=number)}" for number in (1, 2, 3)}
HEADLESS = f'{sys.executable} -c "import sys; from keysync_shell.headless import main; sys.exit(main(sys.argv[1:]))"'


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (f"{DAMAGED[3]} && KS log", 0, "@3"),
        (f"{DAMAGED[3]} && KS check", 1, "@3"),
        (f"{DAMAGED[3]} && KS undo", 2, "@3"),
        (f"{DAMAGED[2]} && KS blame K9", 2, "@2"),
        (f"{DAMAGED[1]} && KS revert @1 --yes", 2, "@1"),
        (f"{DAMAGED[1]} && KS blame K8", 2, "@1"),
        (f"{DAMAGED[2]} && rm -r .keysync/cache && KS status", 0, ""),
        ("printf 'key,x\nK1,\n' > systems/A.csv; KS revert @3 --yes", 2, "its columns changed"),
        ("rm systems/A.csv; KS reset --yes", 2, "A.csv is missing"),
        ("KS modify-key K1 --to=--", 0, "Respelled"),
        ("KS save-state s --note=--", 0, "Saved"),
        ("rm -r .keysync; KS undo", 2, "nothing to undo"),
        ("mkdir .keysync/cache/A.arrow 2>/dev/null; rm .keysync/cache/*.arrow; KS status", 0, ""),
        ("yes x | head -c 9999 > .keysync/history.db; KS status", 2, "not a database"),
        ("printf '[systems]\nnames = [[[[[[[[[' > keysync.toml; KS status", 2, "keysync.toml"),
        ("printf '\\0' > keysync.toml; KS status", 2, "keysync.toml"),
        ("printf '[limits]\nkey_bytes = 1\n' > keysync.toml; rm -r .keysync/cache; KS status", 2, "key_bytes"),
        ("yes 'c,' | head -c 300000 | tr -d '\n' > w.csv; KS import A w.csv --yes", 2, "columns"),
        ("yes 'c,' | head -c 300000 | tr -d '\n' > systems/A.csv; KS status", 2, "columns"),
        ("yes '[' | head -c 200000 | tr -d '\n' > p.json; KS apply p.json", 2, "not a saved plan"),
        ("printf 'a: \\0' > c.yaml; HEADLESS -c c.yaml", 2, "c.yaml"),
        ("yes '[' | head -c 20000 | tr -d '\n' > c.yaml; HEADLESS -c c.yaml", 2, "nested"),
        ("printf 'a: &a [x,x]\nb: [*a,*a,*a]\n' > c.yaml; HEADLESS -c c.yaml", 2, "references"),
        ("printf 'sources: {}\nnonsense: 1\n' > c.yaml; HEADLESS -c c.yaml", 2, "nonsense"),
        ("HEADLESS $'--x\\e[31m'", 2, "\\x1b[31m"),
        ("HEADLESS --keys -5 --generate-data", 2, "keys"),
        ("HEADLESS --dry-run -v --home $'X\\e[31m'", 2, "\\x1b[31m"),
        ("HEADLESS -c $'X\\xff'", 2, ""),
        ("mkdir sandbox_scenarios; yes '[' | head -c 9999 > sandbox_scenarios/s.yaml; KS scenario run s", 2, "s.yaml"),
        ("mkdir sandbox_scenarios; printf 'a: \\0' > sandbox_scenarios/s.yaml; KS scenario lint s", 2, "s.yaml"),
    ],
)
def test_nothing_is_told_as_a_bug_that_is_none(bash: Bash, line: str, code: int, told: str) -> None:
    ran = bash(line.replace("HEADLESS", HEADLESS))
    assert (ran.returncode, "Traceback" in ran.stderr, "\x1b" in ran.stderr) == (code, False, False), ran.stderr
    assert told in ran.stdout + ran.stderr


def test_somebody_who_is_not_in_the_list_of_users(home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in NAMED}
    words = [sys.executable, "-c", UNLISTED, "add-key", "X"]
    ran = subprocess.run(words, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    assert "X" in keys(home)
