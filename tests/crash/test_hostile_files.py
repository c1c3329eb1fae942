"""Malformed and random CSV files through `import` and as system files: refused with a reason, or taken exactly."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import system_csv
from tests.building import files, opened, sandbox
from tests.crash.malformed import BY_HEADER, RECOGNIZED, REFUSED, TAKEN, mutated, text
from tests.crash.oneshot import Said, command
from tests.crash.report import tally

VARIANTS = range(10)
UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)  # without a mark it is refused
LINE_AND_REASON = re.compile(r"[^\n]*?\.csv:[0-9]+: \S.*")
HEADERS = (b"", b"key\n", b"key,a\n", b"a,key\r\n", b'"key","a b"\n')
TOKENS = (
    b"key",
    b",",
    b'"',
    b"\n",
    b"\r\n",
    b"\r",
    b"a",
    b" ",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"\0",
    b"\xe2\x80\xa8",
)


@pytest.fixture
def home(quick: Path) -> Path:
    root = quick / "home"
    sandbox(root, A="K1 K2", B="K1", C="K2").close()
    return root


@pytest.mark.parametrize("kind", REFUSED)
def test_a_malformed_file_is_refused_with_file_line_and_reason(home: Path, kind: str) -> None:
    before, number = files(home), _number(home)
    for variant in VARIANTS:
        data = REFUSED[kind](Random(f"{kind} {variant}"))
        given_file = home.parent / "given.csv"
        given_file.write_bytes(data)
        if kind not in (*RECOGNIZED, *BY_HEADER) and not data.startswith(UTF_32):
            _refused(command(home, "import", "B", str(given_file), "--yes"), given_file)
        assert files(home) == before
        with _as_system_file(home, data) as path:
            _refused(command(home, "status"), path)
            if variant == 0:
                _refused(command(home, "add-key", "NEW", "--systems", "C"), path)
        assert files(home) == before
    assert _number(home) == number
    tally("malformed files", 1, "kinds")
    tally("malformed files", len(VARIANTS), "by import and as system files, all refused with file, line and reason")


@pytest.mark.parametrize("kind", RECOGNIZED)
def test_a_file_in_another_form_is_imported_exactly(home: Path, kind: str) -> None:
    encoding, delimiter = RECOGNIZED[kind]
    for variant in VARIANTS:
        data = REFUSED[kind](Random(f"{kind} {variant}"))
        given_file = home.parent / "given.csv"
        given_file.write_bytes(data)
        assert command(home, "import", "B", str(given_file), "--yes").status == 0
        written = data.decode(encoding).replace("\r", "\n").encode()
        assert rows_of(files(home)["B.csv"]) == rows_of(written, delimiter)
    tally("files in another form", len(VARIANTS), "imported, every key exactly as it was written")


@pytest.mark.parametrize("kind", BY_HEADER)
def test_a_file_with_an_odd_header_is_imported_exactly_or_refused(home: Path, kind: str) -> None:
    for variant in VARIANTS:
        data = REFUSED[kind](Random(f"{kind} {variant}"))
        given_file = home.parent / "given.csv"
        given_file.write_bytes(data)
        said = command(home, "import", "B", str(given_file), "--yes")
        header = next(csv.reader(io.StringIO(data.decode())))
        if header.count("key") == 1 or [name.strip().casefold() for name in header].count("key") == 1:
            assert said.status == 0, said.err
            assert {row[0] for row in rows_of(files(home)["B.csv"])} == {"x"}
        else:
            _refused(said, given_file)
    tally("odd headers", len(VARIANTS), "imported exactly, or refused where no column or two are called key")


@pytest.mark.parametrize("kind", TAKEN)
def test_an_odd_but_clear_file_is_taken_exactly(home: Path, kind: str) -> None:
    others = {name: data for name, data in files(home).items() if name != "B.csv"}
    for variant in VARIANTS:
        data = TAKEN[kind](Random(f"{kind} {variant}"))
        given_file = home.parent / "given.csv"
        given_file.write_bytes(data)
        said = command(home, "import", "B", str(given_file), "--yes")
        assert said.status == 0, said.err
        _holds(home, data)
        assert rows_of(files(home)["B.csv"]) == rows_of(data)
        assert command(home, "undo").status == 0 or "Nothing to import" in said.err
        (home / "systems" / "B.csv").write_bytes(data)
        said = command(home, "status")
        assert said.status == 0, said.err
        _holds(home, data)
        assert {name: data for name, data in files(home).items() if name != "B.csv"} == others
    tally("odd files", len(VARIANTS), "by import and as system files, every key exactly as the csv module reads it")


@settings(max_examples=3000, deadline=None, database=None)
@given(
    head=st.sampled_from(HEADERS),
    body=st.lists(st.sampled_from(TOKENS), max_size=30).map(b"".join) | st.binary(max_size=60),
)
def test_random_bytes(head: bytes, body: bytes) -> None:
    data = head + body
    tally("random files", _agrees_with_csv(data), "taken, 0 keys changed")
    tally("random files", 1, "tried")


@settings(max_examples=1500, deadline=None, database=None)
@given(seed=st.integers(0, 1 << 60))
def test_mutated_files(seed: int) -> None:
    tally(
        "mutated files", _agrees_with_csv(mutated(Random(seed), text(Random(seed)).encode())), "taken, 0 keys changed"
    )
    tally("mutated files", 1, "tried")


@pytest.mark.nightly
def test_many_mutated_files() -> None:
    taken = 0
    for seed in range(100_000):
        dice = Random(seed)
        kind = dice.choice([*REFUSED.values(), *TAKEN.values()])
        taken += _agrees_with_csv(mutated(dice, kind(dice)))
    tally("mutated files", 100_000, "tried")
    tally("mutated files", taken, "taken, 0 keys changed")


def test_mutated_files_as_somebody_would_meet_them(home: Path) -> None:
    taken = 0
    before = files(home)
    for seed in range(60):
        dice = Random(seed)
        data = mutated(dice, text(dice).encode())
        given_file = home.parent / "given.csv"
        given_file.write_bytes(data)
        said = command(home, "import", "B", str(given_file), "--yes")
        if said.status == 0:
            taken += 1
            before = {**before, "B.csv": files(home)["B.csv"]}
        else:
            _refused(said, given_file)
        assert files(home) == before
    tally("mutated files", 60, "tried by import")
    tally("mutated files", taken, "taken by import, 0 keys changed")


def rows_of(data: bytes, delimiter: str = ",") -> list[tuple[str, ...]]:
    """The rows as the csv module reads them, in order, with the key first."""
    text = io.StringIO(data.decode().lstrip("\ufeff"), newline="")
    lines = [line for line in csv.reader(text, strict=True, delimiter=delimiter) if line]
    at = lines[0].index("key")
    return sorted((line[at], *line[:at], *line[at + 1 :]) for line in lines[1:])


def _refused(said: Said, path: Path) -> None:
    errors = [line.removeprefix("error: ") for line in said.err.splitlines() if line.startswith("error: ")]
    assert said.status == 2
    assert not said.crashed
    assert errors
    for line in errors:
        assert line.startswith(f"{path}:")
        assert LINE_AND_REASON.fullmatch(line), line
    assert "hint: " in said.err


def _holds(home: Path, data: bytes) -> None:
    fresh = opened(home)
    fresh.refresh()
    rows = fresh.state.tables["B"]
    fresh.close()
    assert sorted((row[0], *row[1:]) for row in rows.select("key", *_others(rows.columns)).rows()) == rows_of(data)


def _agrees_with_csv(data: bytes) -> bool:
    """Whether the file is taken; if so every value is what the csv module reads, and survives being written."""
    rows, message = _parsed(data)
    if rows is None:
        assert all(re.match(r"f\.csv:[0-9]+: \S", line) for line in message.split("\n")), message
        return False
    found = sorted(rows.select("key", *_others(rows.columns)).rows())
    assert found == rows_of(data)
    assert system_csv.parse(system_csv.serialize(rows), "f.csv", Limits()).equals(rows)
    assert sorted(rows_of(system_csv.serialize(rows))) == found
    return True


def _parsed(data: bytes) -> tuple[pl.DataFrame | None, str]:
    try:
        return system_csv.parse(data, "f.csv", Limits()), ""
    except KeySyncError as error:
        return None, error.message


def _others(columns: list[str]) -> list[str]:
    return [name for name in columns if name != "key"]


def _number(home: Path) -> int:
    fresh = opened(home)
    fresh.refresh()
    fresh.close()
    assert fresh.newest
    return fresh.newest.number


@contextlib.contextmanager
def _as_system_file(home: Path, data: bytes) -> Iterator[Path]:
    path = home / "systems" / "B.csv"
    good = path.read_bytes()
    path.write_bytes(data)
    try:
        yield path
        assert path.read_bytes() == data
    finally:
        path.write_bytes(good)
