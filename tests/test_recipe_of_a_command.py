"""The recipe "Add a command" of the README, followed to the letter in a copy of the package."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_recipe_of_a_kind import ROOT, Program, program


def recipe() -> dict[str, list[str]]:
    """The hunks of each file."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [diff] = re.findall(r"\*\*Add a command\*\*.*?```diff\n(.*?)```", readme, re.DOTALL)
    files = re.findall(r"^--- ([\w/.]+): .*\n((?:(?!---).*\n)*)", diff, re.MULTILINE)
    return {name: text.split("@@\n") for name, text in files}


def followed(folder: Path) -> Path:
    """A copy of the package in which the recipe was followed."""
    shutil.copytree(ROOT / "keysync_shell", folder / "keysync_shell", ignore=shutil.ignore_patterns("__pycache__"))
    for name, hunks in recipe().items():
        path = folder / name
        text = path.read_text(encoding="utf-8")
        for hunk in hunks:
            before, after = side(hunk, " -"), side(hunk, " +")
            assert text.count(before) == 1, f"{name} has no such place, or several:\n{before}"
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")
    return folder


def side(hunk: str, signs: str) -> str:
    """The lines of a hunk with these signs."""
    return "".join(f"{line[1:]}\n" for line in hunk.splitlines() if (line[:1] or " ") in signs)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return followed(tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Program:
    made = program(package, tmp_path_factory.mktemp("home"))
    made("-c", "init --keys 3; add-key LONGEST-OF-ALL --systems B")
    return made


def test_three_files_are_enough() -> None:
    assert len(recipe()) == 3


def test_it_runs_alone_and_in_a_script(run: Program) -> None:
    assert "B       LONGEST-OF-ALL      14" in run("longest")
    assert run("-c", "longest") == run("-c", "longest | cat") == run("longest")
    assert json.loads(run("longest", "--least", "14", "--format", "json"))["data"] == {"keys": {"B": "LONGEST-OF-ALL"}}
    assert "LONGEST" not in run("longest", "--at", "@1")


def test_help_and_mistakes_follow_from_the_declaration(run: Program) -> None:
    assert "Show the longest key of each system." in run("--help")
    assert "only keys of N characters or more (default: 1)" in " ".join(run("longest", "--help").split())
    assert "Did you mean --least?" in run("longest", "--lest", "3", code=2)
    assert "Did you mean longest?" in run("longset", code=127)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "written", "instead", "named"),
    [
        ("render/looking.py", "", "", "Success: no issues found"),
        (
            "render/looking.py",
            "        case LongestKeys():\n            return longest_view(result)\n",
            "",
            "assert_never",
        ),
        ("commands/looking.py", " | LongestKeys", "", "commands/catalogue/looking.py"),
        ("commands/looking.py", "LongestKeys(LookingResult)", "LongestKeys", "assert_never"),
        ("commands/looking.py", "args: asked.Longest", "args: asked.Status", "commands/catalogue/looking.py"),
    ],
)
def test_mypy_names_what_is_missing(
    package: Path, tmp_path: Path, name: str, written: str, instead: str, named: str
) -> None:
    shutil.copytree(package / "keysync_shell", tmp_path / "keysync_shell")
    path = tmp_path / "keysync_shell" / name
    text = path.read_text(encoding="utf-8")
    assert written in text
    path.write_text(text.replace(written, instead, 1), encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "-p", "keysync_shell", "--cache-dir", str(package / "cache")]
    said = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=False).stdout
    assert named in said, said
