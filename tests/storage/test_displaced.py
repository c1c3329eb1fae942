from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from keysync_shell.config import Config
from keysync_shell.sandbox import Sandbox
from keysync_shell.storage import displaced
from keysync_shell.storage.displaced import KEPT_NS
from keysync_shell.storage.home import Home
from tests.building import add, files, keys, sandbox

MARK = "0123456789abcdef"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox with K1 in A, where nobody can tell who has a file open."""
    monkeypatch.delattr(fcntl, "F_SETLEASE", raising=False)
    return sandbox(tmp_path, A="K1")


def aside(root: Path) -> list[str]:
    """The contents of what was put aside."""
    return sorted(path.read_text() for path in (root / ".keysync" / "displaced").iterdir())


def put_aside(home: Home, text: str) -> None:
    """A displaced file of A, later than any before by the clock of the file system."""
    path, last = home.root / "x", home.root.stat().st_ctime_ns
    path.write_text(text)
    while path.stat().st_ctime_ns == last:
        path.touch()
    displaced.put_aside(home, path, "A", MARK)
    assert not path.exists()


def test_displaced_file_is_kept_out_of_sight(made: Sandbox, tmp_path: Path) -> None:
    before = files(tmp_path)["A.csv"].decode()
    assert add(made, "K2", "A").kept == ()
    assert before in aside(tmp_path)
    assert sorted(files(tmp_path)) == [f"{name}.csv" for name in "ABCDE"]


def test_tail_of_a_slow_writer_gets_a_name_that_is_told(made: Sandbox, tmp_path: Path) -> None:
    with made.home.system_file("A").open("ab", buffering=0) as file:
        add(made, "K2", "A")
        file.write(b"K3,,A,active\n")
    made.refresh()
    [kept] = (tmp_path / "systems").glob("A.csv.external-*")
    assert kept.read_text().endswith("K3,,A,active\n")
    assert made.warnings == [f"another program's version was kept as {kept}"]
    assert keys(made.state)["A"] == ["K1", "K2"]


def test_what_nobody_touches_is_dropped_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path, Config())
    home.private.mkdir()
    put_aside(home, "old")
    now = time.time_ns()
    for later, left in ((KEPT_NS // 2, ["old"]), (2 * KEPT_NS, [])):
        monkeypatch.setattr(time, "time_ns", lambda later=later: now + later)
        assert displaced.sweep(home) == []
        assert aside(tmp_path) == left


@pytest.mark.parametrize(("most", "amount"), [("MOST_FILES", 2), ("MOST_BYTES", 7)])
def test_no_more_is_kept_than_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: str, amount: int) -> None:
    monkeypatch.setattr(displaced, most, amount)
    home = Home(tmp_path, Config())
    home.private.mkdir()
    for text in ("1", "22", "333", "4444"):
        put_aside(home, text)
    displaced.sweep(home)
    assert aside(tmp_path) == ["333", "4444"]
    put_aside(home, "large as it is")
    displaced.sweep(home)
    assert "large as it is" in aside(tmp_path)


def test_file_with_two_names_after_a_power_loss_has_one_again(tmp_path: Path) -> None:
    home = Home(tmp_path, Config())
    home.private.mkdir()
    put_aside(home, "old")
    [path] = home.displaced[0].iterdir()
    os.link(path, tmp_path / "x")
    displaced.put_aside(home, tmp_path / "x", "A", MARK)
    assert not (tmp_path / "x").exists()
    assert aside(tmp_path) == ["old"]


def test_foreign_file_in_the_folder_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path, Config())
    for folder in home.displaced:
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text("mine")
    monkeypatch.setattr(displaced, "KEPT_NS", -1)
    displaced.sweep(home)
    assert [(folder / "notes.txt").read_text() for folder in home.displaced] == ["mine", "mine"]


def test_systems_on_a_file_system_of_their_own_keep_theirs_there(made: Sandbox, tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at hand")
    import tempfile

    with tempfile.TemporaryDirectory(dir=elsewhere) as folder:
        (tmp_path / "systems").rename(tmp_path / "away")
        for path in (tmp_path / "away").iterdir():
            (Path(folder) / path.name).write_bytes(path.read_bytes())
        (tmp_path / "systems").symlink_to(folder)
        add(made, "K2", "A")
        assert len(list((Path(folder) / ".displaced").iterdir())) == 1


def test_tail_is_named_by_a_command_that_only_checks(made: Sandbox) -> None:
    with made.home.system_file("A").open("ab", buffering=0) as file:
        add(made, "K2", "A")
        file.write(b"K3,,A,active\n")
    made.check()
    assert [warning for warning in made.warnings if "was kept as" in warning]
