"""The server as a program: how it begins and how it ends."""

from __future__ import annotations

import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.web.serving import PATIENCE, URL, events, held, serving, shell, started


def test_the_first_line_is_the_address(tmp_path: Path) -> None:
    with serving(tmp_path, "init --keys 2") as server:
        assert server.get("/state")["keys"] == 2


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_with_a_stream_open(tmp_path: Path, kind: signal.Signals) -> None:
    with serving(tmp_path, "init --keys 2") as server:
        stream = events(server)
        assert next(stream)["event"] == "open"
        code, said = server.end(kind)
        assert (code, said) == ({signal.SIGINT: 130, signal.SIGTERM: 0}[kind], "")
        assert [event["event"] for event in stream] == ["bye"]


def test_the_token_stays_and_is_ours_alone(tmp_path: Path) -> None:
    with serving(tmp_path, "init --keys 2") as server:
        first = server.token
    with serving(tmp_path) as server:
        assert server.token == first
    path = tmp_path / ".keysync" / "token"
    assert path.read_text() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    process = started(tmp_path)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "others may read it" in said
    assert "Delete it" in said


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        process = started(tmp_path, ("--port", str(other.getsockname()[1])))
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "--port 0" in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "no.such.host.invalid"])
def test_an_address_that_is_none(tmp_path: Path, host: str) -> None:
    process = started(tmp_path, ("--host", host))
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert re.search("hint: ", said)


def test_a_folder_without_a_sandbox_says_what_to_do(tmp_path: Path) -> None:
    process = started(tmp_path)
    try:
        assert process.stdout
        assert URL.fullmatch(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_without_its_libraries_it_names_the_line_that_installs_them(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['starlette'] = sys.modules['uvicorn'] = None\n"
        "from keysync_shell.cli import main; sys.exit(main(['serve', '--port', '0']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert "pip install 'keysync-shell[web]'" in done.stderr


def test_it_answers_while_it_reads(tmp_path: Path) -> None:
    """It binds before it reads: with the lock held by another process, it says what it waits for."""
    shell(tmp_path, "init", "--keys", "2")
    with held(tmp_path) as release:
        process = started(tmp_path, patience=60)
        try:
            assert process.stdout
            address = URL.fullmatch(process.stdout.readline())
            assert address
            with httpx.Client(base_url=address[1], headers={"Authorization": f"Bearer {address[3]}"}) as client:
                while "waiting" not in (answer := client.get("/api/v1/state", timeout=PATIENCE)).json()["progress"]:
                    assert answer.status_code == 503
                assert answer.headers["retry-after"] == "1"
                release()
                while (answer := client.get("/api/v1/state", timeout=PATIENCE)).status_code == 503:
                    pass
                assert answer.json()["data"]["keys"] == 2
        finally:
            process.kill()
            process.communicate()


def test_cmd2_is_not_imported(tmp_path: Path) -> None:
    code = "import sys, keysync_shell.web.serving; sys.exit('cmd2' in sys.modules or 'prompt_toolkit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=PATIENCE).returncode == 0
