"""The sandbox: the one object that every front end talks to."""

from keysync_shell.sandbox.outcome import Outcome, Request
from keysync_shell.sandbox.sandbox import Sandbox

__all__ = ["Outcome", "Request", "Sandbox"]
