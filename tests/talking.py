"""Talk to the shell without a terminal, and hear what a user would see."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from prompt_toolkit.document import Document

from keysync_shell.commands.session import nobody
from keysync_shell.dialogue import Dialogue
from keysync_shell.interpreter import Interpreter, executor
from keysync_shell.render.writing import Writer
from keysync_shell.sandbox import Sandbox
from keysync_shell.shell.app import Shell
from keysync_shell.shell.paths import Offer
from tests.building import opened


@dataclass(frozen=True)
class Said:
    """What one line led to: the status, and both streams as they came."""

    status: int
    text: str


def shell_on(
    sandbox: Sandbox, out: TextIO, *, interactive: bool = False, restricted: bool = False, debug: bool = False
) -> Shell:
    """A shell without a terminal; its results go to `out`."""
    dialogue = Dialogue(sandbox, lambda: Writer(out, out), nobody, debug=debug, restricted=restricted)
    dialogue.execute_on = executor
    return Shell(Interpreter(dialogue), interactive=interactive, stdin=io.StringIO(), stdout=out)


class Talk:
    """A shell on a folder; its two streams are one file, so that programs can write there, too."""

    def __init__(self, home: Path, *, interactive: bool = False, restricted: bool = False, debug: bool = False) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # open as long as the shell is
        self._stream = io.TextIOWrapper(cast(BinaryIO, self._file), encoding="utf-8", newline="", write_through=True)
        with contextlib.redirect_stderr(self._stream):
            self.shell = shell_on(
                opened(home), self._stream, interactive=interactive, restricted=restricted, debug=debug
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
            ended = self.shell.interpreter.scripts.run_lines(text.split("\n"), "<stdin>", keep_going=keep_going)
        return Said(ended.status, heard())

    def offers(self, line: str) -> list[str]:
        """What Tab would put in place of the word at the end of the line."""
        return [offer.text for offer in self.offered(line)]

    def offered(self, line: str) -> list[Offer]:
        """The same, with what is said of each."""
        return self.shell.completer.offers_at(Document(line))[1]

    @contextlib.contextmanager
    def _heard(self) -> Iterator[Callable[[], str]]:
        """A function that tells what was written since."""
        start = os.lseek(self._file.fileno(), 0, os.SEEK_END)
        with contextlib.redirect_stderr(self._stream):
            yield lambda: os.pread(self._file.fileno(), 1 << 24, start).decode()
