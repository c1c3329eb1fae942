"""On Windows nothing half works: pip, the programs and an import refuse with one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from keysync_shell import cli, headless
from keysync_shell.errors import POSIX_ONLY

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("main", [cli.main, headless.main])
def test_programs_refuse(main: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert main(["--version"]) == 2  # type: ignore[operator]
    assert capsys.readouterr() == ("", f"error: {POSIX_ONLY}\n")


@pytest.mark.parametrize("work", ["import keysync_shell.sandbox", "exec(open('setup.py').read())"])
def test_import_and_pip_refuse(work: str) -> None:
    command = [sys.executable, "-c", f"import sys; sys.platform = 'win32'; {work}"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].endswith(POSIX_ONLY)
