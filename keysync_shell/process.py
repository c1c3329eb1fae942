"""What the programs share: a guard around them, and streams that take anything.

Imports the standard library only, so that help costs nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import gc
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from keysync_shell.commands.parser import Telling
from keysync_shell.errors import POSIX_ONLY, KeySyncError

TAKES_THE_REST = (argparse.REMAINDER, argparse.PARSER)
STAND_IN = re.compile("\0([0-9]+)\0")
USAGE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141
WINDOWS = "win32"


def guarded(work: Callable[[], int]) -> int:
    """Run a program with streams that take anything; the exit code, also after Ctrl-C or when the reader left."""
    _make_streams_safe()
    if sys.platform == WINDOWS:
        sys.stderr.write(f"error: {POSIX_ONLY}\n")
        return USAGE
    try:
        code = _exit_code(work)
        sys.stdout.flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
    except OSError as error:  # of our own streams: a disk that is full, a terminal that is gone
        code = USAGE
        with contextlib.suppress(OSError):
            sys.stderr.write(f"error: the output could not be written: {error.strerror}\n")
    _give_up_what_cannot_be_flushed()
    return code


def _exit_code(work: Callable[[], int]) -> int:
    try:
        return work()
    except SystemExit as stop:  # of argparse, which has said why
        return int(stop.code or 0)
    except KeySyncError as error:  # of the command line, before anything else is known
        from keysync_shell.render.writing import writer_for

        writer_for("auto", sys.stdout, sys.stderr).fail(error, changes=False)
        return error.code
    except KeyboardInterrupt:
        return INTERRUPTED


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """No garbage collection, for a process that is soon over: it goes through all that is imported, several times."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Parser(Telling):
    """Takes any value for an option.

    argparse takes a value that begins with `-` for an option, and on Python 3.11 `--to=--` for nothing at all. So it
    gets stand-ins, which look like no option, and the values come back when they are converted. As with getopt, the
    word after an option is its value whatever it looks like; only another option of the same command is refused, since
    then the value was more likely forgotten.
    """

    _values: tuple[str, ...] | list[str] = ()
    _advice = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._values, self._advice = [], ""
        words = list(sys.argv[1:] if args is None else args)
        for word in words:
            if "\0" in word:
                raise self.told(f"{word!r}: no argument can hold a NUL character")
            if not _is_text(word):
                raise self.told(f"{safe(word)} is not UTF-8", "Check the encoding of your terminal.")
        words = self._stood_in(words)
        namespace, rest = super().parse_known_args(words, namespace)
        return namespace, [self._real(word) for word in rest]

    def told(self, message: str, hint: str = "") -> KeySyncError:
        return super().told(self._real(message), hint)

    def without_value(self, name: str) -> KeySyncError:
        return super().told(f"{name} lacks a value", self._advice) if self._advice else super().without_value(name)

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        return super()._get_value(action, self._real(arg_string))

    def _stood_in(self, words: list[str]) -> list[str]:
        """The words with stand-ins for the values of options, and for all that follows `--`."""
        rest = any(action.nargs in TAKES_THE_REST for action in self._get_positional_actions())
        done: list[str] = []
        while words:
            word, *words = words
            if word == "--":
                return [*done, word, *map(self._stand_in, words)]
            if rest and (word == "-" or not word.startswith("-")):
                return [*done, *map(self._stand_in, [word, *words])]
            option, value, wanted = self._taken_apart(word)
            done.append(option if value is None else option + self._stand_in(value))
            if wanted == 1 and words and words[0] in self._option_string_actions:
                self._advice = f"If it is meant to be {words[0]}, write {self._longest(word)}={words[0]}."
                wanted = 0
            done += map(self._stand_in, words[:wanted])
            words = words[wanted:]
        return done

    def _taken_apart(self, word: str) -> tuple[str, str | None, int]:
        """An option, the value that is joined to it, and how many of the words after it are its values."""
        name, equals, value = word.partition("=")
        if equals and word.startswith("--"):
            return (f"{name}=", value, 0) if self._wants(name) else (word, None, 0)
        if word.startswith("--") or word in self._option_string_actions:
            return word, None, self._wants(word)
        for end in range(2, len(word) + 1):  # -ns B is -n -s B
            if wanted := self._wants(f"-{word[end - 1]}"):
                return (word[:end], word[end:].removeprefix("="), 0) if word[end:] else (word, None, wanted)
        return word, None, 0

    def _wants(self, option: str) -> int:
        """How many values an option takes; 0 also if it takes any number of them, or there is none of that name."""
        action = self._option_string_actions.get(option)
        if action is None or isinstance(action.nargs, str):
            return 0
        return 1 if action.nargs is None else action.nargs

    def _longest(self, option: str) -> str:
        action = self._option_string_actions.get(option)
        return max(action.option_strings, key=len) if action else option

    def _stand_in(self, value: str) -> str:
        self._values = [*self._values, value]
        return f"\0{len(self._values) - 1}\0"

    def _real(self, text: str) -> str:
        return STAND_IN.sub(lambda match: self._values[int(match[1])], text) if self._values else text


def at_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask_at_terminal(question: str) -> bool:
    """Put a question to the person at the terminal; refused if there is none."""
    from keysync_shell.commands.session import nobody

    if not at_terminal():
        return nobody(question)
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def safe(text: str) -> str:
    """As core.model.keys.safe, line by line; that costs the import of Polars: only where there is something to hide."""
    if all(line.isascii() and line.isprintable() for line in text.split("\n")):
        return text
    from keysync_shell.core.model import keys

    return "\n".join(map(keys.safe, text.split("\n")))


def _is_text(word: str) -> bool:
    """Whether all of a word could be decoded."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _give_up_what_cannot_be_flushed() -> None:
    """Keep Python from trying once more at exit, which it would end with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _make_streams_safe() -> None:
    """No character may make a message fail; nor may a closed stream, or give its number to a file of the sandbox."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123  # for the life of the process
    sys.stdout = sys.stdout or _Closed()
    sys.stderr = sys.stderr if _is_writable(sys.stderr) else open(os.devnull, "w")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _is_writable(stream: TextIO | None) -> bool:
    """Whether a stream can take talk; nobody misses talk that they closed the stream for."""
    try:
        return stream is not None and fcntl.fcntl(stream, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except (OSError, ValueError):  # a stream in memory
        return True


class _Closed(io.TextIOBase):
    """A stream that was closed before we began: results for it are lost, and that is an error."""

    def write(self, _text: str) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
