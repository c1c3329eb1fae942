"""Commands that turn one state into another: what `diff --as script` prints, and what a recorded scenario begins with.

Keys end up in as many rows, and keys of one row with their other columns, but for the time when they were last seen:
a row that is new is new. What no command can say is told in a remark.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count

import polars as pl

from keysync_shell.core.edits import adding
from keysync_shell.core.model import table
from keysync_shell.core.model.keys import check_key, shown
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.selecting.differences import differences, differing_columns
from keysync_shell.core.selecting.selectors import MOST_DIGITS, NUMBERED, KeyQuery
from keysync_shell.errors import KeySyncError

Tables = Mapping[str, pl.DataFrame]
Counts = dict[str, Counter[str]]

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
IN_A_RANGE = re.compile(r"[A-Za-z][A-Za-z_-]*")
MOST_WORDS, MOST_CHARACTERS = 50, 2_000
SEEN = "last_seen_at"
EMPTY, TEMPORARY = "", "TEMPORARY"


def script(left: Tables, right: Tables, rules: Rules) -> list[str]:
    """Lines that turn the keys of `left` into those of `right`, each in as many rows; then remarks.

    A respelled key keeps its other columns; new rows have those of `add-key`, and then those that differ are set.
    """
    now, goal = _counts(left), _counts(right)
    respelled = _respelled(left, right, rules)
    for name, old, new in respelled:
        now[name][new] = now[name].pop(old)
    rows = list(_rows(now, goal))
    return [*_respelling(respelled), *rows, *_values(left, right, respelled), *_remarks(left, right, now, goal)]


def _counts(tables: Tables) -> Counts:
    return {name: Counter(rows[table.KEY].to_list()) for name, rows in tables.items()}


def _respelled(left: Tables, right: Tables, rules: Rules) -> list[tuple[str, str, str]]:
    """System, key and what became of it."""
    rows = differences(left, right, rules).filter(pl.col("became").is_not_null())
    pairs = rows.select("system", "key", "became").iter_rows()
    return [(name, old, new) for name, old, new in pairs if old and _sayable(new)]


def _respelling(respelled: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    where: dict[tuple[str, str], list[str]] = {}
    for name, old, new in respelled:
        where.setdefault((old, new), []).append(name)
    for (old, new), names in where.items():
        yield f"modify-key {word(old)} --to={shlex.quote(new)} --systems {','.join(names)}"


def _rows(now: Counts, goal: Counts) -> Iterator[str]:
    """Lines for the rows of keys: fewer first, so that nothing is in the way."""
    gone = _by_systems(now, lambda name, key: key not in goal[name])
    yield from _lines("remove-key --yes", gone)
    fewer = _by_systems(now, lambda name, key: 0 < goal[name][key] < now[name][key])
    for names, keys in fewer.items():
        yield from (f"repair {name} --yes --repeats {words}" for name in names for words in _batches(keys))
    for name, key in ((name, key) for names, keys in fewer.items() for name in names for key in keys):
        now[name][key] = 1
    new = _by_systems(goal, lambda name, key: key not in now[name] and _sayable(key))
    yield from _lines("add-key", new)
    for name, key in ((name, key) for names, keys in new.items() for name in names for key in keys):
        now[name][key] = 1
    yield from _repeats(now, goal)
    yield from _empties(now, goal)


def _repeats(now: Counts, goal: Counts) -> Iterator[str]:
    """A row more at a time, as `corrupt repeat` makes them."""
    lacking = {
        name: {key: rows - now[name][key] for key, rows in keys.items() if key and now[name][key]}
        for name, keys in goal.items()
    }
    for turn in range(1, max((n for keys in lacking.values() for n in keys.values()), default=0) + 1):
        more = {name: Counter({key: n for key, n in keys.items() if n >= turn}) for name, keys in lacking.items()}
        yield from _lines("corrupt repeat", _by_systems(more, lambda _name, _key: True))


def _empties(now: Counts, goal: Counts) -> Iterator[str]:
    """Rows without a key come of a key that is damaged so."""
    taken = {key for counts in (*now.values(), *goal.values()) for key in counts}
    free = (key for number in count(1) if (key := f"{TEMPORARY}-{number}") not in taken)
    for name in goal:
        for key, _ in zip(free, range(goal[name][EMPTY] - now[name][EMPTY]), strict=False):
            yield f"add-key {key} --systems {name}"
            yield f"corrupt empty {key} --systems {name}"


def _values(left: Tables, right: Tables, respelled: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Lines for the other columns of keys that have one row on the right, and one or none on the left."""
    old = {(name, new): before for name, before, new in respelled}
    for name, rows in right.items():
        if rows.columns != left[name].columns:
            continue
        before, after = _single(left[name]), _single(rows)
        held = set(left[name][table.KEY])
        for key, values in after.items():
            was = old.get((name, key), key)
            if was in held and was not in before:
                continue  # its rows may have fallen together in any order
            known = before.get(was) or _new(name, rows.columns)
            for column, value in values.items():
                if column not in (table.KEY, SEEN) and value != known[column] and _in_a_line(value):
                    yield f"set-value -- {name} {word(key)} {shlex.quote(column)} {shlex.quote(value)}"


def _single(rows: pl.DataFrame) -> dict[str, dict[str, str]]:
    """The columns of each key that has one row."""
    alone = rows.filter(~pl.col(table.KEY).is_duplicated())
    return {row[table.KEY]: row for row in alone.iter_rows(named=True)}


def _new(name: str, columns: Sequence[str]) -> dict[str, str]:
    """A row that `add-key` makes."""
    key = pl.Series(table.KEY, ["new"])
    return adding.new_rows(key, name, list(columns), "").row(0, named=True)


def _remarks(left: Tables, right: Tables, now: Counts, goal: Counts) -> Iterator[str]:
    """What no command can say."""
    for one in differing_columns(left, right):
        yield f"# {one.system}: the columns differ, and no command sets them"
    for name, keys in goal.items():
        for key in keys:
            if key and key not in now[name]:
                yield f"# {name}: no line can say the key {shown(key)}"


def _by_systems(counts: Counts, wanted: Callable[[str, str], bool]) -> dict[tuple[str, ...], list[str]]:
    """The keys that are wanted, sorted, by the systems where they are."""
    where: dict[str, list[str]] = {}
    for name, keys in counts.items():
        for key in keys:
            if wanted(name, key):
                where.setdefault(key, []).append(name)
    groups: dict[tuple[str, ...], list[str]] = {}
    for key in sorted(where):
        groups.setdefault(tuple(where[key]), []).append(key)
    return groups


def _lines(command: str, groups: Mapping[tuple[str, ...], Sequence[str]]) -> Iterator[str]:
    for names, keys in groups.items():
        yield from (f"{command} {words} --systems {','.join(names)}" for words in _batches(keys))


def _batches(keys: Sequence[str]) -> Iterator[str]:
    """The words for sorted keys, as many as a line may have."""
    line: list[str] = []
    for one in words(keys):
        if line and (len(line) == MOST_WORDS or sum(map(len, line)) + len(one) > MOST_CHARACTERS):
            yield " ".join(line)
            line = []
        line.append(one)
    if line:
        yield " ".join(line)


def words(keys: Sequence[str]) -> Iterator[str]:
    """Words of a command line that mean exactly these sorted keys; neighbours become ranges."""
    run: list[str] = []
    for key in keys:
        if run and _follows(run[-1], key):
            run.append(key)
            continue
        yield from _spoken(run)
        run = [key]
    yield from _spoken(run)


def _spoken(run: Sequence[str]) -> Iterator[str]:
    if len(run) > 2:
        yield f"{run[0]}..{run[-1]}"
    else:
        yield from map(word, run)


def _follows(key: str, following: str) -> bool:
    """Whether two keys are neighbours in a range such as CUST-00001..CUST-00020."""
    one, other = NUMBERED.fullmatch(key), NUMBERED.fullmatch(following)
    if not one or not other or one[3] or other[3] or one[1] != other[1] or not IN_A_RANGE.fullmatch(one[1]):
        return False
    digits = len(one[2])
    return digits == len(other[2]) <= MOST_DIGITS and int(other[2]) == int(one[2]) + 1 and _plain(key)


def word(key: str) -> str:
    """A word of a command line that means this key and nothing else."""
    return key if _plain(key) else shlex.quote(f"key:{key}")


def _plain(key: str) -> bool:
    if not PLAIN.fullmatch(key) or ".." in key:
        return False
    return KeyQuery.parse([key], Limits(), look_up=True) == KeyQuery((key,))


def _sayable(key: str) -> bool:
    """Whether a line can say the key, and a system file hold it."""
    try:
        check_key(key, Limits())
    except KeySyncError:
        return False
    return _in_a_line(key)


def _in_a_line(text: str) -> bool:
    return not re.search(r"[\n\r]", text)
