"""What is written about the program is true."""

from __future__ import annotations

import argparse
import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysync_shell.commands import catalogue, lines
from keysync_shell.commands.catalogue import COMMANDS
from keysync_shell.commands.declaring import Command
from keysync_shell.core.findings.kinds import KINDS, Kind

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PROMISES = re.findall(
    r"^\| (.+?) \| (`[^|]+`) \|$",
    (ROOT / "tests/crash/README.md").read_text(encoding="utf-8").partition("# What the README promises")[2],
    re.MULTILINE,
)
COMMAND_TABLE = README.partition("\n## Commands\n")[2].partition("\n## ")[0]


def parser(command: Command) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=command.name, allow_abbrev=False, exit_on_error=False)
    command.declare(made)
    return made


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help_and_examples_that_parse(command: Command) -> None:
    assert command.help.endswith(".")
    assert command.examples
    for example in command.examples:
        named = catalogue.named(shlex.split(example))
        assert named is not None
        assert named[0] is command
        parser(command).parse_args(named[1])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_argument_is_explained(command: Command) -> None:
    text = parser(command).format_help()
    assert all(action.help for action in parser(command)._actions)
    assert all(example in text for example in command.examples)


@pytest.mark.parametrize("name", lines.NAMES)
def test_every_command_stands_in_the_readme(name: str) -> None:
    rows = [line for line in COMMAND_TABLE.splitlines() if line.startswith("| `")]
    assert any(re.search(rf"`{name}\b", row.partition(" | ")[0]) for row in rows)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"^\| `([a-z-]+)", COMMAND_TABLE, re.MULTILINE))))
def test_the_readme_names_no_command_that_is_not_there(name: str) -> None:
    assert name in catalogue.FIRST_WORDS or name in ("run", "help")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_finding_stands_in_the_readme(kind: Kind) -> None:
    assert f"| {kind.name} | {kind.legend} |" in README.splitlines()
    assert f"`--{kind.name} {'|'.join(kind.decisions)}`" in README
    settings = next(line for line in README.splitlines() if line.startswith("| `[policy]"))
    assert f"{kind.name}`" in settings


def test_the_readme_has_sessions() -> None:
    assert BLOCKS
    assert all(block.startswith("$ ") for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_readme_session(block: str, tmp_path: Path) -> None:
    for folder in ("systems", "snapshots"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for command, wanted in _steps(block):
        seen = _ran(command, tmp_path)
        assert re.fullmatch(_expression(wanted), seen), f"$ {command}\n{seen}\nis not what the README shows:\n{wanted}"


def _steps(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a session, each with what is shown below it."""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, wanted = step.partition("\n")
        yield command, wanted


def _ran(command: str, home: Path) -> str:
    """What a person at a terminal sees of a command: both streams, as they come."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=home,
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ran.stdout


def _expression(wanted: str) -> str:
    """`...` on a line of its own stands for any lines, at the end of a line for the rest of it."""
    pieces = []
    for line in wanted.splitlines():
        if line == "...":
            pieces.append(r"(?:.*\n)*")
        elif line.endswith("..."):
            pieces.append(f"{re.escape(line[:-3])}.*\n")
        else:
            pieces.append(f"{re.escape(line)}\n")
    return "".join(pieces)


@pytest.mark.parametrize(("promise", "tests"), PROMISES, ids=[promise[:60] for promise, _ in PROMISES])
def test_every_promise_is_in_the_readme_and_has_its_tests(promise: str, tests: str) -> None:
    said = " ".join(README.split())
    assert [part for part in promise.replace("\\|", "|").split(" … ") if part not in said] == []
    for name in re.findall(r"`(.+?)`", tests):
        path, _, test = name.partition("::")
        text = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert not test or re.search(rf"^def {test}\(", text, re.MULTILINE), name


def test_the_sample_is_what_its_script_makes(tmp_path: Path) -> None:
    environment = {**os.environ, "KEYSYNC_HOME": str(tmp_path)}
    words = [sys.executable, "-m", "keysync_shell", "-f", str(ROOT / "tests/sample.txt")]
    subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True)

    def keys(folder: Path) -> dict[str, list[str]]:
        """Of each system, in order; when they were last seen depends on the clock."""
        files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.csv")}
        return {name: [row[0] for row in csv.reader(text.splitlines())] for name, text in files.items()}

    for folder in ("systems", "snapshots/baseline", "snapshots/drifted"):
        assert keys(tmp_path / folder) == keys(ROOT / folder)
        assert len(keys(ROOT / folder)) == 5
