"""Scenarios as CI runs them: exit codes, and files for other programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.building import files, sandbox

STEPS = "steps:\n- run: init --keys 9\n- run: remove-key CUST-00001 --systems D\n"
GOOD = f"name: good\ntags: [quick]\n{STEPS}- checkpoint: one\n  expect: [gaps.D == 1]\n"
BAD = f"name: bad\n{STEPS}- checkpoint: 'none # of ::error::them'\n  expect: [gaps.D == 0]  # it is one\n"
BROKEN = "name: broken\nsteps:\n- run: init --keys 2\n- run: remove-key NONE\n- checkpoint: never\n"
UNREADABLE = "name: unreadable\nsteps: []\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A sandbox with scenarios of its own."""
    sandbox(tmp_path, A="K1", B="K1").close()
    folder = tmp_path / "sandbox_scenarios"
    folder.mkdir()
    for name, text in {"good": GOOD, "bad": BAD, "broken": BROKEN, "unreadable": UNREADABLE}.items():
        (folder / f"{name}.yaml").write_text(text)
    return tmp_path


def run(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keysync_shell", "--home", str(home), "scenario", *words],
        cwd=home,
        env={**os.environ, "NO_COLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("good",), 0),
        (("--tag", "quick"), 2),  # nobody knows which tags an unreadable file has
        (("good", "bad"), 1),
        (("bad", "broken"), 2),
        (("unreadable", "good"), 2),
        (("--tag", "nobody"), 2),
        (("nowhere",), 2),
        ((), 2),
    ],
)
def test_trouble_beats_failures_and_nothing_run_is_trouble(words: tuple[str, ...], code: int, home: Path) -> None:
    before = files(home)
    assert run(home, "run", *words).returncode == code
    assert files(home) == before


def test_a_tag_chooses(home: Path) -> None:
    (home / "sandbox_scenarios" / "unreadable.yaml").unlink()
    said = run(home, "run", "--tag", "quick", "--format", "json")
    assert [report["name"] for report in json.loads(said.stdout)["data"]["reports"]] == ["good"]


def test_junit_tells_failures_from_trouble(home: Path) -> None:
    assert run(home, "run", "good", "bad", "broken", "--junit", "r.xml").returncode == 2
    cases = {(case.get("classname"), case.get("name")): [one.tag for one in case] for case in _cases(home / "r.xml")}
    assert cases == {
        ("good", "one"): [],
        ("bad", "none # of ::error::them"): ["failure"],
        ("broken", "run remove-key NONE"): ["error"],
    }
    assert float(next(iter(_cases(home / "r.xml"))).get("time", "0")) > 0


def test_a_junit_file_is_not_replaced_unasked(home: Path) -> None:
    (home / "r.xml").write_text("mine")
    refused = run(home, "run", "good", "--junit", "r.xml")
    assert (refused.returncode, (home / "r.xml").read_text()) == (2, "mine")
    assert "--yes" in refused.stderr
    assert run(home, "run", "good", "--junit", "r.xml", "--yes").returncode == 0
    assert (home / "r.xml").read_text() != "mine"


def test_tap(home: Path) -> None:
    said = run(home, "run", "good", "bad", "--tap").stdout.splitlines()
    assert said[:4] == ["TAP version 14", "1..2", "ok 1 - good: one", "not ok 2 - bad: none \\# of ::error::them"]


def test_github_annotates_lines_and_adds_to_the_summary(home: Path) -> None:
    (home / "summary.md").write_text("before\n")
    said = run(home, "run", "bad", "unreadable", "--github", GITHUB_STEP_SUMMARY=str(home / "summary.md"))
    lines = said.stdout.splitlines()
    assert lines[0].startswith("::error file=sandbox_scenarios/bad.yaml,line=6,col=12::bad: none # of")
    assert lines[1].startswith("::error file=sandbox_scenarios/unreadable.yaml,line=2,col=8::unreadable: 'steps'")
    summary = (home / "summary.md").read_text()
    assert summary.startswith("before\n## KeySync scenarios")
    assert "| ❌ | bad | 0 of 1 |" in summary


def test_json(home: Path) -> None:
    said = json.loads(run(home, "run", "good", "bad", "--format", "json").stdout)
    assert [report["verdict"] for report in said["data"]["reports"]] == ["passed", "failed"]


def test_accept_writes_the_number_and_keeps_the_remark(home: Path) -> None:
    assert run(home, "run", "bad", "--accept").returncode == 1
    path = home / "sandbox_scenarios" / "bad.yaml"
    assert path.read_text() == BAD.replace("gaps.D == 0", "gaps.D == 1")
    assert run(home, "run", "bad").returncode == 0


def test_keep_brings_the_result_home_as_one_operation(home: Path) -> None:
    before = files(home)
    assert run(home, "run", "good", "--keep").returncode == 0
    assert files(home) != before
    assert run(home, "run", "bad", "--keep").returncode == 1
    command = [sys.executable, "-m", "keysync_shell", "--home", str(home)]
    subprocess.run([*command, "undo"], check=True, capture_output=True)
    assert files(home) == before


def test_all_goes_on_behind_a_file_that_is_broken(home: Path) -> None:
    for name in ("bad", "broken", "unreadable"):
        (home / "sandbox_scenarios" / f"{name}.yaml").unlink()
    (home / "sandbox_scenarios" / "bytes.yaml").write_bytes(b"\xff\xfe")
    said = run(home, "run", "--all", "--param", "keys=200", "--format", "json")
    verdicts = {report["name"]: report["verdict"] for report in json.loads(said.stdout)["data"]["reports"]}
    assert said.returncode == 2
    assert verdicts.pop("bytes") == "trouble"
    assert verdicts.pop("good") == "trouble"  # it has no param of that name


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(home: Path) -> None:
    (home / "sandbox_scenarios" / "long.yaml").write_text(
        "name: long\nsteps:\n- repeat: 9999\n  steps: [run: init --keys 9, run: undo]\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "keysync_shell", "--home", str(home), "scenario", "run", "long"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    journal = home / ".keysync" / "scenarios" / "1" / "journal.jsonl"
    while not (journal.exists() and journal.read_bytes().count(b"\n") > 3):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, "`scenario resume 1` goes on with the run" in said) == (130, True)


def test_files_that_are_hostile_are_told_with_a_place(home: Path) -> None:
    for name, text in {
        "deep.yaml": "name: x\nsteps: " + "[" * 5000 + "]" * 5000,
        "deep.json": '{"name": "x", "steps": ' + "[" * 5000 + "]" * 5000 + "}",
        "deeper.json": '{"a":' * 100_000 + "1" + "}" * 100_000,
        "nul.yaml": "name: x\0\nsteps: []\n",
    }.items():
        (home / name).write_text(text)
        said = run(home, "run", name)
        assert said.returncode == 2
        assert f"{name}:" in said.stdout
        assert "Traceback" not in said.stderr


def _cases(path: Path) -> list[ET.Element]:
    return list(ET.parse(path).getroot().iter("testcase"))
