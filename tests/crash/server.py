"""A process that has the whole program imported and forks a child for each command.

So a command costs no start-up, and a tracer that is attached to the child sees nothing but the command. Speaks JSON
lines on the descriptor that is its argument: a job comes in, the child's pid goes out, then its status.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from typing import Any, NoReturn

from keysync_shell.storage import files
from tests.crash.world import World

GO = signal.SIGUSR1  # a child that is to be traced waits for it: the tracer is attached first
GUEST_PATIENCE_SECONDS = 0.5  # with a command that was broken off, which never goes on
WARM_UP = ["add-key W --systems A", "remove-key W --yes", "undo", "redo", "log", "save-state w", "export-state w w.zip"]


def main() -> None:
    """Serve until the other end closes."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {GO})
    _preload()
    gc.freeze()  # a child need not look at what it shares with us
    with socket.socket(fileno=int(sys.argv[1])) as ours, ours.makefile("rw") as jobs:
        print(json.dumps({"ready": len(os.listdir("/proc/self/task"))}), file=jobs, flush=True)  # noqa: PTH208
        for line in jobs:
            job = json.loads(line)
            ready, tell = os.pipe()
            child = os.fork()
            if child == 0:
                _become(job, tell)
            os.close(tell)
            os.read(ready, 1)  # its files are open: a tracer from now on sees the command and nothing else
            os.close(ready)
            print(json.dumps({"pid": child}), file=jobs, flush=True)
            _, status = os.waitpid(child, 0)
            print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), file=jobs, flush=True)


def _preload() -> None:
    """Import what commands import, without starting Polars' threads here: they would not survive a fork."""
    import keysync_shell

    for module in pkgutil.walk_packages(keysync_shell.__path__, "keysync_shell."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in _imported_by(_warm_up):
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def _imported_by(work: Callable[[], None]) -> list[str]:
    """The modules that a child has imported after this work."""
    with tempfile.TemporaryFile("w+") as out:
        child = os.fork()
        if child == 0:
            work()
            json.dump([name for name in sys.modules if not name.startswith("__")], out)
            out.flush()
            os._exit(0)
        os.waitpid(child, 0)
        out.seek(0)
        names: list[str] = json.load(out)
        return names


def _warm_up() -> None:
    from keysync_shell.cli import main as program
    from keysync_shell.headless import main as headless

    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        program(["init", "--keys", "3"])
        program(["-k", "-c", "; ".join(WARM_UP)])
        program(["add-key", "no/such/thing", "--systems", "X"])
        program(["import-state", "w.zip", "--as", "v"])
        headless(["--home", ".", "--dry-run", "--format", "json"])


def _become(job: dict[str, Any], ready: int) -> NoReturn:
    """Turn this child into the program; it tells `ready` when it has its files."""
    os.chdir(job["folder"])
    for descriptor, path in ((1, job["out"]), (2, job["err"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), descriptor)
    World(**job["world"]).enter()
    if job["world"]["guest"]:
        files.PATIENCE_SECONDS = GUEST_PATIENCE_SECONDS
    os.write(ready, b".")
    if job["traced"]:
        signal.sigwait({GO})
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {GO})
    from keysync_shell import cli, headless

    words = job["words"]
    code = headless.main(words[1:]) if words[:1] == ["keysync"] else cli.main(words)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    gc.collect()  # closes what the program left open, as the end of the interpreter would; that takes 100 times longer
    os._exit(code)


if __name__ == "__main__":
    main()
