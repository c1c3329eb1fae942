"""The pytest plugin, in a pytest of its own, as a project would use it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.building import files, sandbox

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SCENARIO = """\
name: three-gaps
tags: [nightly]
steps:
  - run: init --keys 20
  - run: remove-key CUST-00001..CUST-00003 --systems D
  - checkpoint: D misses three
    expect: [gaps.D == 3]
    keys: {gap:D: [CUST-00001..CUST-00003]}
"""


class Project:
    """A folder of tests, and what pytest says of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def run(self, *options: str) -> tuple[int, str]:
        words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *options]
        ran = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, timeout=200, check=False)
        return ran.returncode, ran.stdout


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_snippet_of_the_readme(project: Project) -> None:
    [snippet] = re.findall(r"\*\*In pytest\*\*.*?```python\n(.*?)```", README, re.DOTALL)
    project.write("test_sync.py", snippet)
    project.write("gaps.scenario.yaml", SCENARIO)
    code, said = project.run("-n", "2")
    assert code == 0, said
    assert "2 passed" in said


def test_importing_it_costs_nothing_until_it_is_used(project: Project) -> None:
    project.write(
        "test_other.py",
        """
import sys

def test_nothing_of_ours_is_imported():
    ours = {name for name in sys.modules if name.partition(".")[0] == "keysync_shell"}
    assert ours == {"keysync_shell", "keysync_shell.pytest_plugin"}
    assert not {"polars", "pydantic", "yaml", "cmd2", "prompt_toolkit", "junitparser"} & set(sys.modules)
""",
    )
    code, said = project.run("-p", "no:xdist")
    assert code == 0, said


def test_a_failed_expectation_shows_the_line_of_the_test_and_every_wrong_number(project: Project) -> None:
    project.write(
        "test_wrong.py",
        """
def test_wrong(keysync_sandbox):
    keysync_sandbox.run("init --keys 5")
    keysync_sandbox.expect("gaps.D == 3", "keys == 5", "rows.A < 3")
""",
    )
    code, said = project.run()
    assert code == 1
    assert "test_wrong.py:4: AssertionError" in said
    assert re.findall(r"^E .*?(expected .*|actual: .*)$", said, re.MULTILINE) == [
        "expected gaps.D == 3",
        "actual: gaps.D is 0",
        "expected rows.A < 3",
        "actual: rows.A is 5",
    ]
    assert "testing.py" not in said


def test_what_a_test_asks_for_wrongly_is_its_failure(project: Project) -> None:
    wrong = {
        'run("init --keyz 3")': "init has no option --keyz",
        'run("init --keys 3", exit=2)': "ended with exit 0, not 2",
        'expect("gapz.D == 3")': "gapz is not one of rows",
        'expect("gaps == was")': "`was` means something at the checkpoints of a scenario only",
        'keys("gap:Z")': "there is no sandbox",
    }
    tests = (f"def test_{n}(keysync_sandbox): keysync_sandbox.{line}\n" for n, line in enumerate(wrong))
    project.write("test_wrong.py", "".join(tests))
    code, said = project.run()
    assert code == 1
    assert all(f"test_wrong.py:{n}: AssertionError" in said for n, _ in enumerate(wrong, 1))
    assert all(told in said for told in wrong.values()), said


def test_each_test_has_a_sandbox_of_its_own(project: Project) -> None:
    body = """
def test_{n}(keysync_sandbox):
    keysync_sandbox.run("status", exit=2)
    keysync_sandbox.run("init --keys {n}")
    keysync_sandbox.expect("keys == {n}")
"""
    project.write("test_own.py", "".join(body.format(n=n) for n in range(1, 5)))
    code, said = project.run("-n", "2")
    assert code == 0, said


def test_a_failed_scenario_shows_file_line_and_what_was_expected(project: Project) -> None:
    project.write("gaps.scenario.yaml", SCENARIO.replace("gaps.D == 3", "gaps.D == 4"))
    code, said = project.run()
    assert code == 1
    assert "gaps.scenario.yaml:7:14: expected gaps.D == 4" in said
    assert "actual: gaps.D is 3" in said
    assert "Traceback" not in said


def test_a_bad_scenario_is_an_error_with_every_place(project: Project) -> None:
    project.write("bad.scenario.yaml", "name: bad\ndescripton: x\nsteps:\n  - runn: init\n")
    code, said = project.run()
    assert code == 2
    assert "bad.scenario.yaml:2:1: unknown field 'descripton'" in said
    assert "bad.scenario.yaml:4:5: this is not a step" in said


def test_a_scenario_is_chosen_by_its_tags(project: Project) -> None:
    project.write("gaps.scenario.yaml", SCENARIO)
    assert "1 passed" in project.run("-k", "nightly")[1]
    assert "1 deselected" in project.run("-k", "weekly")[1]


def test_a_scenario_on_what_is_there_leaves_it_as_it_was(project: Project) -> None:
    sandbox(project.folder, A="K1 K2", B="K1").close()
    before = files(project.folder)
    steps = "  - checkpoint: B misses one\n    expect: [gaps.B == 1, rows.A == 2]\n  - run: remove-key K1\n"
    project.write("now.scenario.yaml", f"name: now\ngiven: now\nsteps:\n{steps}")
    code, said = project.run()
    assert code == 0, said
    assert files(project.folder) == before


def test_a_scenario_includes_a_file_beside_it_from_any_folder(project: Project) -> None:
    (project.folder / "deep").mkdir()
    project.write("deep/more.scenario.yaml", SCENARIO + "  - include: part.yaml\n")
    project.write("deep/part.yaml", "name: part\nsteps:\n  - checkpoint: still\n    expect: [gaps == 3]\n")
    code, said = project.run()
    assert code == 0, said
