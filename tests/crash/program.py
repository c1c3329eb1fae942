"""The program as a process to be run, traced, and hit by faults."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.crash.server import GO
from tests.crash.world import HOME as HOME  # where the sandbox is, in the folder that a command runs in
from tests.crash.world import World

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """What came of a run: the exit code (negative: the signal), and all that was said."""

    status: int
    out: str
    err: str


class Program:
    """Runs commands in forks of one server process. `package` is the folder that holds keysync_shell.

    What commands say goes into `said`, else into the folder that they run in. `world` is what surrounds them.
    """

    def __init__(self, package: Path = ROOT, said: Path | None = None, world: World = World()) -> None:  # noqa: B008
        self._said = said
        self._world = world.as_json()
        self._environment = {**os.environ, **environment(package)}
        ours, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-P", "-m", "tests.crash.server", str(theirs.fileno())],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        with ours:
            self._jobs = ours.makefile("rw")
        self.threads = self._answer("ready")

    def run(self, folder: Path, words: Sequence[str]) -> Ended:
        """Run a command in a folder, undisturbed."""
        self._start(folder, words, traced=False)
        return _ended(self._said or folder, self._answer("status"))

    def traced(
        self,
        folder: Path,
        words: Sequence[str],
        options: Sequence[str],
        trace: str = os.devnull,
        meanwhile: Callable[[Path], None] | None = None,
        *,
        stops: bool = False,
    ) -> Ended:
        """Run a command under strace with these options: its main thread, which does all input and output.

        `meanwhile` is done while it runs; if the options have it `stops`, while it stands still.
        """
        if stops:
            trace = str(folder.with_name(f"{folder.name}.stops"))
        pid = self._start(folder, words, traced=True)
        with subprocess.Popen(["strace", "-qq", "-o", trace, "-p", str(pid), *options]) as tracer:
            while not _is_traced(pid) and tracer.poll() is None:
                time.sleep(0.0005)
            os.kill(pid, GO)
            if not stops or _has_stopped(Path(trace), tracer):
                if meanwhile is not None:
                    meanwhile(folder)
                if stops:
                    os.kill(pid, signal.SIGCONT)
            return _ended(self._said or folder, self._answer("status"))

    def alone(self, folder: Path, words: Sequence[str], options: Sequence[str], trace: str = os.devnull) -> Ended:
        """As `traced`, but an interpreter of its own, from its first call on; no fork of the server."""
        command = ["strace", "-qq", "-o", trace, *options, sys.executable, "-P", "-m", "keysync_shell", *words]
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            status = subprocess.run(command, cwd=folder, stdout=out, stderr=err, env=self._environment).returncode
        return _ended(folder, status)

    def close(self) -> None:
        self._jobs.close()
        self._server.wait()

    def _start(self, folder: Path, words: Sequence[str], *, traced: bool) -> int:
        job = {"folder": str(folder), "words": words, "traced": traced, "world": self._world}
        said = self._said or folder
        print(json.dumps({**job, "out": str(said / "out"), "err": str(said / "err")}), file=self._jobs, flush=True)
        return self._answer("pid")

    def _answer(self, name: str) -> int:
        return int(json.loads(self._jobs.readline())[name])


def environment(package: Path) -> dict[str, str]:
    """What makes a Python process take the program from there; one thread, so that its calls come in one order."""
    return {"PYTHONPATH": f"{package}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1", "POLARS_MAX_THREADS": "1"}


def _ended(where: Path, status: int) -> Ended:
    said = [(where / name).read_text(errors="backslashreplace") for name in ("out", "err")]
    return Ended(status, *said)


def _has_stopped(trace: Path, tracer: subprocess.Popen[bytes]) -> bool:
    """Wait until the process stands still; whether it did before its end."""
    while tracer.poll() is None:
        if "--- stopped by SIGSTOP ---" in trace.read_text(errors="replace"):
            return True
        time.sleep(0.0005)
    return False


def _is_traced(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return "TracerPid:\t0\n" not in status
