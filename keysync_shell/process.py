"""What the programs share: a guard around them, streams that take anything, and a parser that repeats nothing raw.

Imports the standard library only, so that help costs nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn, TextIO

USAGE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141


def guarded(work: Callable[[], int]) -> int:
    """Run a program with streams that take anything; the exit code, also after Ctrl-C or when the reader left."""
    _make_streams_safe()
    try:
        code = work()
        sys.stdout.flush()
    except SystemExit as stop:  # of argparse, which has said why
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _give_up(sys.stdout)
        return BROKEN_PIPE
    except OSError as error:  # of our own streams: a disk that is full, a terminal that is gone
        _give_up(sys.stdout)
        with contextlib.suppress(OSError):
            sys.stderr.write(f"error: the output could not be written: {error.strerror}\n")
        return USAGE
    return code


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """No garbage collection, for a process that is soon over: it goes through all that is imported, several times."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Parser(argparse.ArgumentParser):
    """Repeats no word of the command line that a terminal would obey."""

    def error(self, message: str) -> NoReturn:
        super().error(safe(message))


def safe(text: str) -> str:
    """As core.model.keys.safe, which costs the import of Polars: only where there is something to hide."""
    if text.isascii() and text.isprintable():
        return text
    from keysync_shell.core.model import keys

    return keys.safe(text)


def _give_up(stream: TextIO) -> None:
    """Let the flush at exit succeed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _make_streams_safe() -> None:
    """No character may make a message fail; nor may a closed stream."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123  # for the life of the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
