"""What the words of the glossary mean, with sets and lists: slow, short, and written from their definitions alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

SPACE = "\t\n\x0b\x0c\r \x85\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

Keys = Mapping[str, list[str]]
Finding = tuple[str, tuple[str, ...], str, tuple[str, ...], str]  # kind, systems, canonical, spellings, form


@dataclass(frozen=True)
class Spelling:
    """A spelling on its way: with delimiters collapsed, with the rest dropped, with numbers padded."""

    collapsed: str
    stripped: str
    canonical: str


def normalized(text: str, pad: int = 0) -> Spelling:
    collapsed = re.sub(f"[{SPACE}_-]+", "-", text.strip(SPACE).upper())
    stripped = re.sub("-+", "-", re.sub("[^A-Z0-9-]", "", collapsed))
    numbers = [part.zfill(pad) if part.isdigit() else part for part in stripped.split("-")]
    return Spelling(collapsed, stripped, "-".join(numbers) if stripped else "")


def held(keys: Keys, pad: int) -> dict[str, set[str]]:
    """The canonical keys of each system."""
    return {name: {normalized(key, pad).canonical for key in spelled} - {""} for name, spelled in keys.items()}


def findings(keys: Keys, authority: str, pad: int) -> list[Finding]:
    """Every finding, in no order. The spellings are sorted as bytes are."""
    holds, found = held(keys, pad), list[Finding]()

    def spelled(canonical: str, *names: str) -> tuple[str, ...]:
        every = {key for name in names for key in keys[name] if normalized(key, pad).canonical == canonical}
        return tuple(sorted(every, key=str.encode))

    for name in keys:
        found += [("gap", (name,), key, spelled(key, authority), "") for key in holds[authority] - holds[name]]
    for key in set().union(*holds.values()) - holds[authority]:
        found.append(("unauthorized", tuple(name for name in keys if key in holds[name]), key, spelled(key, *keys), ""))
    for name in keys:
        for key in holds[name]:
            rows = [spelling for spelling in keys[name] if normalized(spelling, pad).canonical == key]
            if len(rows) > 1:
                form = "respelled" if len(set(rows)) > 1 else "repeated"
                found.append(("duplicate", (name,), key, spelled(key, name), form))
        for spelling in set(keys[name]):
            way = normalized(spelling, pad)
            odd = way.canonical in holds[authority] or spelling != way.stripped
            if way.canonical and spelling not in keys[authority] and odd:
                found.append(("variant", (name,), way.canonical, (spelling,), ""))
            if way.collapsed != way.stripped or not way.stripped:
                found.append(("malformed", (name,), way.canonical, (spelling,), ""))
    return found
