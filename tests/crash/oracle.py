"""What the README promises of keys, findings and plans, in plain sets, lists and dicts.

Written from the words of the README and of `--help` alone: nothing of the program is imported here, nor of its other
tests. Slow, and meant to be read beside the README.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

WHITE = frozenset(c for c in map(chr, range(0x110000)) if c.isspace() and not "\x1c" <= c <= "\x1f")
# Characters that nobody sees, of the kinds that count as letters or marks (Unicode: Default_Ignorable_Code_Point).
UNSEEN = frozenset(map(chr, [0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10)]))
# Which kind is dealt with first where several are about the same key.
ORDER = ("gap", "unauthorized", "variant", "malformed", "duplicate")
DEFAULTS = {
    "gap": "propagate",
    "unauthorized": "propose",
    "duplicate": "report",
    "variant": "report",
    "malformed": "report",
}
CHOICES = {
    "gap": ("propagate", "ignore"),
    "unauthorized": ("propose", "adopt", "remove", "ignore"),
    "duplicate": ("report", "keep-first", "canonical"),
    "variant": ("report", "respell"),
    "malformed": ("report", "remove"),
}
MOST_ROUNDS = 8
Finding = tuple[str, tuple[str, ...], str, tuple[str, ...], str]  # kind, systems, canonical, spellings, form


def in_order(spellings: Iterable[str]) -> tuple[str, ...]:
    """Each of them once, sorted as their bytes are."""
    return tuple(sorted(set(spellings), key=str.encode))


@dataclass(frozen=True)
class Rules:
    """As under [normalize] in keysync.toml."""

    trim: bool = True
    uppercase: bool = True
    collapse_delimiters: bool = True
    strip_other: bool = True
    letters: str = "ascii"
    pad_numbers: int = 0

    def tidied(self, key: str) -> str:
        """Trimmed, upper-case, delimiters collapsed; nothing is dropped but spaces at the ends."""
        if self.trim:
            key = key.strip("".join(WHITE))
        if self.letters == "unicode":
            key = unicodedata.normalize("NFC", key)
        if self.uppercase:
            key = key.upper()
        if self.letters == "unicode":
            key = unicodedata.normalize("NFC", key)
        return re.sub(f"[{''.join(WHITE)}_-]+", "-", key) if self.collapse_delimiters else key

    def counts(self, c: str) -> bool:
        """Whether a character may stand in a canonical key."""
        if c == "-" or (not self.collapse_delimiters and (c == "_" or c in WHITE)):
            return True
        return c.isascii() and c.isalnum() if self.letters == "ascii" else is_letter(c)

    def stripped(self, key: str) -> tuple[str, bool]:
        """All rules but the padding, until nothing changes any more; and whether any character was dropped."""
        dropped = False
        while True:
            before, key = key, self.tidied(key)
            if self.strip_other:
                kept = "".join(filter(self.counts, key))
                dropped, key = dropped or kept != key, kept
            if key == before:
                return key, dropped

    def canonical(self, key: str) -> str:
        stripped, _ = self.stripped(key)
        word = self._in_word if self.letters == "unicode" else lambda c: c.isascii() and (c.isalnum() or c == "_")
        parts, out = re.findall(r"(?s).", stripped), ""
        while parts:
            run = ""
            while parts and word(parts[0]):
                run += parts.pop(0)
            out += run.zfill(self.pad_numbers) if run and set(run) <= set("0123456789") else run
            out += parts.pop(0) if parts else ""
        return out

    @staticmethod
    def _in_word(c: str) -> bool:
        return unicodedata.category(c)[0] in "LM" or unicodedata.category(c) in ("Nd", "Nl", "Pc")

    def plain(self, key: str) -> bool:
        return key != "" and self.stripped(key)[0] == key

    def malformed(self, key: str) -> bool:
        stripped, dropped = self.stripped(key)
        return dropped or not stripped

    def loses_letters(self, key: str) -> bool:
        """Whether letters or digits are dropped that are none of ASCII."""
        if not self.strip_other or self.letters == "unicode":
            return False
        return any(is_letter(c) and not c.isascii() for c in self.tidied(key))


def is_letter(c: str) -> bool:
    """A letter, one of the marks that belong to them, or a digit, of any alphabet."""
    return unicodedata.category(c)[0] in "LMN" and c not in UNSEEN


@dataclass(frozen=True)
class World:
    """Systems in order, each with how many rows it has of each spelling."""

    rows: Mapping[str, Counter[str]]
    authority: str
    rules: Rules = field(default_factory=Rules)

    @cached_property
    def canonical(self) -> dict[str, str]:
        """Of each spelling anywhere."""
        return {key: self.rules.canonical(key) for held in self.rows.values() for key in held}

    @cached_property
    def holds(self) -> dict[str, set[str]]:
        """The canonical keys of each system; what normalization leaves nothing of belongs to none."""
        return {name: {self.canonical[key] for key in held} - {""} for name, held in self.rows.items()}

    @cached_property
    def every(self) -> set[str]:
        return set().union(*self.holds.values())

    def pattern(self, key: str) -> tuple[str, ...]:
        """The systems that hold a canonical key."""
        return tuple(name for name in self.rows if key in self.holds[name])

    def spelled(self, key: str, *names: str) -> tuple[str, ...]:
        """The spellings of a canonical key in these systems."""
        return in_order(one for name in names for one in self.rows[name] if self.canonical[one] == key)

    @cached_property
    def findings(self) -> list[Finding]:
        found, ours = list[Finding](), self.holds[self.authority]
        for name in self.rows:
            found += [("gap", (name,), key, self.spelled(key, self.authority), "") for key in ours - self.holds[name]]
        for key in self.every - ours:
            found.append(("unauthorized", self.pattern(key), key, self.spelled(key, *self.rows), ""))
        for name, held in self.rows.items():
            for key in self.holds[name]:
                spelled = self.spelled(key, name)
                if sum(held[one] for one in spelled) > 1:
                    found.append(("duplicate", (name,), key, spelled, "respelled" if len(spelled) > 1 else "repeated"))
            for one in held:
                key = self.canonical[one]
                if key and one not in self.rows[self.authority] and (key in ours or not self.rules.plain(one)):
                    found.append(("variant", (name,), key, (one,), ""))
                if self.rules.malformed(one):
                    found.append(("malformed", (name,), key, (one,), ""))
        return sorted(found)

    def numbers(self) -> dict[str, dict[str, int]]:
        """What `status` shows of each system."""
        told = {}
        for name, held in self.rows.items():
            others = set().union(*(self.holds[other] for other in self.rows if other != name))
            told[name] = {
                "rows": held.total(),
                "total": len(self.holds[name]),
                "unique": len(self.holds[name] - others),
                "missing": len(others - self.holds[name]),
                **{kind: sum(one[0] == kind and name in one[1] for one in self.findings) for kind in DEFAULTS},
            }
        return told

    def selected(self, word: str) -> set[str]:
        """The spellings that `gap:D`, `pattern:AB`, a system or an expression in full parentheses means."""
        word = word.strip()
        if word.startswith("("):
            left, operator, right = split(word[1:-1])
            one, other = self.selected(left), self.selected(right)
            return {"&": one & other, "|": one | other, "-": one - other}[operator]
        everywhere = [*self.canonical]
        if word in self.rows:
            return {one for one in everywhere if self.canonical[one] in self.holds[word]}
        kind, _, where = word.partition(":")
        if kind == "pattern":
            wanted = tuple(name for name in self.rows if name in where)
            return {one for one in everywhere if self.canonical[one] and self.pattern(self.canonical[one]) == wanted}
        found = [one for one in self.findings if one[0] == kind and (not where or where in one[1])]
        if kind in ("variant", "malformed"):
            return {spelling for one in found for spelling in one[3]}
        return {one for one in everywhere if self.canonical[one] in {key for _, _, key, _, _ in found}}


def split(text: str) -> tuple[str, str, str]:
    """The two sides of the outermost operator, and itself."""
    depth = 0
    for at, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and c in "&|-" and text[at - 1] == " " == text[at + 1]:
            return text[:at], c, text[at + 1 :]
    raise ValueError(text)


# What a reconciliation does


@dataclass
class Carried:
    """What `apply` leads to: the systems after it, and the keys for which master keys are proposed."""

    world: World
    proposed: dict[str, str]  # canonical key → the first system that holds it


@dataclass(frozen=True)
class Act:
    """Something done to one spelling in one system: `to` is the spelling that it gets, `keep` how many rows stay."""

    kind: str
    system: str
    canonical: str
    key: str
    to: str = ""
    keep: int = 0
    add: bool = False


def applied(world: World, policy: Mapping[str, str]) -> Carried:
    """Carry a plan out: in rounds, until nothing is left to do."""
    proposed: dict[str, str] = {}
    for _ in range(MOST_ROUNDS):
        acts, new = _acts(world, policy)
        proposed = {**new, **proposed}
        if not acts:
            break
        world = World(_carried_out(world, acts), world.authority, world.rules)
    return Carried(world, proposed)


def _acts(world: World, policy: Mapping[str, str]) -> tuple[list[Act], dict[str, str]]:
    acts, proposed = list[Act](), dict[str, str]()
    for kind, names, key, spelled, _ in world.findings:
        decision = policy[kind]
        if decision == "propose":
            proposed[key] = names[0]
        for name in names:
            acts += _acts_in(world, kind, decision, name, key, spelled)
    everywhere = {act.canonical for act in acts if act.kind == "unauthorized"}
    first: dict[tuple[str, str], str] = {}
    for act in sorted(acts, key=lambda act: ORDER.index(act.kind)):
        first.setdefault((act.system, act.canonical), act.kind)
    fine = [
        act
        for act in acts
        if first[act.system, act.canonical] == act.kind
        and (act.kind == "unauthorized" or act.canonical not in everywhere)
    ]
    return list(dict.fromkeys(fine)), proposed


def _acts_in(world: World, kind: str, decision: str, name: str, key: str, spelled: tuple[str, ...]) -> list[Act]:
    held, authority = world.rows[name], world.authority
    ours = sorted(world.spelled(key, authority), key=lambda one: (not world.rules.plain(one), one.encode()))
    wanted = ours[0] if ours else key
    if decision == "propagate":
        return [Act(kind, name, key, wanted, add=True)]
    if decision == "adopt":
        return [Act(kind, authority, key, _best(world, key), add=True)]
    if decision == "remove":
        return [Act(kind, name, key, one) for one in spelled if one in held and one not in world.rows[authority]]
    if name == authority or decision not in ("respell", "keep-first", "canonical"):
        return []
    together = set(spelled) if decision == "keep-first" else {*spelled, wanted}
    if len(together) > 1 and any(map(world.rules.loses_letters, together)):
        return []  # they may be different keys
    if decision == "keep-first":
        others = [Act(kind, name, key, one) for one in spelled[1:]]
        return [*others, *([Act(kind, name, key, spelled[0], keep=1)] if held[spelled[0]] > 1 else [])]
    acts = [Act(kind, name, key, one, to=wanted) for one in spelled if wanted and one != wanted]
    again = decision == "canonical" and wanted in spelled and held[wanted] > 1
    return [*acts, *([Act(kind, name, key, wanted, keep=1)] if again else [])]


def _best(world: World, key: str) -> str:
    """The spelling that an adoption takes: a plain one where somebody has one, of the first system that does."""
    places = [(not world.rules.plain(one), at, one.encode(), one) for at, name in enumerate(world.rows)
              for one in world.spelled(key, name)]  # fmt: skip
    return min(places)[-1]


def _carried_out(world: World, acts: list[Act]) -> dict[str, Counter[str]]:
    after = {name: Counter(held) for name, held in world.rows.items()}
    for name, held in after.items():
        mine = [act for act in acts if act.system == name]
        renamed = {act.key: act.to for act in mine if act.to}
        stays = {one for one in held if one not in renamed}
        for one in in_order(renamed):  # the first gets the spelling with all its rows; what is there stays as it is
            rows, to = held.pop(one), renamed[one]
            if to not in stays:
                held[to] = rows
                stays.add(to)
        for act in mine:
            if not act.to and not act.add:
                held[act.key] = act.keep
            if act.add:
                held[act.key] = held[act.key] or 1
        after[name] = +held
    return after
