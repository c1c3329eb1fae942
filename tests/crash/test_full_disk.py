"""A disk that is really full: a small file system in memory, in a mount namespace of our own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.program import ROOT, environment
from tests.crash.report import tried

LEVELS = [level * 8192 for level in range(1, 61)]
BYTES = re.compile(r"[\d,]+ bytes")


def test_a_full_disk_changes_nothing_and_is_told(tmp_path: Path) -> None:
    if why := _unusable():
        pytest.skip(why)
    command = ["unshare", "--mount", sys.executable, "-P", "-m", "tests.crash.full_disk", str(tmp_path)]
    levels = "".join(f"{level}\n" for level in LEVELS)
    ran = subprocess.run(
        command, input=levels, capture_output=True, text=True, env={**os.environ, **environment(ROOT)}, check=False
    )
    assert ran.returncode == 0, ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(answers) == len(LEVELS)
    assert [answer for answer in answers if answer["complaint"]] == []
    refused = [answer for answer in answers if answer["status"] == 2]
    assert all(answer["found"] == "" and "Nothing was changed." in answer["err"] for answer in refused)
    assert [answer["err"] for answer in refused if not BYTES.search(answer["err"])] == []
    assert all(answer["found"] == "op" for answer in answers if answer["status"] == 0)
    assert {answer["status"] for answer in answers} == {0, 2}
    tried("full disk", f"{len(answers)} levels of free space: {len(refused)} refused with the bytes needed, 0 torn")


def _unusable() -> str:
    """Why there can be no small file system here; empty if there can."""
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    tried_it = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, check=False
    )
    return f"nothing can be mounted here: {tried_it.stderr.strip()}" if tried_it.returncode else ""
