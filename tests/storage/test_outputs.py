from __future__ import annotations

import os
from pathlib import Path

import pytest

from keysync_shell.config import Config
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import outputs
from keysync_shell.storage.home import Home

OWN = ("systems", "snapshots", ".keysync")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home", Config())
    for folder in made.own_folders:
        folder.mkdir(parents=True)
    return made


def refusal(path: Path, home: Home | None, *, force: bool = False) -> KeySyncError:
    """Why a file is refused: before any work, as at the end of it; either way nothing is left of the try."""
    with pytest.raises(KeySyncError) as early:
        outputs.check(path, home, force=force)
    with pytest.raises(KeySyncError) as late:
        outputs.write(path, b"new", home, force=force)
    assert str(early.value) == str(late.value)
    assert late.value.committed is False
    assert not list(path.parent.glob(".keysync-*"))
    return late.value


def test_file_is_complete_under_its_name(tmp_path: Path, home: Home) -> None:
    outputs.write(tmp_path / "out.csv", b"new", home)
    assert (tmp_path / "out.csv").read_bytes() == b"new"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["home", "out.csv"]


def test_text_gets_its_name_at_the_end(tmp_path: Path) -> None:
    with outputs.opened(tmp_path / "out.txt", None) as file:
        file.write("ключ\r\n")
        assert not (tmp_path / "out.txt").exists()
    assert (tmp_path / "out.txt").read_bytes() == "ключ\r\n".encode()


def test_text_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError), outputs.opened(tmp_path / "out.txt", None) as file:
        file.writelines(["half", 7])  # type: ignore[list-item]  # that is the fault
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_there_is_replaced_by_force_only(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine")
    path.chmod(0o640)
    error = refusal(path, None)
    assert (error.message, path.read_text()) == (f"{path} already exists", "mine")
    assert error.hint == "Name another file, or add --yes to replace it."
    outputs.write(path, b"new", None, force=True)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)


def test_file_that_comes_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with pytest.raises(KeySyncError, match="already exists"), outputs.opened(path, None):
        path.write_text("theirs")
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("out.txt", "theirs")]


def test_without_hard_links_a_file_gets_its_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refused)
    outputs.write(tmp_path / "out.csv", b"new", None)
    with pytest.raises(KeySyncError, match="already exists"), outputs.opened(tmp_path / "late.csv", None):
        (tmp_path / "late.csv").touch()
    assert (tmp_path / "out.csv").read_bytes() == b"new"


@pytest.mark.parametrize("force", [False, True])
def test_link_is_never_followed(tmp_path: Path, force: bool) -> None:
    (tmp_path / "there").write_text("mine")
    for name in ("there", "nowhere"):
        link = tmp_path / f"to-{name}"
        link.symlink_to(tmp_path / name)
        assert ("not a regular file" if force else "already exists") in refusal(link, None, force=force).message
    assert (tmp_path / "there").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("own", OWN)
def test_no_file_goes_among_those_of_the_sandbox(home: Home, tmp_path: Path, own: str) -> None:
    (tmp_path / "link").symlink_to(home.root / own)
    (home.root / own / "deep").mkdir()
    for path in (
        home.root / own / "X.csv",
        home.root / own / "deep" / "X.csv",
        tmp_path / "link" / "X.csv",
        tmp_path / "link" / "deep" / "X.csv",
        home.root / "systems" / ".." / own / "X.csv",
    ):
        for force in (False, True):
            assert "where the sandbox keeps its own files" in refusal(path, home, force=force).message
        with pytest.raises(KeySyncError, match="where the sandbox keeps its own files"):
            outputs.check_folder(path.parent, home)


def test_folder_of_the_sandbox_itself_is_free(home: Home) -> None:
    outputs.check_folder(home.root / "reports" / "run-1", home)
    outputs.write(home.root / "plan.json", b"{}", home)
    assert (home.root / "plan.json").read_bytes() == b"{}"


def test_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path / "no" / "out.csv", None)
    assert error.message == f"there is no folder {tmp_path / 'no'}"
    assert error.hint == "Make it first, or name another file."


def test_folder_is_no_output(tmp_path: Path) -> None:
    assert "already exists" in refusal(tmp_path, None).message
    assert "is not a regular file" in refusal(tmp_path, None, force=True).message


def test_name_may_be_as_long_as_names_are(tmp_path: Path) -> None:
    outputs.write(tmp_path / ("n" * 255), b"new", None)
    with pytest.raises(KeySyncError, match="File name too long"):
        outputs.write(tmp_path / ("n" * 256), b"new", None)
    assert len(list(tmp_path.iterdir())) == 1
