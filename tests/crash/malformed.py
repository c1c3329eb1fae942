"""CSV files as they should not be: each kind takes dice and gives the bytes of a file."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import string
from collections.abc import Callable
from random import Random

COLUMNS = ["key", "last_seen_at", "system", "status"]
Kind = Callable[[Random], bytes]


def text(dice: Random) -> str:
    """A good file of a few rows."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    for number in range(dice.randrange(1, 9)):
        lines.writerow([f"{key(dice)}{number}", "2026-01-02T12:00:00Z", "B", dice.choice(["active", "inactive", ""])])
    return out.getvalue()


def key(dice: Random) -> str:
    return "".join(dice.choices([*string.ascii_letters, *string.digits, " ", "-", "_", ",", '"', "é", "\n"], k=6))


def _bytes(change: Callable[[Random, bytes], bytes]) -> Kind:
    return lambda dice: change(dice, text(dice).encode())


def _line(change: Callable[[Random, str], str]) -> Kind:
    """Changes one row of a file of plain rows."""

    def make(dice: Random) -> bytes:
        lines = [f"K{number},2026-01-02T12:00:00Z,B,active" for number in range(dice.randrange(1, 9))]
        at = dice.randrange(len(lines))
        lines[at] = change(dice, lines[at])
        return "\n".join([",".join(COLUMNS), *lines, ""]).encode()

    return make


def _header(change: Callable[[Random, list[str]], list[str]]) -> Kind:
    def make(dice: Random) -> bytes:
        header = change(dice, list(COLUMNS))
        return (",".join(header) + "\n" + ",".join("x" for _ in header) + "\n").encode()

    return make


def _cut(dice: Random, data: bytes) -> int:
    return dice.randrange(len(data))


def _inserted(what: bytes) -> Kind:
    def insert(dice: Random, data: bytes) -> bytes:
        at = _cut(dice, data)
        return data[:at] + what + data[at:]

    return _bytes(insert)


def _after_key(line: str, what: str) -> str:
    name, _, rest = line.partition(",")
    return f"{name}{what},{rest}"


def _twice(dice: Random, header: list[str]) -> list[str]:
    name = dice.choice(header)
    return [*header, dice.choice([name, name.upper(), f" {name}", f"{name} "])]


def _without_key(dice: Random, header: list[str]) -> list[str]:
    return [dice.choice(["Key", "KEY", "id", "key ", " key", "'key'", "ｋｅｙ", "\u200bkey"]), *header[1:]]


def _blank(dice: Random, header: list[str]) -> list[str]:
    header.insert(dice.randrange(5), dice.choice(["", " ", "\t", '""', "\u00a0"]))
    return header


# All of these are refused.
REFUSED: dict[str, Kind] = {
    "UTF-16 with a mark": lambda dice: text(dice).encode("utf-16"),
    "UTF-16, big end first": lambda dice: b"\xfe\xff" + text(dice).encode("utf-16-be"),
    "UTF-16 without a mark": lambda dice: text(dice).encode(dice.choice(["utf-16-le", "utf-16-be"])),
    "UTF-32": lambda dice: text(dice).encode(dice.choice(["utf-32", "utf-32-le", "utf-32-be"])),
    "NUL": _inserted(b"\0"),
    "byte that is no UTF-8": lambda dice: _inserted(dice.choice([b"\xff", b"\xc0\xaf", b"\x80", b"\xf5"]))(dice),
    "surrogate in UTF-8": lambda dice: _inserted(dice.choice([b"\xed\xa0\x80", b"\xed\xbf\xbf"]))(dice),
    "character cut off at the end": _bytes(lambda dice, data: data + "é€😀"[dice.randrange(3)].encode()[:-1]),
    "Latin-1": _bytes(lambda dice, data: data + f"Müller{dice.random()},,B,active\n".encode("latin-1")),
    "old Mac line ends": _bytes(lambda _, data: data.replace(b"\n", b"\r")),
    "lone carriage return": _line(lambda dice, line: line.replace(dice.choice("K,"), "\r", 1)),
    "doubled carriage return": _bytes(lambda _, data: data.replace(b"\n", b"\r\r\n")),
    "column twice": _header(_twice),
    "column without a name": _header(_blank),
    "no key column": _header(_without_key),
    "nothing at all": lambda _: b"",
    "only white space": lambda dice: "".join(dice.choices([" ", "\n", "\t", "\r\n"], k=dice.randrange(1, 9))).encode(),
    "only a byte order mark": lambda dice: b"\xef\xbb\xbf" + b"\n" * dice.randrange(3),
    "short row": _line(lambda dice, line: line.rsplit(",", dice.randrange(1, 4))[0]),
    "long row": _line(lambda dice, line: line + "," * dice.randrange(1, 9)),
    "comma in a key without quotes": _line(lambda _, line: _after_key(line, ",7")),
    "quote that is never closed": _line(lambda _, line: line.replace("K", '"K')),
    "text behind a closing quote": _line(lambda dice, line: f'"{dice.choice("ab")}"x{line}'),
    "backslash before a quote": _line(lambda _, line: _after_key(line, "").replace("K", '"K\\"', 1)),
    "a field too few, and an empty one too many at the end": lambda dice: f"key,a\nK,x\n{dice.random()}\nK,x,".encode(),
    "semicolons": _bytes(lambda _, data: data.replace(b",", b";")),
    "tabs": _bytes(lambda _, data: data.replace(b",", b"\t")),
    "separator line of a spreadsheet": _bytes(lambda dice, data: b"sep=" + dice.choice([b",", b";"]) + b"\n" + data),
    "comment before the header": _bytes(lambda dice, data: b"# export of today\n" * dice.randrange(1, 4) + data),
    "picture": lambda dice: b"\x89PNG\r\n\x1a\n" + dice.randbytes(200),
    "zip": _bytes(lambda dice, data: b"PK\x03\x04" + dice.randbytes(50) + data),
    "gzip": _bytes(lambda _, data: gzip.compress(data, mtime=0)),
    "JSON": lambda dice: json.dumps([{"key": key(dice)}, {"key": key(dice)}], indent=1).encode(),
    "web page": _bytes(lambda _, data: b"<!DOCTYPE html>\n<table><tr><td>" + data + b"</td></tr></table>"),
    "key that is too long": _line(lambda dice, line: _after_key(line, "x" * dice.randrange(4096, 9000))),
    "random bytes": lambda dice: dice.randbytes(dice.randrange(1, 300)) + b"\xff",
}

# Refused as system files, but `import` recognizes them: each with the encoding and the delimiter that it was made with.
RECOGNIZED = {
    "UTF-16 with a mark": ("utf-16", ","),
    "UTF-16, big end first": ("utf-16", ","),
    "old Mac line ends": ("utf-8", ","),
    "semicolons": ("utf-8", ";"),
    "tabs": ("utf-8", "\t"),
}

# Refused as system files; `import` takes those of them in which one column is called `key`, in any case.
BY_HEADER = ("column twice", "column without a name", "no key column")

# These look odd but say clearly what they hold: they are taken, and every key has to be as the csv module reads it.
TAKEN: dict[str, Kind] = {
    "CRLF and a byte order mark": _bytes(lambda _, data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")),
    "no line end at the end": _bytes(lambda _, data: data.removesuffix(b"\n")),
    "numbers and words that mean something elsewhere": lambda dice: _column(
        dice, ["007", "1e5", "NA", "null", "True", "-0", "+1", "=1+1", "@x", "2026-01-02", "NaN", "1_000", "０１"]
    ),
    "white space around keys": lambda dice: _column(
        dice, [" K1", "K1 ", "\tK1", "K1\u00a0", "\u3000", " ", "\x0b", "\x0c"]
    ),
    "line ends that only some know": lambda dice: _column(dice, ["a\u2028b", "a\u2029b", "a\x85b", "a\x1cb", "a\x0bb"]),
    "mark before the first key": lambda dice: f"key,note\n\ufeffK{dice.random()},x\nK2,y\n".encode(),
    "mark inside": lambda dice: _column(dice, ["\ufeffK1", "K1\ufeff", "K\ufeff1", "\ufffeK"]),
    "controls": lambda dice: _column(dice, ["\x1b[2J", "\x07", "\x7f", "\x1a", "\u202eK", "K\u200b"]),
    "quoted everything": lambda dice: _column(dice, [key(dice) for _ in range(5)], csv.QUOTE_ALL),
    "line ends, commas and quotes in keys": lambda dice: _column(
        dice, ["a\nb", "a\r\nb", "a,b", 'a"b', '"', ",", "\n", '"\n,']
    ),
    "empty keys": lambda dice: _column(dice, ["", "a", "", " "]),
    "repeats and spellings": lambda dice: _column(dice, ["K1", "K1", "k1", "K-1", "K1"]),
    "blank lines": _line(lambda dice, line: line + "\n" * dice.randrange(1, 4)),
    "other columns, another order": lambda dice: f"note,key\n{dice.random()},K1\n,K2\n".encode(),
    "a header that takes two lines": lambda dice: f'key,"a\nb, {dice.random()}"\nK1,x\n'.encode(),
    "the key column alone": lambda dice: "\n".join(
        ["key", *dice.choices(["K1", '""', "", "a b"], k=7), "Z\n"]
    ).encode(),
}


def _column(dice: Random, keys: list[str], quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO()
    lines = csv.writer(out, lineterminator=dice.choice(["\n", "\r\n"]), quoting=quoting)  # type: ignore[arg-type]
    columns = dice.choice([["key"], ["key", "note"], ["system", "key", "status"]])
    lines.writerow(columns)
    lines.writerows([name if column == "key" else "v" for column in columns] for name in dice.sample(keys, len(keys)))
    return out.getvalue().encode()


def mutated(dice: random.Random, data: bytes) -> bytes:
    """A file with a few bytes deleted, put in, doubled or moved."""
    for _ in range(dice.randrange(1, 5)):
        a, b = sorted(dice.randrange(len(data) + 1) for _ in range(2))
        b = min(b, a + dice.choice([1, 2, 8, 40]))
        odd = dice.choice(
            [b",", b'"', b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b";", b" ", b'""', b"\\"]
        )
        data = dice.choice(
            [data[:a] + data[b:], data[:a] + odd + data[a:], data[:b] + data[a:], data[:a] + odd + data[b:]]
        )
    return data
