"""The clients of the README, as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.web.serving import PATIENCE, Server

README = Path(__file__).parents[2] / "README.md"
SECTION = re.compile(r"## A page, and a REST API\n(.*?)\n## ", re.DOTALL)


def section() -> str:
    [text] = SECTION.findall(README.read_text(encoding="utf-8"))
    return str(text)


def test_the_client_in_python(server: Server, tmp_path: Path) -> None:
    [program] = re.findall(r"```python\n(.*?)```", section(), re.DOTALL)
    assert len([line for line in program.splitlines() if line.strip()]) <= 30
    command = [sys.executable, "-c", program, server.page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    _, gaps, findings = done.stdout.splitlines()
    assert "'gaps': 9" in gaps
    assert findings.startswith("[('gap', ['CUST-00001'])")


def test_the_lines_for_curl(server: Server, tmp_path: Path) -> None:
    lines = [line.strip() for line in section().splitlines() if line.startswith("    ")]
    script = "\n".join(line for line in lines if not line.startswith("keysync-shell")).replace("8765", str(server.port))
    (tmp_path / "address.txt").write_text(f"{server.page}\n")
    server.say("remove-key", "UNAUTH-001", "--yes")
    done = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert '"command":"status"' in done.stdout, done.stderr
    assert '"line":"add-key UNAUTH-001 --systems B,C"' in done.stdout
