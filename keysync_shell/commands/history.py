"""Commands that travel through what was done."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

from keysync_shell.commands.session import Session
from keysync_shell.sandbox import Outcome
from keysync_shell.storage.oplog import Operation


@dataclass(frozen=True)
class Travelled:
    """What an undo or a redo did, step by step; never empty."""

    way: str
    steps: tuple[Outcome, ...]

    @property
    def committed(self) -> bool:
        return self.steps[-1].committed


@dataclass(frozen=True)
class Log:
    """Operations, newest first; `more` says that there are older ones."""

    operations: tuple[Operation, ...]
    more: bool


def undo(session: Session, args: Namespace) -> Travelled:
    return Travelled("undo", tuple(session.sandbox.undo(session.request("undo", args), args.count)))


def redo(session: Session, args: Namespace) -> Travelled:
    return Travelled("redo", tuple(session.sandbox.redo(session.request("redo", args), args.count)))


def log(session: Session, args: Namespace) -> Log:
    operations = session.sandbox.operations(args.count + 1)
    return Log(tuple(operations[: args.count]), more=len(operations) > args.count)
