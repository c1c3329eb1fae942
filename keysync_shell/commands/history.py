"""Commands that travel through what was done."""

from __future__ import annotations

from argparse import Namespace

from keysync_shell.commands.results import Log, Travelled
from keysync_shell.commands.session import Session


def undo(session: Session, args: Namespace) -> Travelled:
    return Travelled("undo", tuple(session.sandbox.undo(session.request("undo", args), args.count)))


def redo(session: Session, args: Namespace) -> Travelled:
    return Travelled("redo", tuple(session.sandbox.redo(session.request("redo", args), args.count)))


def log(session: Session, args: Namespace) -> Log:
    operations = session.sandbox.operations(args.count + 1)
    return Log(tuple(operations[: args.count]), more=len(operations) > args.count)
