"""A real server in a process of its own, and clients of it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PATIENCE = 60.0  # of a test for a machine that does other things as well
HOLDING = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
URL = re.compile(r"(http://127\.0\.0\.1:([0-9]+))/#token=([A-Za-z0-9_-]+)\n")


@dataclass
class Server:
    """A server of one sandbox, with a client that has its token."""

    home: Path
    process: subprocess.Popen[str]
    origin: str
    port: int
    token: str
    client: httpx.Client

    @property
    def page(self) -> str:
        return f"{self.origin}/#token={self.token}"

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The data of an answer."""
        return _data(self.client.get(path, params=query))

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return _data(self.client.post(path, json=body))

    def say(self, *words: str) -> str:
        """A command of the shell, in a process of its own."""
        return shell(self.home, *words)

    def end(self, kind: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """End it; the exit code, and what it had to say."""
        self.process.send_signal(kind)
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


@contextlib.contextmanager
def serving(home: Path, *lines: str, patience: float = 10.0) -> Iterator[Server]:
    """A server of a sandbox in which lines were carried out before, and that waits so many seconds for the lock."""
    if lines:
        shell(home, "-c", "\n".join(lines))
    process = started(home, patience=patience)
    try:
        assert process.stdout
        said = process.stdout.readline()
        address = URL.fullmatch(said)
        assert address, f"{said!r} {process.stderr.read() if process.stderr and process.poll() is not None else ''}"
        origin, port, token = address.groups()
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=f"{origin}/api/v1", headers=headers, timeout=PATIENCE) as client:
            server = Server(home, process, origin, int(port), token, client)
            ready(server)
            yield server
    finally:
        process.kill()
        process.communicate()


def started(home: Path, options: tuple[str, ...] = (), patience: float = 10.0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "keysync_shell", "--home", str(home), "--lock-timeout", str(patience), "serve"]
    command += ["--port", "0", "--no-browser"]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextlib.contextmanager
def held(home: Path) -> Iterator[Callable[[], object]]:
    """The lock of a sandbox, held by another process until the function is called."""
    command = [sys.executable, "-c", HOLDING, str(home / ".keysync" / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline()
        yield lambda: holder.communicate(b"")


def ready(server: Server) -> None:
    """Wait until it has read the sandbox."""
    for _ in range(600):
        answer = server.client.get("/state")
        if answer.status_code != 503:
            return
        assert answer.json()["type"].endswith(":starting")
    raise AssertionError("it did not begin")


def shell(home: Path, *words: str) -> str:
    command = [sys.executable, "-m", "keysync_shell", "--home", str(home), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout


def _data(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def events(server: Server, after: int | None = None) -> Iterator[dict[str, Any]]:
    """The events of the server as they come; the first is `open`, once it listens."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    with server.client.stream("GET", "/events", headers=headers) as stream:
        kind = ""
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield {"event": kind, **json.loads(value)}
            elif line == ": keysync":
                yield {"event": "open"}
