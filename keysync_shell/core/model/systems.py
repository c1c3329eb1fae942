"""The systems of a sandbox: their names, their order (one bit each) and which one is the authority."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from keysync_shell.errors import KeySyncError

NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9_-]{0,30}[A-Za-z0-9])?")
ALL, NOW = "all", "now"  # words that stand where the name of a system may stand
MAX_SYSTEMS = 16


@dataclass(frozen=True)
class Systems:
    """Names in order; system i is bit i of every mask. The authority is one of them."""

    names: tuple[str, ...] = ("A", "B", "C", "D", "E")
    authority: str = "A"

    def __post_init__(self) -> None:
        if not 2 <= len(self.names) <= MAX_SYSTEMS:
            raise KeySyncError(f"a sandbox takes 2 to {MAX_SYSTEMS} systems, not {len(self.names)}")
        for name in self.names:
            _check(name)
        folded = [name.casefold() for name in self.names]
        if twice := [name for i, name in enumerate(self.names) if folded.index(folded[i]) != i]:
            raise KeySyncError(
                f"two systems are called {twice[0]!r}; upper and lower case make no difference",
                hint="Give one of them another name.",
            )
        if self.authority not in self.names:
            raise KeySyncError(f"the authority {self.authority!r} is not one of {', '.join(self.names)}")

    @property
    def authority_bit(self) -> int:
        return self.mask([self.authority])

    @property
    def all_bits(self) -> int:
        return (1 << len(self.names)) - 1

    @property
    def others(self) -> tuple[str, ...]:
        """Every system but the authority."""
        return tuple(name for name in self.names if name != self.authority)

    def bit(self, name: str) -> int:
        return 1 << self.names.index(name)

    def mask(self, names: Iterable[str]) -> int:
        return sum(self.bit(name) for name in set(names))

    def members(self, mask: int) -> tuple[str, ...]:
        """The systems whose bit is set, in order."""
        return tuple(name for i, name in enumerate(self.names) if mask >> i & 1)

    def pattern(self, mask: int) -> str:
        """`AB.DE` for five systems without C; longer names are joined by `+` (`CRM+ERP`)."""
        if any(len(name) > 1 for name in self.names):
            return "+".join(self.members(mask))
        return "".join(name if mask >> i & 1 else "." for i, name in enumerate(self.names))

    def mask_of_pattern(self, text: str) -> int:
        """Read `AB.DE`, `AB·DE`, `ABDE` or `CRM+ERP`.

        Raises KeySyncError for an unknown name or an empty pattern.
        """
        parts = text.split("+") if "+" in text else self._letters(text)
        mask = self.mask(self.find(part) for part in parts)
        if not mask:
            raise KeySyncError(f"pattern {text!r} names no system", hint=f"A pattern looks like '{self._example()}'.")
        return mask

    def find(self, name: str) -> str:
        """The system of that name, whatever its case.

        Raises KeySyncError with the nearest names.
        """
        for known in self.names:
            if known.casefold() == name.strip().casefold():
                return known
        folded = {known.casefold(): known for known in self.names}
        spelled = difflib.get_close_matches(name, self.names, n=1, cutoff=0.5)
        near = spelled or [folded[one] for one in difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)]
        meant = f"Did you mean {near[0]}? " if near else ""
        raise KeySyncError(f"unknown system {name!r}", hint=f"{meant}The systems are {', '.join(self.names)}.")

    def parse(self, text: str) -> tuple[str, ...]:
        """Read a list such as `B,C` or `all`; the result is in system order, without repeats.

        Raises KeySyncError for an unknown name or an empty list.
        """
        if text.strip().casefold() == ALL:
            return self.names
        wanted = {self.find(part) for part in text.split(",") if part.strip()}
        if not wanted:
            raise KeySyncError("no system named", hint=f"Name some of {', '.join(self.names)}, or all.")
        return tuple(name for name in self.names if name in wanted)

    def _letters(self, text: str) -> list[str]:
        if any(len(name) > 1 for name in self.names):
            return [text]
        return [letter for letter in text if letter not in ".·"]

    def _example(self) -> str:
        return self.pattern(self.all_bits & ~self.bit(self.names[-1]))


def _check(name: str) -> None:
    """Raise KeySyncError for what cannot be the name of a system."""
    if not NAME.fullmatch(name):
        raise KeySyncError(
            f"{name!r} cannot be the name of a system",
            hint="It takes 1 to 32 letters, digits, '_' and '-', a letter first and no sign last: A, CRM, web-shop.",
        )
    if name.casefold() in (ALL, NOW):
        raise KeySyncError(
            f"{name!r} cannot be the name of a system: commands take that word for something else",
            hint="Give it another name.",
        )
