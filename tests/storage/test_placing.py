from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysync_shell.errors import ReadOnlyHome
from keysync_shell.storage import placing


def written(path: Path, text: str = "old") -> Path:
    path.write_text(text)
    return path


# By names


@pytest.fixture(params=["exchange", "rename"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "rename":  # as where the file system cannot exchange two names
        monkeypatch.setattr(placing, "_function", lambda _: None)


@pytest.mark.usefixtures("_both_ways")
def test_file_is_swapped_in(tmp_path: Path) -> None:
    new, target = written(tmp_path / "new", "new"), written(tmp_path / "f")
    placing.swap(new, target)
    assert target.read_text() == "new"
    assert not new.exists() or new.read_text() == "old"


@pytest.mark.usefixtures("_both_ways")
def test_folder_is_swapped_in_and_the_old_one_stands_aside(tmp_path: Path) -> None:
    for name in ("new", "f"):
        (tmp_path / name).mkdir()
        written(tmp_path / name / "x", name)
    placing.swap(tmp_path / "new", tmp_path / "f")
    assert [(tmp_path / name / "x").read_text() for name in ("f", "new")] == ["new", "f"]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("_both_ways")
def test_file_is_swapped_in_where_there_was_none(tmp_path: Path) -> None:
    placing.swap(written(tmp_path / "new", "new"), tmp_path / "f")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


# By writing over


@pytest.fixture
def _immovable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a file that is mounted by itself: no name can be given to another file, or to it."""

    def busy(*_: object) -> None:
        raise OSError(16, os.strerror(16))

    monkeypatch.setattr(placing, "swap", busy)


@pytest.mark.usefixtures("_immovable")
@pytest.mark.parametrize("text", ["old", "older, and longer"])
def test_file_that_cannot_be_moved_is_written_over(tmp_path: Path, text: str) -> None:
    new, target = written(tmp_path / "x.new", "newer"), written(tmp_path / "f", text)
    inode = target.stat().st_ino
    placing.put(new, target)
    assert (target.read_text(), target.stat().st_ino, new.read_text()) == ("newer", inode, text)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("_immovable")
def test_file_that_was_half_written_over_is_finished(tmp_path: Path) -> None:
    """The copy of what stood there is not made again: it would be one of the half."""
    new, target = written(tmp_path / "x.new", "newer"), written(tmp_path / "f", "ne")
    written(tmp_path / "x.old", "old")
    placing.put(new, target)
    assert (target.read_text(), new.read_text()) == ("newer", "old")
    assert len(list(tmp_path.iterdir())) == 2


def test_copy_of_what_was_written_over_outlives_the_mount(tmp_path: Path) -> None:
    new, target = written(tmp_path / "x.new", "newer"), written(tmp_path / "f", "ne")
    written(tmp_path / "x.old", "old")
    placing.put(new, target)
    assert (target.read_text(), new.read_text()) == ("newer", "old")


# What can have nothing in its place


def test_file_that_is_not_there_yet_can_be_put_there(tmp_path: Path) -> None:
    placing.check(tmp_path / "f")


@pytest.fixture(params=[("i", "immutable"), ("a", "append-only")], ids=lambda way: way[1])
def flag(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str, str]]:
    """A file with such a flag, the flag and its name."""
    letter, name = request.param
    target = written(tmp_path / "f")
    set_it = subprocess.run(["chattr", f"+{letter}", target], capture_output=True, text=True, check=False)
    if set_it.returncode:
        pytest.skip(f"chattr does not work here: {set_it.stderr.strip()}")
    yield target, letter, name
    subprocess.run(["chattr", f"-{letter}", target, tmp_path], check=True)


def test_file_that_may_not_change_is_refused(flag: tuple[Path, str, str]) -> None:
    target, letter, name = flag
    with pytest.raises(ReadOnlyHome) as error:
        placing.check(target)
    assert error.value.message == f"{target} cannot be replaced: f is {name}"
    assert error.value.hint == f"Allow changes: chattr -{letter} {target} (as root), then try again."


def test_folder_that_may_not_change_is_refused(flag: tuple[Path, str, str]) -> None:
    target, letter, name = flag
    subprocess.run(["chattr", f"-{letter}", target], check=True)
    placing.check(target)
    subprocess.run(["chattr", f"+{letter}", target.parent], check=True)
    with pytest.raises(ReadOnlyHome, match=f"{target.parent.name} is {name}"):
        placing.check(target)


@pytest.fixture
def sticky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of root in a sticky folder; we are somebody else until the test ends."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    folder = tmp_path / "sticky"
    folder.mkdir()
    folder.chmod(0o777 | stat.S_ISVTX)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    yield written(folder / "f").relative_to(tmp_path)
    os.seteuid(0)


def test_another_users_file_in_a_sticky_folder_is_refused_unless_it_may_be_written(sticky: Path) -> None:
    sticky.chmod(0o666)
    os.seteuid(65534)
    placing.check(sticky)
    new = written(sticky.with_name("x.new"), "newer")
    placing.put(new, sticky)
    assert (sticky.read_text(), new.read_text()) == ("newer", "old")
    os.seteuid(0)
    sticky.chmod(0o644)
    os.seteuid(65534)
    with pytest.raises(ReadOnlyHome, match="it is another user's, in a folder with the sticky bit") as error:
        placing.check(sticky)
    assert error.value.hint == "Make f writable (a mount: without `ro`), then try again."
