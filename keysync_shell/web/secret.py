"""The token of a sandbox: who has it may do everything. It stays the same over restarts, so that open pages go on."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from keysync_shell.errors import KeySyncError
from keysync_shell.storage import files
from keysync_shell.storage.files import explained
from keysync_shell.storage.home import Home

NAME = "token"
WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{43}")


def token(home: Home) -> str:
    """The token of a sandbox, made where there is none. Raises KeySyncError if it cannot be kept to us alone."""
    path = home.private / NAME
    with explained("the token of the page cannot be read or made"):
        files.make_folder(home.root)
        home.private.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            _make(path)
        return _read(path)


def _make(path: Path) -> None:
    """Complete before it has its name, and never over one that another process made meanwhile."""
    draft = path.with_name(f".{NAME}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_urlsafe(32).encode())
        os.fsync(descriptor)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        draft.unlink()


def _read(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        mode, text = os.fstat(descriptor).st_mode, os.read(descriptor, 100).decode(errors="replace").strip()
    finally:
        os.close(descriptor)
    if stat.S_IMODE(mode) & 0o077 or not WELL_FORMED.fullmatch(text):
        what = "others may read it" if stat.S_IMODE(mode) & 0o077 else "it is damaged"
        raise KeySyncError(f"{path}: {what}", hint="Delete it; the next start makes a new one.")
    return text
