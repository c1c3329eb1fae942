from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import files, lock, snapshots
from keysync_shell.storage.snapshots import (
    MANIFEST,
    Snapshot,
    check_name,
    delete,
    load,
    names,
    parse_manifest,
    save,
    sweep,
)
from tests.building import snapshot

OURS, THEIRS = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the snapshot `base`."""
    save(tmp_path / "snapshots", snapshot("base", A="K1 K2", B="K1"), OURS, force=False)
    return tmp_path / "snapshots"


def refusal(folder: Path, name: str = "base") -> str:
    """Why a snapshot is not loaded."""
    with pytest.raises(KeySyncError) as error:
        load(folder, name, Limits())
    assert error.value.hint
    assert error.value.committed is False
    return error.value.message


def manifest(**changes: Any) -> bytes:
    """A manifest with some of its values changed."""
    raw: dict[str, Any] = json.loads(snapshots.dump(snapshot("base", A="K1").manifest))
    return json.dumps(raw | changes).encode()


# Names


@pytest.mark.parametrize("name", ["a", "0", "A.b_c-1", "a" * 64, "console", "com", "nowadays"])
def test_name_of_letters_digits_and_a_few_marks_is_taken(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../base", "a/b", "/etc", "a\\b", "~", ".hidden", "-x", "_x", "a b", "a\n", "é", "a\0"),
        *("a.", "a" * 65, "now", "con", "NUL", "Com1", "lpt9.txt", "aux.tar.gz", "C:", "\u202ea"),
    ],
)
def test_name_that_is_a_path_or_a_device_or_cannot_be_seen_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(KeySyncError, match="is not a valid name for a snapshot") as error:
        check_name(name)
    assert "letters, digits" in error.value.hint
    assert error.value.message.isprintable()


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "..", ""])
def test_path_like_name_reaches_nothing_outside(folder: Path, name: str) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / MANIFEST).write_bytes(manifest())
    for attempt in (lambda: load(folder, name, Limits()), lambda: delete(folder, name, OURS)):
        with pytest.raises(KeySyncError, match="is not a valid name for a snapshot"):
            attempt()
    with pytest.raises(KeySyncError, match="is not a valid name for a snapshot"):
        save(folder, snapshot(name), OURS, force=True)
    assert outside.is_dir()


# Saving and loading


def test_snapshot_is_loaded_as_it_was_saved(folder: Path) -> None:
    saved = snapshot("base", A="K1 K2", B="K1")
    assert load(folder, "base", Limits()) == saved
    assert saved.tables(Limits())["A"]["key"].to_list() == ["K1", "K2"]
    assert sorted(path.name for path in folder.iterdir()) == ["base"]


def test_taken_name_is_refused_and_stays_as_it_was(folder: Path) -> None:
    with pytest.raises(KeySyncError, match="snapshot base already exists") as error:
        save(folder, snapshot("base", A="K9"), OURS, force=False)
    assert "--yes" in error.value.hint
    assert load(folder, "base", Limits()) == snapshot("base", A="K1 K2", B="K1")


def test_taken_name_is_replaced_by_force_and_nothing_is_left(folder: Path) -> None:
    save(folder, snapshot("base", A="K9"), OURS, force=True)
    assert load(folder, "base", Limits()) == snapshot("base", A="K9")
    assert [path.name for path in folder.iterdir()] == ["base"]


def scratch(folder: Path, owner: str, end: str = "tmp") -> Path:
    """What a crash of that sandbox left."""
    made = folder / f".{owner}.00112233aabbccdd.{end}"
    made.mkdir(parents=True)
    (made / "A.csv").write_text("half")
    return made


def test_what_a_crash_of_ours_left_is_swept_away(folder: Path) -> None:
    scratch(folder, OURS)
    save(folder, snapshot("more"), OURS, force=False)
    assert sorted(path.name for path in folder.iterdir()) == ["base", "more"]


def test_what_another_may_be_writing_is_never_swept_away(folder: Path) -> None:
    theirs = scratch(folder, THEIRS)
    with lock.at_work(folder):
        save(folder, snapshot("more"), OURS, force=False)
        delete(folder, "more", OURS)
    assert sorted(folder.iterdir()) == sorted([theirs, folder / "base"])
    assert (theirs / "A.csv").read_text() == "half"


def test_what_a_crash_of_another_left_is_swept_away_when_nobody_is_at_work(folder: Path) -> None:
    scratch(folder, THEIRS)
    save(folder, snapshot("more"), OURS, force=False)
    assert sorted(path.name for path in folder.iterdir()) == ["base", "more"]


def test_folder_of_another_form_is_never_swept_away(folder: Path) -> None:
    others = [scratch(folder, "0123"), scratch(folder, OURS, "tmp.swp"), folder / ".mine.tmp"]
    others[-1].mkdir()
    save(folder, snapshot("more"), OURS, force=False)
    assert sorted(folder.iterdir()) == sorted([*others, folder / "base", folder / "more"])


def stepped_aside(folder: Path, name: str) -> Path:
    """What a crash leaves where two names cannot be exchanged: a snapshot made room for one that did not come."""
    return (folder / name).rename(folder / f".{OURS}.00112233aabbccdd.tmp.old.tmp")


def test_snapshot_that_stepped_aside_gets_its_name_again(folder: Path) -> None:
    stepped_aside(folder, "base")
    scratch(folder, OURS)
    sweep(folder, OURS)
    assert [path.name for path in folder.iterdir()] == ["base"]
    assert load(folder, "base", Limits()) == snapshot("base", A="K1 K2", B="K1")


def test_snapshot_that_stepped_aside_for_another_is_dropped(folder: Path) -> None:
    save(folder, snapshot("other"), OURS, force=False)
    stepped_aside(folder, "base")
    (folder / "other").rename(folder / "base")
    sweep(folder, OURS)
    assert [path.name for path in folder.iterdir()] == ["base"]


def test_snapshot_that_stepped_aside_and_is_damaged_is_left_as_it_is(folder: Path) -> None:
    aside = stepped_aside(folder, "base")
    (aside / MANIFEST).write_text("{}")
    sweep(folder, OURS)
    assert [*folder.iterdir()] == [aside]


def test_folder_that_is_no_snapshot_is_neither_replaced_nor_deleted(folder: Path) -> None:
    mine = folder / "mine"
    mine.mkdir()
    (mine / "A.csv").write_text("mine")
    for name, why in (("", "it has no manifest.json"), ("notes.txt", r"more than a snapshot: notes\.txt is in it")):
        (mine / (name or "B.csv")).write_text("mine")
        attempts: tuple[Callable[[], None], ...] = (
            lambda: delete(folder, "mine", OURS),
            lambda: save(folder, snapshot("mine"), OURS, force=True),
        )
        for attempt in attempts:
            with pytest.raises(KeySyncError, match=why) as error:
                attempt()
            assert error.value.hint.startswith("It is left as it is.")
    assert len(list(mine.iterdir())) == 3


def test_damaged_snapshot_can_be_replaced_and_deleted(folder: Path) -> None:
    (folder / "base" / MANIFEST).write_text("{}")
    save(folder, snapshot("base"), OURS, force=True)
    (folder / "base" / MANIFEST).write_text("{}")
    delete(folder, "base", OURS)
    assert list(folder.iterdir()) == []


def test_snapshot_that_another_sandbox_saves_meanwhile_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def saved_first(path: Path) -> None:
        monkeypatch.undo()
        save(folder, snapshot("new", A="K1"), THEIRS, force=False)
        files.sync_folder(path)

    monkeypatch.setattr(files, "sync_folder", lambda path: saved_first(path) if ".tmp" in path.name else None)
    with pytest.raises(KeySyncError, match="snapshot new already exists"):
        save(folder, snapshot("new", A="K2"), OURS, force=False)
    assert load(folder, "new", Limits()) == snapshot("new", A="K1")
    assert sorted(path.name for path in folder.iterdir()) == ["base", "new"]


def test_snapshot_that_is_replaced_while_it_is_read_is_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced_first(path: Path, limits: Limits) -> tuple[bytes, files.Signature]:
        monkeypatch.undo()
        read = files.read(path, limits)
        save(folder, snapshot("base", A="K9"), THEIRS, force=True)
        return read

    monkeypatch.setattr(files, "read", replaced_first)
    assert load(folder, "base", Limits()) == snapshot("base", A="K9")


def test_snapshot_that_cannot_be_written_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "snapshots").write_text("a file where the folder should be")
    with pytest.raises(KeySyncError, match="snapshot base was not saved"):
        save(tmp_path / "snapshots", snapshot("base"), OURS, force=False)


def test_names_are_those_of_whole_snapshots_in_order(folder: Path) -> None:
    save(folder, snapshot("a"), OURS, force=False)
    (folder / ".x.tmp").mkdir()
    (folder / "file").write_text("")
    assert names(folder) == ["a", "base"]
    assert names(folder / "nowhere") == []


def test_deleted_snapshot_is_gone(folder: Path) -> None:
    delete(folder, "base", OURS)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("attempt", [load, lambda folder, name, _: delete(folder, name, OURS)])
def test_no_such_snapshot_names_those_that_there_are(folder: Path, attempt: Any) -> None:
    with pytest.raises(KeySyncError, match="there is no snapshot other") as error:
        attempt(folder, "other", Limits())
    assert error.value.hint == "Snapshots: base."
    with pytest.raises(KeySyncError) as error:
        attempt(folder / "nowhere", "other", Limits())
    assert error.value.hint == "There are none yet; `save-state NAME` makes one."


# Damage


@pytest.mark.parametrize("data", [b"", b"key\nK9\n", b"key,last_seen_at,system,status\n"])
def test_changed_file_does_not_match_its_checksum(folder: Path, data: bytes) -> None:
    (folder / "base" / "A.csv").write_bytes(data)
    assert refusal(folder) == "snapshot base is damaged: A.csv does not match its checksum"


def test_missing_file_is_named(folder: Path) -> None:
    (folder / "base" / "A.csv").unlink()
    with pytest.raises(KeySyncError, match=r"snapshot base is damaged: A\.csv is missing"):
        load(folder, "base", Limits())


def test_link_in_a_snapshot_is_not_followed(folder: Path) -> None:
    (folder / "base" / "A.csv").rename(folder / "A.csv")
    (folder / "base" / "A.csv").symlink_to(folder / "A.csv")
    with pytest.raises(KeySyncError, match=r"A\.csv is not a regular file"):
        load(folder, "base", Limits())


def test_file_over_the_limit_is_not_loaded(folder: Path) -> None:
    with pytest.raises(KeySyncError, match="over the limit of 10"):
        load(folder, "base", Limits(file_bytes=10))


def test_missing_manifest_is_damage(folder: Path) -> None:
    (folder / "base" / MANIFEST).unlink()
    assert refusal(folder) == "snapshot base is damaged: manifest.json is missing"


def test_manifest_that_is_a_link_is_damage(folder: Path) -> None:
    (folder / "base" / MANIFEST).unlink()
    (folder / "base" / MANIFEST).symlink_to("/etc/passwd")
    assert refusal(folder).endswith("manifest.json is not a regular file")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        manifest(schema="keysync-snapshot/9"),
        manifest(name=1),
        manifest(note=None),
        manifest(unknown=""),
        manifest(systems=[]),
        manifest(systems={"A": 1}),
        manifest(systems={"A": {"sha256": "", "bytes": 0, "rows": 0}}),
        manifest(systems={"A": {"sha256": "", "bytes": -1, "rows": 0, "keys": 0}}),
        manifest(systems={"A": {"sha256": "", "bytes": True, "rows": 0, "keys": 0}}),
        manifest(systems={"A": {"sha256": 0, "bytes": 0, "rows": 0, "keys": 0}}),
    ],
)
def test_manifest_of_another_form_is_damage(data: bytes) -> None:
    with pytest.raises(KeySyncError, match=r"snapshot base is damaged: manifest.json") as error:
        parse_manifest(data, "base")
    assert error.value.hint == "Nothing was loaded. Get a good copy of it."


def test_manifest_is_read_as_it_is_written() -> None:
    made = replace(snapshot("base", A="K1").manifest, note="é\n\x1b")
    assert parse_manifest(snapshots.dump(made), "base") == made
    assert snapshots.dump(made).isascii()


def test_malformed_file_with_a_good_checksum_is_refused_when_it_is_read(folder: Path) -> None:
    whole = snapshot("base", A="K1")
    bad = Snapshot(whole.manifest, {**whole.contents, "A": b"key,b\nK1\n"})
    with pytest.raises(KeySyncError, match=r"base/A.csv:2: 1 field, but the header has 2"):
        bad.tables(Limits())


def test_system_of_a_manifest_is_never_a_path(folder: Path) -> None:
    (folder.parent / "outside.csv").write_bytes(b"secret")
    outside = {"sha256": files.digest(b"secret"), "bytes": 6, "rows": 0, "keys": 0}
    (folder / "base" / MANIFEST).write_bytes(manifest(systems={"../../outside": outside}))
    assert "damaged" in refusal(folder)


@pytest.mark.parametrize("value", [[], {"gaps": "many"}, None])
def test_discrepancies_of_a_manifest_are_numbers(value: object) -> None:
    with pytest.raises(KeySyncError, match="damaged"):
        parse_manifest(manifest(discrepancies=value), "base")


# A disk that does not answer


@pytest.mark.parametrize(
    "use",
    [
        lambda folder: load(folder, "base", Limits()),
        lambda folder: delete(folder, "base", OURS),
        lambda folder: save(folder, snapshot("base"), OURS, force=False),
        names,
    ],
    ids=["load", "delete", "save", "names"],
)
def test_trouble_with_looking_for_a_snapshot_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[Path], object]
) -> None:
    def fails(path: Path, **_: object) -> bool:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(Path, "stat", fails)
    with pytest.raises(KeySyncError, match=r"the snapshots cannot be read: .+: Input/output error") as error:
        use(folder)
    assert error.value.committed is False
