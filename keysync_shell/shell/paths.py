"""Files and folders that the prompt offers: the one thing that it looks for on the disk while somebody types."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from keysync_shell.commands.reach import Reach
from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError

MOST = 200


@dataclass(frozen=True)
class Offer:
    """A word that may be meant, a few words about it, and how it looks if its letters alone do not tell.

    `open` words go on: what follows them belongs to them.
    """

    text: str
    about: str = ""
    looks: str = ""
    open: bool = False


def files(reach: Reach, text: str) -> list[Offer]:
    """Files and folders that begin with the text; hidden ones only if it begins so."""
    return list(islice(_entries(reach, text), MOST))


def folders(reach: Reach, text: str) -> list[Offer]:
    return list(islice((offer for offer in _entries(reach, text) if offer.open), MOST))


def _entries(reach: Reach, text: str) -> Iterator[Offer]:
    head, slash, tail = text.rpartition("/")
    with contextlib.suppress(KeySyncError, OSError):
        with os.scandir(reach.path(head + slash or ".")) as listing:
            entries = sorted((entry.name, entry.is_dir()) for entry in listing if entry.name.startswith(tail))
        for name, is_folder in entries:
            if safe(name) == name and (tail or not name.startswith(".")):
                shown = f"{name}/" if is_folder else name
                yield Offer(head + slash + shown, looks=shown, open=is_folder)
