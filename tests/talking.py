"""Talk to the shell without a terminal, and hear what a user would see."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from keysync_shell.shell.app import Shell
from tests.building import opened


@dataclass(frozen=True)
class Said:
    """What one line led to: the status, and both streams as they came."""

    status: int
    text: str


class Talk:
    """A shell on a folder; its two streams are one file, so that programs can write there, too."""

    def __init__(self, home: Path, *, interactive: bool = False, restricted: bool = False, debug: bool = False) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # open as long as the shell is
        self._stream = io.TextIOWrapper(cast(BinaryIO, self._file), encoding="utf-8", newline="", write_through=True)
        with contextlib.redirect_stderr(self._stream):
            self.shell = Shell(
                opened(home),
                interactive=interactive,
                restricted=restricted,
                debug=debug,
                stdin=io.StringIO(),
                stdout=self._stream,
            )
            if interactive:
                self.shell.sandbox.look()
                self.shell.update_prompt()

    def say(self, line: str) -> Said:
        """Type a line."""
        with self._heard() as heard:
            self.shell.onecmd_plus_hooks(line)
        return Said(self.shell.status, heard())

    def script(self, text: str, *, keep_going: bool = False) -> Said:
        """Give the lines of a script, as on standard input."""
        with self._heard() as heard:
            status, _ = self.shell.scripts.run_lines(text.splitlines(), "<stdin>", keep_going=keep_going)
        return Said(status, heard())

    def offers(self, line: str) -> list[str]:
        """What Tab would put in place of the word at the end of the line."""
        begin = max(map(line.rfind, " \t\"'|>")) + 1
        return [item.text for item in self.shell.complete(line[begin:], line, begin, len(line)).items]

    @contextlib.contextmanager
    def _heard(self) -> Iterator[Callable[[], str]]:
        """A function that tells what was written since."""
        start = os.lseek(self._file.fileno(), 0, os.SEEK_END)
        with contextlib.redirect_stderr(self._stream):
            yield lambda: os.pread(self._file.fileno(), 1 << 24, start).decode()
