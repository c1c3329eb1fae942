"""Faults to inject into keys, as real systems make them.

The choice of keys and of the place in a key comes from hashes, so a seed means the same on every machine and
Python version.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.edits.spelling import DELIMITERS

# Latin letters and digits with a twin in another script.
TWINS = {
    **dict(zip("ABCEHIJKMOPSTXYacehiopsxy", "АВСЕНІЈКМОРЅТХУасеһіорѕху", strict=True)),  # Cyrillic
    **dict(zip("NZ", "ΝΖ", strict=True)),  # Greek
    **dict(zip("0123456789", "０１２３４５６７８９", strict=True)),  # full width
}
HASHED = {"digest": pl.Binary, "key": pl.String}
JUNK = "!#$%&*@?^~"
CONTROLS = "\x1b\x07\x08\x7f\u200b\u202e"


@dataclass(frozen=True)
class Dice:
    """A stream of choices that depends on nothing but the seed and the names that are mixed in."""

    digest: bytes

    @classmethod
    def of(cls, *names: object) -> Dice:
        return next(cls.of_each([str(names[-1])], *names[:-1]))

    @classmethod
    def of_each(cls, keys: Iterable[str], *names: object) -> Iterator[Dice]:
        """Dice for each key, with the names mixed in before it."""
        return map(cls, _digests(keys, *names))

    def pick(self, count: int, turn: int = 0) -> int:
        """A number below count; each turn is a new one."""
        return int.from_bytes(hashlib.blake2b(self.digest, salt=bytes([turn]), digest_size=8).digest()) % count


def chosen(keys: Iterable[str], count: int, *names: object) -> list[str]:
    """`count` of the keys, or all if there are fewer, in the order of their hashes."""
    every = list(keys)
    hashed = pl.DataFrame({"digest": list(_digests(every, *names)), "key": every}, schema=HASHED)
    return hashed.sort("digest", maintain_order=True)["key"].head(count).to_list()


def _digests(keys: Iterable[str], *names: object) -> Iterator[bytes]:
    begin = "".join(f"{name}\x1f" for name in names).encode("utf-8", "surrogatepass")
    for key in keys:
        yield hashlib.blake2b(begin + key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _case(key: str, dice: Dice) -> str:
    options = [key.lower(), key.swapcase(), key.title(), key.upper()]
    options = [option for option in options if option != key]
    return options[dice.pick(len(options))] if options else key


def _space(key: str, dice: Dice) -> str:
    return (f" {key}", f"{key} ", f" {key} ", f"{key}  ")[dice.pick(4)]


def _tab(key: str, dice: Dice) -> str:
    return (f"\t{key}", f"{key}\t")[dice.pick(2)]


def _nbsp(key: str, dice: Dice) -> str:
    return (f"\u00a0{key}", f"{key}\u00a0")[dice.pick(2)]


def _delimiter(key: str, dice: Dice) -> str:
    inner = [found for found in DELIMITERS.finditer(key) if found.start() > 0 and found.end() < len(key)]
    if not inner:
        return key
    old = inner[dice.pick(len(inner))]
    options = [new for new in ("_", " ", "--", "-", "- ") if new != old[0]]
    return key[: old.start()] + options[dice.pick(len(options), 1)] + key[old.end() :]


def _zero_pad(key: str, dice: Dice) -> str:
    numbers = list(re.finditer(r"[0-9]+", key))
    if not numbers:
        return key
    number = numbers[dice.pick(len(numbers))]
    shorter = number[0].lstrip("0")
    new = shorter if shorter and shorter != number[0] and dice.pick(2, 1) else "0" + number[0]
    return key[: number.start()] + new + key[number.end() :]


def _homoglyph(key: str, dice: Dice) -> str:
    places = [i for i, letter in enumerate(key) if letter in TWINS]
    if not places:
        return key
    at = places[dice.pick(len(places))]
    return key[:at] + TWINS[key[at]] + key[at + 1 :]


def _truncate(key: str, dice: Dice) -> str:
    return key[: max(1, len(key) - 1 - dice.pick(3))]


def _transpose(key: str, dice: Dice) -> str:
    places = [i for i in range(len(key) - 1) if key[i] != key[i + 1]]
    if not places:
        return key
    at = places[dice.pick(len(places))]
    return key[:at] + key[at + 1] + key[at] + key[at + 2 :]


def _junk(key: str, dice: Dice) -> str:
    return _inserted(key, JUNK[dice.pick(len(JUNK))], dice)


def _control(key: str, dice: Dice) -> str:
    return _inserted(key, CONTROLS[dice.pick(len(CONTROLS))], dice)


def _inserted(key: str, letter: str, dice: Dice) -> str:
    at = dice.pick(len(key) + 1, 1)
    return key[:at] + letter + key[at:]


# A kind returns the key itself where it has nothing to change.
SPELLINGS: dict[str, Callable[[str, Dice], str]] = {
    "case": _case,
    "space": _space,
    "tab": _tab,
    "nbsp": _nbsp,
    "delimiter": _delimiter,
    "zero-pad": _zero_pad,
    "homoglyph": _homoglyph,
    "truncate": _truncate,
    "transpose": _transpose,
    "junk": _junk,
    "empty": lambda _key, _dice: "",
    "control": _control,
}
REPEAT = "repeat"
CORRUPTIONS = (*SPELLINGS, REPEAT)
