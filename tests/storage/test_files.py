from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from pathlib import Path

import pytest

from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import KeySyncError, ReadOnlyHome
from keysync_shell.storage import files
from keysync_shell.storage.files import COARSE_CLOCK_NS, FINE_CLOCK_NS, HINTS, Signature, explained

needs_leases = pytest.mark.skipif(not hasattr(fcntl, "F_SETLEASE"), reason="open files cannot be seen here")


def written(path: Path, text: str = "old") -> Path:
    path.write_text(text)
    return path


# Reading


def test_file_is_read_with_its_signature(tmp_path: Path) -> None:
    path = written(tmp_path / "f", "abc")
    assert files.read(path, Limits(file_bytes=3)) == (b"abc", Signature.of(path.stat()))


def test_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(KeySyncError, match="f in bytes: 3 is over the limit of 2") as error:
        files.read(written(tmp_path / "f", "abc"), Limits(file_bytes=2))
    assert "file_bytes" in error.value.hint


def test_file_that_is_never_large_has_a_limit_that_no_setting_moves(tmp_path: Path) -> None:
    path = written(tmp_path / "f", "abc")
    assert files.read_small(path, 3) == b"abc"
    with pytest.raises(KeySyncError, match=r"3 bytes are more than such a file has \(2 at most\)") as error:
        files.read_small(path, 2)
    assert "keysync.toml" not in error.value.hint


def test_link_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(written(tmp_path / "f"))
    with pytest.raises(KeySyncError, match="link is not a regular file"):
        files.read(link, Limits())
    with pytest.raises(KeySyncError, match="link is not a regular file"):
        files.regular(link)


def test_pipe_is_refused_without_waiting_for_its_other_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    with pytest.raises(KeySyncError, match="f is not a regular file") as error:
        files.read(tmp_path / "f", Limits())
    assert error.value.hint == "Put a real file there; links are not followed."
    with pytest.raises(KeySyncError, match="f is not a regular file"):
        files.regular(tmp_path / "f")


def test_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeySyncError, match="is not a regular file"):
        files.regular(tmp_path)


def test_folder_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(KeySyncError, match="is not a regular file"):
        files.read(tmp_path, Limits())


def test_no_file_has_no_status(tmp_path: Path) -> None:
    assert files.regular(tmp_path / "f") is None


def test_signature_is_settled_once_the_clock_has_moved_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000_000_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: now)
    for age, settled in ((FINE_CLOCK_NS + 1, True), (FINE_CLOCK_NS - 1, False), (-1, False)):
        assert Signature(1, 1, now - age).settled() is settled
    for age, settled in ((COARSE_CLOCK_NS + 10**9, True), (COARSE_CLOCK_NS, False), (0, False)):
        assert Signature(1, 1, now - age).settled() is settled


# Other writers


@needs_leases
def test_open_file_has_a_writer(tmp_path: Path) -> None:
    path = written(tmp_path / "f")
    assert files.has_writer(path) is False
    with path.open("a"):
        assert files.has_writer(path) is True
    assert files.has_writer(path) is False


@needs_leases
def test_writer_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "STALLED_NS", 1 << 60)
    path = written(tmp_path / "f")
    file = path.open("a")
    threading.Timer(0.1, file.close).start()
    files.wait_for_writer(path)
    assert file.closed


@needs_leases
def test_writer_that_does_not_end_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "STALLED_NS", 1 << 60)
    monkeypatch.setattr(files, "PATIENCE_SECONDS", 0)
    path = written(tmp_path / "f")
    with path.open("a"), pytest.raises(KeySyncError, match="f is being written by another program") as error:
        files.wait_for_writer(path)
    assert error.value.hint


@needs_leases
def test_program_that_only_keeps_a_file_open_is_not_waited_for(tmp_path: Path) -> None:
    path = written(tmp_path / "f")
    with path.open("a"):
        os.utime(path, (0, 0))
        files.wait_for_writer(path)


# Writing


def test_staged_file_is_complete_and_has_the_mode_of_its_target(tmp_path: Path) -> None:
    target = written(tmp_path / "f")
    target.chmod(0o640)
    staged = files.stage(tmp_path / "new", target, [b"a", b"bc"])
    assert staged.path.read_bytes() == b"abc"
    assert staged.path.stat().st_mode & 0o777 == 0o640
    assert (staged.sha256, staged.signature) == (files.digest(b"abc"), Signature.of(staged.path.stat()))
    assert files.file_digest(staged.path) == staged.sha256


def test_staged_file_without_a_target_has_the_mode_of_a_new_file(tmp_path: Path) -> None:
    plain = written(tmp_path / "plain")
    assert files.stage(tmp_path / "new", tmp_path / "f", [b""]).path.stat().st_mode == plain.stat().st_mode


def test_nothing_is_staged_over_a_file(tmp_path: Path) -> None:
    taken = written(tmp_path / "new")
    with pytest.raises(FileExistsError):
        files.stage(taken, tmp_path / "f", [b"x"])
    assert taken.read_text() == "old"


def test_nothing_is_staged_for_a_link(tmp_path: Path) -> None:
    (tmp_path / "f").symlink_to("elsewhere")
    with pytest.raises(KeySyncError, match="is not a regular file"):
        files.stage(tmp_path / "new", tmp_path / "f", [b"x"])
    assert not (tmp_path / "new").exists()


def test_folders_are_made_with_their_parents_and_may_be_there(tmp_path: Path) -> None:
    files.make_folder(tmp_path / "a" / "b")
    files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


# Words for errors


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_home_that_cannot_be_written_is_told_apart(code: int) -> None:
    with pytest.raises(ReadOnlyHome) as error, explained("doing"):
        raise OSError(code, os.strerror(code), "A.csv")
    assert error.value.message == f"doing: A.csv: {os.strerror(code)}"
    assert "--home" in error.value.hint


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBUSY])
def test_trouble_with_the_disk_says_what_to_do(code: int) -> None:
    with pytest.raises(KeySyncError) as error, explained("doing", lambda: None):
        raise OSError(code, os.strerror(code))
    assert error.value.message == f"doing: {os.strerror(code)}"
    assert error.value.hint == HINTS.get(code, "")
    assert error.value.committed is None
