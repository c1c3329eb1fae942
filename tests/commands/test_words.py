from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from keysync_shell.commands.session import Session, nobody
from keysync_shell.commands.words import looked_up, named
from keysync_shell.core.edits import carrying
from keysync_shell.core.selecting.selectors import EVERYTHING, KeyQuery
from keysync_shell.errors import BadFile, KeySyncError
from keysync_shell.sandbox import Request
from keysync_shell.storage.operations import OperationKind
from tests.building import add, opened, sandbox


def session(root: Path, stdin: bytes = b"") -> Session:
    return Session(opened(root), "", "test", nobody, lambda _: None, lambda: stdin)


@dataclass(frozen=True)
class Before:
    """A previous result with keys."""

    keys: tuple[str, ...]

    @property
    def shown_keys(self) -> pl.Series:
        return pl.Series("key", self.keys, dtype=pl.String)


def keys(root: Path, data: bytes) -> list[str]:
    """The keys that a file with this content names."""
    (root / "keys.txt").write_bytes(data)
    return named(session(root), [f"@{root / 'keys.txt'}"]).named().to_list()


def test_no_words_mean_everything(tmp_path: Path) -> None:
    assert looked_up(session(tmp_path), []) is EVERYTHING


def test_words_look_up_or_name(tmp_path: Path) -> None:
    sandbox(tmp_path, A="K1 K2 L1")
    there = opened(tmp_path)
    there.refresh()
    assert looked_up(session(tmp_path), ["K*"]).matches(there.state.keys("A")).to_list() == ["K1", "K2"]
    assert named(session(tmp_path), ["K*", "K8..K9"]).named().to_list() == ["K*", "K8", "K9"]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"K2\nK1\n", ["K1", "K2"]),
        (b"K1\r\n\r\nK2", ["K1", "K2"]),
        (b"\xef\xbb\xbfK1\n", ["K1"]),
        (b" K1 \nK*\n1..3\nre:x\n@x\n-\n", [" K1 ", "-", "1..3", "@x", "K*", "re:x"]),
        ("é\n".encode(), ["é"]),
        (b"", []),
        (b"\n\n", []),
        (b"key\nK1\nK2\n", ["K1", "K2"]),
        (b"note,key\na,K2\nb,K1\nc,K1\n", ["K1", "K2"]),
        (b'\xef\xbb\xbf"key",note\r\n"K,1",a\r\n', ["K,1"]),
        (b"keys\nK1\nK2\n", ["K1", "K2"]),
        (b"K1\rK2\r", ["K1", "K2"]),
    ],
)
def test_file_has_a_key_on_each_line_or_a_key_column(tmp_path: Path, data: bytes, found: list[str]) -> None:
    assert keys(tmp_path, data) == found


@pytest.mark.parametrize("data", [b'"K1","a"\n', b"id;name\nK1;Ann\n", b"name\tid\nAnn\tK1\n", b"K1,Ann\nK2,Bob\n"])
def test_columns_and_headers_are_never_taken_for_keys(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadFile, match="its columns are"):
        keys(tmp_path, data)


def test_minus_is_standard_input(tmp_path: Path) -> None:
    query = named(session(tmp_path, b"K2\nK1\n"), ["K3", "-"])
    assert query.named().to_list() == ["K1", "K2", "K3"]


def test_file_under_the_home_of_the_user_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "keys.txt").write_text("K1\n")
    assert named(session(tmp_path), ["@~/keys.txt"]).named().to_list() == ["K1"]


def test_last_is_the_previous_result_wherever_keys_are_read(tmp_path: Path) -> None:
    there = sandbox(tmp_path, A="K1 K2", B="K1")
    after = replace(session(tmp_path), last=Before(("K2", "K1", "K2")))
    assert looked_up(after, ["@last"]).on(there.index).matches(there.state.keys("A")).to_list() == ["K1", "K2"]
    assert looked_up(after, ["@last - B"]).on(there.index).matches(there.state.keys("A")).to_list() == ["K2"]
    assert named(after, ["@last"]).named().to_list() == ["K1", "K2"]


@pytest.mark.parametrize("read", [looked_up, named])
def test_last_needs_a_previous_result(tmp_path: Path, read: Callable[[Session, list[str]], KeyQuery]) -> None:
    with pytest.raises(KeySyncError, match="there is no previous result"):
        read(session(tmp_path), ["@last"])


def test_file_called_last_is_reached_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "last").write_text("K1\n")
    assert named(session(tmp_path), ["@./last"]).named().to_list() == ["K1"]


def test_previous_result_counts_where_keys_are_made(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text("[limits]\nkeys_per_command = 2\n")
    with pytest.raises(KeySyncError, match="keys named: 3 is over the limit of 2"):
        named(replace(session(tmp_path), last=Before(("K1", "K2", "K3"))), ["@last"])


COPIED = Request(OperationKind.COPY, "copy-key gap:D --from A --to D", "test")


def test_change_looks_key_sets_up_in_the_newest_state(tmp_path: Path) -> None:
    here = sandbox(tmp_path, A="K1 K2", D="K1")
    query = looked_up(session(tmp_path), ["gap:D"])
    add(opened(tmp_path), "K3", "A")  # another process, between the reading of the words and the decision
    here.edit(lambda state: carrying.copy(state, query.on(here.index), "A", ("D",)), COPIED)
    assert here.state.keys("D").to_list() == ["K1", "K2", "K3"]


def test_change_in_an_atomic_script_sees_the_lines_before_it(tmp_path: Path) -> None:
    here = sandbox(tmp_path, A="K1 K2", D="K1")
    query = looked_up(session(tmp_path), ["gap:D"])
    with here.atomically(Request(OperationKind.SCRIPT, "run x --atomic", "test")):
        add(here, "K3", "A")
        here.edit(lambda state: carrying.copy(state, query.on(here.index), "A", ("D",)), COPIED)
    assert here.state.keys("D").to_list() == ["K1", "K2", "K3"]


@pytest.mark.parametrize("word", ["@nowhere.txt", "@"])
def test_file_that_is_not_there_is_an_error(tmp_path: Path, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((KeySyncError, IsADirectoryError)):
        named(session(tmp_path), [word])


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeySyncError, match=r"the file of keys cannot be read: nowhere.txt: No such file"):
        looked_up(session(tmp_path), ["@nowhere.txt"])


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (b"K1\n\xff\n", "keys.txt:2: byte 0xff is not UTF-8; as cp1252 that line reads 'ÿ'"),
        (b"key,note\nK1\n", "keys.txt:2: 1 field, but the header has 2"),
        (b"key,key\n", "keys.txt:1: 2 columns are called 'key'"),
        (b"K1\rK2\n", "keys.txt:1: carriage return without a line feed"),
    ],
)
def test_malformed_file_is_refused_with_place_and_reason(tmp_path: Path, data: bytes, finding: str) -> None:
    with pytest.raises(BadFile) as error:
        keys(tmp_path, data)
    assert error.value.findings == [f"{tmp_path}/{finding}"]
    assert error.value.hint


def test_malformed_standard_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="<stdin>:1: byte 0xff is not UTF-8"):
        looked_up(session(tmp_path, b"\xff"), ["-"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([""], "a key cannot be empty"),
        (["key:"], "a key cannot be empty"),
        (["a\rb"], "bare carriage return"),
        (["a\udcff"], "not valid UTF-8"),
        (["K" * 5000], "over the limit"),
        ([f"{'K' * 4094}1..{'K' * 4094}100"], "over the limit"),
        (["K9..K1"], "it runs backwards"),
    ],
)
def test_key_that_may_not_be_written_is_not_named_but_may_be_looked_up(
    tmp_path: Path, words: list[str], reason: str
) -> None:
    with pytest.raises(KeySyncError, match=reason):
        named(session(tmp_path), words)


def test_empty_key_may_be_looked_up(tmp_path: Path) -> None:
    assert looked_up(session(tmp_path), ["key:"]).named().to_list() == [""]


def test_keys_of_a_file_count_against_the_limit(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text("[limits]\nkeys_per_command = 2\n")
    with pytest.raises(KeySyncError, match="keys named: 3 is over the limit of 2"):
        keys(tmp_path, b"K1\nK2\nK3\n")


def test_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text("[limits]\nfile_bytes = 2\n")
    with pytest.raises(KeySyncError, match=r"keys.txt in bytes: 3 is over the limit of 2"):
        keys(tmp_path, b"K1\n")
    with pytest.raises(KeySyncError, match="<stdin> in bytes: 3 is over the limit of 2"):
        named(session(tmp_path, b"K1\n"), ["-"])
