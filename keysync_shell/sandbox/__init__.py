"""The sandbox: one door for every front end, and plain modules behind it that work on a Keeper.

Each module imports only from those below it:

    sandbox                                   the door
    checking · repairing · undoing · past     with the lock held
    staging                                   a copy to be thrown away, and the way back from it
    editing · running                         an edit, several as one, or a run from the decision to the commit
    catching_up                               memory is brought to what the disk holds; outside edits are taken in
    committing                                decisions and outside edits become operations
    deciding                                  what an edit would lead to
    conditions                                what a request makes its change depend on
    keeper                                    where the sandbox is, its newest state, and who works here
    memory · outcome                          values
"""

import sys

from keysync_shell.errors import POSIX_ONLY

if sys.platform == "win32":
    raise ImportError(POSIX_ONLY)

from keysync_shell.sandbox.outcome import UNCONDITIONALLY, Conditions, Once, Outcome, Request
from keysync_shell.sandbox.sandbox import Sandbox

__all__ = ["UNCONDITIONALLY", "Conditions", "Once", "Outcome", "Request", "Sandbox"]
