"""The system files as they were last seen to hold what was committed, so that a start need not read them.

The log tells what a file was like before it took its name, which changes the time of its status. Nothing depends on
this: where it is missing, damaged or old, the files' contents are looked at.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from keysync_shell.storage import records
from keysync_shell.storage.files import Signature
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Operation


def recalled(home: Home, operation: Operation) -> Operation:
    """The operation with the signatures under which its files were last seen."""
    signatures = dict(operation.signatures)
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        for name, entry in _read(home).items():
            if entry["sha256"] == operation.after.get(name):
                signatures[name] = records.record(Signature, entry)
    return replace(operation, signatures=signatures)


def remember(home: Home, operation: Operation) -> None:
    """Keep the signatures of the operation's files, where they are not kept yet. Trouble is ignored."""
    entries = {
        name: {"sha256": operation.after.get(name), **asdict(signature)}
        for name, signature in operation.signatures.items()
        if signature.ctime_ns is not None
    }
    with contextlib.suppress(OSError, ValueError):
        if _read(home) == entries:
            return
    temporary = home.seen.with_suffix(".tmp")
    with contextlib.suppress(OSError):
        home.cache.mkdir(mode=0o700, exist_ok=True)
        temporary.write_text(json.dumps(entries))
        temporary.replace(home.seen)


def _read(home: Home) -> dict[str, Mapping[str, Any]]:
    return json.loads(home.seen.read_bytes()) if home.seen.exists() else {}
