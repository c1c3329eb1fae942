"""Talk to the shell without a terminal, and hear what a user would see."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from keysync_shell.shell.app import Shell
from tests.building import opened


@dataclass(frozen=True)
class Said:
    """What one line led to: the status, and both streams as they came."""

    status: int
    text: str


class Talk:
    """A shell on a folder; its two streams are one text."""

    def __init__(self, home: Path, *, interactive: bool = False, restricted: bool = False, debug: bool = False) -> None:
        self._bytes = io.BytesIO()
        self._stream = io.TextIOWrapper(self._bytes, encoding="utf-8", newline="", write_through=True)
        with contextlib.redirect_stderr(self._stream):
            self.shell = Shell(
                opened(home),
                interactive=interactive,
                restricted=restricted,
                debug=debug,
                stdin=io.StringIO(),
                stdout=self._stream,
            )

    def say(self, line: str) -> Said:
        """Type a line."""
        start = len(self._bytes.getvalue())
        with contextlib.redirect_stderr(self._stream):
            self.shell.onecmd_plus_hooks(line)
        return Said(self.shell.status, self._bytes.getvalue()[start:].decode())

    def script(self, text: str, *, keep_going: bool = False) -> Said:
        """Give the lines of a script, as on standard input."""
        start = len(self._bytes.getvalue())
        with contextlib.redirect_stderr(self._stream):
            status, _ = self.shell.scripts.run_lines(text.splitlines(), "<stdin>", keep_going=keep_going)
        return Said(status, self._bytes.getvalue()[start:].decode())

    def offers(self, line: str) -> list[str]:
        """What Tab would put in place of the word at the end of the line."""
        begin = max(map(line.rfind, " \t\"'|>")) + 1
        return [item.text for item in self.shell.complete(line[begin:], line, begin, len(line)).items]
