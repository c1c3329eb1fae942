from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import archives, snapshots
from keysync_shell.storage.snapshots import MANIFEST, Snapshot
from tests.building import snapshot

GOOD = snapshot("base", A="K1 K2", B="K1")
MEMBERS: dict[str, bytes] = {
    MANIFEST: snapshots.dump(GOOD.manifest),
    **{f"{name}.csv": data for name, data in GOOD.contents.items()},
}


def packed(members: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def read(path: Path, data: bytes, *, name: str | None = None, limits: Limits = Limits()) -> Snapshot:  # noqa: B008  # frozen
    path.write_bytes(data)
    return archives.read(path, limits, name)


def refusal(path: Path, data: bytes, limits: Limits = Limits()) -> str:  # noqa: B008  # frozen
    """Why an archive is refused; nothing is left of it on disk."""
    with pytest.raises(KeySyncError) as error:
        read(path, data, limits=limits)
    assert list(path.parent.iterdir()) == [path]
    assert error.value.hint
    assert error.value.message.isprintable()
    return error.value.message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "base.zip"


# Good ones


def test_exported_snapshot_is_read_back(path: Path) -> None:
    archives.export(GOOD, path, None, Limits(), force=False)
    assert archives.read(path, Limits(), None) == GOOD
    assert [entry.name for entry in path.parent.iterdir()] == ["base.zip"]


def test_archive_that_could_not_be_imported_again_is_not_exported(path: Path) -> None:
    tight = Limits(file_bytes=sum(map(len, MEMBERS.values())) - 1)
    with pytest.raises(KeySyncError, match=r"base.zip: bytes unpacked: .* is over the limit") as error:
        archives.export(GOOD, path, None, tight, force=False)
    assert "file_bytes" in error.value.hint
    assert not path.exists()


def test_equal_snapshots_give_equal_archives(path: Path) -> None:
    archives.export(GOOD, path, None, Limits(), force=False)
    archives.export(GOOD, path.with_name("again.zip"), None, Limits(), force=False)
    assert path.read_bytes() == path.with_name("again.zip").read_bytes()


def test_snapshot_is_read_under_another_name(path: Path) -> None:
    assert read(path, packed(MEMBERS.items()), name="other").manifest == replace(GOOD.manifest, name="other")


def test_file_that_is_there_is_not_overwritten_but_by_force(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(KeySyncError, match=r"base.zip already exists") as error:
        archives.export(GOOD, path, None, Limits(), force=False)
    assert "--yes" in error.value.hint
    archives.export(GOOD, path, None, Limits(), force=True)
    assert archives.read(path, Limits(), None) == GOOD


def test_archive_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeySyncError, match="there is no folder"):
        archives.export(GOOD, tmp_path / "nowhere" / "base.zip", None, Limits(), force=False)
    with pytest.raises(KeySyncError, match="is not a regular file"):
        archives.export(GOOD, tmp_path, None, Limits(), force=True)
    assert list(tmp_path.iterdir()) == []


# Hostile ones


@pytest.mark.parametrize(
    "name",
    ["../A.csv", "/A.csv", "sub/A.csv", "A.CSV", "A.csv/", "A.txt", ".csv", "A\x1b.csv", "\u202eA.csv", "x.json"],
)
def test_other_member_does_not_belong_there(path: Path, name: str) -> None:
    assert "does not belong in a snapshot" in refusal(path, packed([*MEMBERS.items(), (name, b"")]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_member_that_is_there_twice_is_refused(path: Path) -> None:
    assert "member A.csv appears twice" in refusal(path, packed([*MEMBERS.items(), ("A.csv", b"")]))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_member_that_is_no_regular_file_is_refused(path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("F.csv")
    info.external_attr = (kind | 0o777) << 16
    assert "member F.csv is not a regular file" in refusal(path, packed([*MEMBERS.items(), (info, b"/etc/passwd")]))


def test_too_many_members_are_refused(path: Path) -> None:
    many = [(f"S{i}.csv", b"") for i in range(16)]
    assert "18 members are too many" in refusal(path, packed([(MANIFEST, b""), ("A.csv", b""), *many]))


def test_bomb_is_refused_before_it_is_unpacked(path: Path) -> None:
    assert "member F.csv is packed more than 200 times" in refusal(
        path, packed([*MEMBERS.items(), ("F.csv", bytes(1 << 24))])
    )


def test_more_bytes_than_the_limit_are_refused(path: Path) -> None:
    noise = os.urandom(3000)
    message = refusal(path, packed([*MEMBERS.items(), ("F.csv", noise)]), limits=Limits(file_bytes=3000))
    assert "over the limit of 3,000" in message


def test_archive_over_the_limit_is_not_read(path: Path) -> None:
    assert "over the limit of 10" in refusal(path, packed(MEMBERS.items()), limits=Limits(file_bytes=10))


@pytest.mark.parametrize(("at", "size"), [(20, 0), (20, 40), (24, 0), (24, 40), (24, 0x7FFFFFFF)])
def test_lie_about_a_size_is_found_out(path: Path, at: int, size: int) -> None:
    """The directory of the archive gives the packed size at byte 20 of an entry, and the unpacked one at byte 24."""
    data = bytearray(packed(MEMBERS.items()))
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"A.csv"))
    data[entry + at : entry + at + 4] = size.to_bytes(4, "little")
    assert refusal(path, bytes(data))


def test_manifest_larger_than_any_is_refused(path: Path) -> None:
    noise = os.urandom(1 << 20) + b"x"
    assert "member manifest.json is larger than it may be" in refusal(path, packed([(MANIFEST, noise)]))


def test_file_larger_than_its_manifest_says_is_refused(path: Path) -> None:
    grown = MEMBERS | {"A.csv": MEMBERS["A.csv"] + b"K3,,,\n"}
    assert "member A.csv is larger than it may be" in refusal(path, packed(grown.items()))


def test_file_with_another_content_does_not_match_its_checksum(path: Path) -> None:
    other = MEMBERS | {"A.csv": MEMBERS["A.csv"].replace(b"K2", b"K3")}
    assert refusal(path, packed(other.items())) == "snapshot base is damaged: A.csv does not match its checksum"


@pytest.mark.parametrize("missing", ["A.csv", "E.csv"])
def test_missing_file_is_refused(path: Path, missing: str) -> None:
    members = [(name, data) for name, data in MEMBERS.items() if name != missing]
    assert "its files are not those that its manifest names" in refusal(path, packed(members))


def test_missing_manifest_is_refused(path: Path) -> None:
    assert "there is no manifest.json in it" in refusal(path, packed([("A.csv", b"key\n")]))


def test_manifest_that_is_none_is_damage(path: Path) -> None:
    assert "damaged: manifest.json" in refusal(path, packed((MEMBERS | {MANIFEST: b"{"}).items()))


@pytest.mark.parametrize("name", ["../../evil", "/etc/x", "", "nul"])
def test_manifest_cannot_name_a_path(path: Path, name: str) -> None:
    evil = snapshots.dump(replace(GOOD.manifest, name=name))
    assert "is not a valid name for a snapshot" in refusal(path, packed((MEMBERS | {MANIFEST: evil}).items()))


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive_is_refused(path: Path, data: bytes) -> None:
    assert "base.zip is not a snapshot that can be imported" in refusal(path, data)


@pytest.mark.parametrize("at", [30, 100, 400, -40])
def test_torn_archive_is_refused(path: Path, at: int) -> None:
    assert "base.zip is not a snapshot that can be imported" in refusal(path, packed(MEMBERS.items())[:at])


def test_encrypted_member_is_refused(path: Path) -> None:
    data = bytearray(packed(MEMBERS.items()))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + at] |= 1
    assert "password required" in refusal(path, bytes(data))


def test_archive_that_is_not_there_is_an_error(path: Path) -> None:
    with pytest.raises(KeySyncError, match=r"base.zip cannot be read: .*No such file"):
        archives.read(path, Limits(), None)


def test_archive_of_very_many_files_is_refused_before_they_are_read(path: Path) -> None:
    data = packed((f"{number}.csv", b"") for number in range(2_000))
    assert refusal(path, data).endswith("its table of contents is too long")


def test_directory_that_hides_behind_another_is_refused(path: Path) -> None:
    """zipfile believes the large form of the end before the small one."""
    whole = packed(MEMBERS.items())
    at = whole.rindex(b"PK\x05\x06")
    assert refusal(path, whole[:at] + b"PK\x06\x07" + bytes(16) + whole[at:]).endswith("table of contents is too long")


@pytest.mark.parametrize("name", ["baseline", "drifted"])
def test_packaged_sample_is_the_one_of_the_repository(name: str) -> None:
    root = Path(__file__).parents[2]
    shipped = archives.read(root / "keysync_shell" / "sample" / f"{name}.zip", Limits(), None)
    assert shipped == snapshots.load(root / "snapshots", name, Limits())
