"""Which system calls a command makes, so that each can be hit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.crash.program import HOME

CALL = re.compile(r"(?P<name>\w+)\((?P<rest>.*)")
# Calls about memory and threads: no disk, and no fixed number of them. Signals are the gate that a child waits at.
ELSEWHERE = re.compile(r"exit_group|rt_sig\w+|futex|brk|m(map|unmap|remap|protect|advise)|sched_\w+|clone3?|restart\w+")
# What reads, writes, names or locks files. Memory that is mapped is not among it.
INPUT_OUTPUT = re.compile(
    r"open(at)?|p?(read|write)(64|v)?|f(data)?sync|rename(at2?)?|unlink(at)?|rmdir|mkdir(at)?|ftruncate|fch(mod|own)"
    r"|close|flock|fcntl|lseek|l?stat|newfstatat|statx|getdents64"
)
FOREIGN = ("/etc/", sys.base_prefix, sys.prefix)
# What changes the disk or a lock, besides opening a file that is then created.
ACTING = re.compile(
    r"p?write(64|v)?|f(data)?sync|rename(at2?)?|unlink(at)?|rmdir|mkdir(at)?|ftruncate|fch(mod|own)|flock|close"
)


@dataclass(frozen=True)
class Point:
    """The n-th call of that name; `text` is how strace showed it."""

    name: str
    nth: int
    text: str

    def __str__(self) -> str:
        return f"{self.name}#{self.nth} {self.text[:90]}"

    @property
    def acts(self) -> bool:
        """Whether the call can change what is on disk: being killed before any other is the same as before the next."""
        return bool(ACTING.fullmatch(self.name)) or "O_CREAT" in self.text

    @property
    def is_input_output(self) -> bool:
        """Whether the call reads or writes files, other than those of the system and of Python.

        Duplicating a descriptor does neither: so Polars starts its threads.
        """
        if "F_DUPFD" in self.text:
            return False
        return bool(INPUT_OUTPUT.fullmatch(self.name)) and not any(f'"{place}' in self.text for place in FOREIGN)

    @property
    def shows(self) -> bool:
        """Whether the call only puts a message on the terminal."""
        return self.name == "write" and self.text.startswith(("1,", "2,"))


def points(trace: Path) -> list[Point]:
    """The calls from the first that names the sandbox on."""
    count: Counter[str] = Counter()
    out: list[Point] = []
    for line in trace.read_text(errors="replace").splitlines():
        call = CALL.match(line)
        if call is None or ELSEWHERE.fullmatch(call["name"]):
            continue
        count[call["name"]] += 1
        if out or f'"{HOME}/' in call["rest"]:
            out.append(Point(call["name"], count[call["name"]], call["rest"]))
    return out


def injected(point: Point, fault: str) -> list[str]:
    """The options that hit a call; a fault ends in + if it lasts."""
    last = "+" if fault.endswith("+") else ""
    return ["-e", f"trace={point.name}", "-e", f"inject={point.name}:{fault.removesuffix('+')}:when={point.nth}{last}"]


def stopped_after(point: Point) -> list[str]:
    """The options with which a process stands still after a call (see Program.traced)."""
    return ["-e", f"trace={point.name}", "-e", f"inject={point.name}:signal=STOP:when={point.nth}"]


def unusable() -> str:
    """Why processes cannot be traced here; empty if they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    command = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=getppid:retval=7", "true"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"strace does not work here: {tried.stderr.strip()}" if tried.returncode else ""
