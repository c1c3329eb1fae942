"""Completions are loaded by a real shell, and the man page is one; both tell what the parsers tell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keysync_shell import RELEASED, cli, installing
from keysync_shell.commands.catalogue import COMMANDS, FIRST_WORDS

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
COMPLETE = """
source ./script
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
$(complete -p keysync-shell | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${COMPREPLY[@]}"
"""


def program(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "keysync_shell", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completions")
    (folder / "script").write_text(program("completions", "bash").stdout)
    (folder / "keys.txt").write_text("")
    return folder


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("keysync-shell rese", ["reset"]),
        ("keysync-shell --col", ["--color"]),
        ("keysync-shell scenario ru", ["run", "runs"]),
        ("keysync-shell scenario run --juni", ["--junit"]),
        ("keysync-shell status --format j", ["json", "jsonl"]),
        ("keysync-shell --home x status --exit-c", ["--exit-code"]),
        ("keysync-shell corrupt z", ["zero-pad"]),
        ("keysync-shell run k", ["keys.txt"]),
        ("keysync-shell completions f", ["fish"]),
    ],
)
def test_bash_completes(line: str, offered: list[str], script: Path) -> None:
    words = ["bash", "--norc", "-c", COMPLETE, "bash", *line.split(" ")]
    ran = subprocess.run(words, cwd=script, capture_output=True, text=True, timeout=100, check=False)
    assert ran.stderr == ""
    assert ran.stdout.split() == offered


@pytest.mark.parametrize(("shell", "first"), [("zsh", "#compdef keysync-shell"), ("fish", "complete -c keysync-shell")])
def test_other_shells_get_their_own(shell: str, first: str) -> None:
    text = installing.completions(cli.bare_parser(), shell)
    assert first in text
    assert all(word in text for word in FIRST_WORDS)
    if found := shutil.which(shell):
        subprocess.run([found, "-n"], input=text, text=True, check=True, timeout=100)


def test_the_man_page_tells_of_every_command_and_is_the_same_every_day() -> None:
    page = installing.man_page(cli.bare_parser(), cli.ABOUT)
    assert RELEASED.replace("-", "\\-") in page.splitlines()[0]
    plain = page.replace("\\-", "-")
    assert all(f"keysync-shell {command.name}" in plain for command in COMMANDS)
    assert page == installing.man_page(cli.bare_parser(), cli.ABOUT)


@pytest.mark.skipif(not (shutil.which("mandoc") or shutil.which("man")), reason="neither mandoc nor man is here")
def test_the_man_page_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "keysync-shell.1"
    path.write_text(program("man-page").stdout)
    reader = ["mandoc", "-T", "utf8"] if shutil.which("mandoc") else ["man", "-l"]
    environment = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    ran = subprocess.run([*reader, str(path)], capture_output=True, text=True, env=environment, timeout=100, check=True)
    assert ran.stderr == ""
    shown = re.sub(".\b", "", ran.stdout)
    assert "keysync-shell - A sandbox for key reconciliation" in shown
    assert "--restricted" in shown


def test_the_lines_of_the_readme_install_both(tmp_path: Path) -> None:
    [block] = re.findall(r"## Completions and a man page.*?```bash\n(.*?)```", README, re.DOTALL)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": path}
    subprocess.run(["bash", "-e", "-c", block], env=environment, check=True, timeout=200)
    share = tmp_path / ".local" / "share"
    assert "keysync-shell" in (share / "bash-completion" / "completions" / "keysync-shell").read_text()
    assert (share / "man" / "man1" / "keysync-shell.1").read_text().startswith(".TH")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("completions",), "SHELL is missing"),
        (("completions", "tcsh"), "is not one of bash, zsh, fish"),
        (("man-page", "x"), "man-page does not take 'x'"),
    ],
)
def test_what_is_written_wrong_is_told(words: tuple[str, ...], told: str) -> None:
    ran = program(*words)
    assert ran.returncode == 2
    assert told in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize("word", installing.WORDS)
def test_there_is_help(word: str) -> None:
    assert program("help", word).stdout == program(word, "--help").stdout != ""


def test_the_words_are_those_of_the_command_line() -> None:
    assert tuple(installing.WORDS) == (cli.COMPLETIONS, cli.MAN_PAGE)
