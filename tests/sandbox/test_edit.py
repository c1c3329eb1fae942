from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from keysync_shell.core.edits import adding, removing, replacing, respelling
from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.model import table
from keysync_shell.core.model.counts import Counts
from keysync_shell.core.model.state import State
from keysync_shell.errors import Declined, KeySyncError, LockTimeout
from keysync_shell.sandbox import Outcome, Request, Sandbox
from keysync_shell.storage import lock
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.oplog import Wanted
from tests.building import NOW, add, files, keys, opened, query, rows, sandbox


def removal(word: str) -> Callable[[State], Edit]:
    return lambda state: removing.remove(state, query(word), ("A",))


def addition(words: str, names: str = "A") -> Callable[[State], Edit]:
    return lambda state: adding.add(state, table.key_series(words.split()), tuple(names), now=NOW)


def request(**options: bool | Callable[[Outcome], bool]) -> Request:
    return Request(OperationKind.ADD, "add-key", "test", **options)  # type: ignore[arg-type]  # as the caller names them


def test_edit_is_on_disk_and_in_the_log(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1", B="K1")
    outcome = add(made, "K2", "A,B")
    [newest, _] = made.operations(Wanted(9))
    assert outcome.operation
    assert made.newest
    assert outcome.operation.number == made.newest.number == newest.number
    assert (newest.number, newest.time, newest.kind, newest.line) == (2, NOW, "add", "add-key K2 --systems A,B")
    assert (newest.user, newest.host, newest.source, made.author()) == ("ada", "lab", "test", "ada@lab")
    assert newest.counts == {"A": Counts(1, 0, 0), "B": Counts(1, 0, 0)}
    assert [totals["gaps"] for totals in newest.discrepancies] == [3, 6]
    assert files(tmp_path)["B.csv"].splitlines()[1:] == [f"{key},{NOW},B,active".encode() for key in ("K1", "K2")]


def test_another_process_sees_the_edit(tmp_path: Path) -> None:
    made, other = sandbox(tmp_path, A="K1"), opened(tmp_path)
    add(made, "K2", "A")
    other.refresh()
    assert keys(other.state) == {"A": ["K1", "K2"]}
    add(other, "K3", "B")
    made.refresh()
    assert made.state == other.state
    assert made.newest
    assert other.newest
    assert (made.newest.number, made.newest.after) == (other.newest.number, other.newest.after)


def test_edit_is_decided_on_what_others_did_meanwhile(tmp_path: Path) -> None:
    made, other = sandbox(tmp_path, A="K1"), opened(tmp_path)
    add(other, "K2", "A")
    assert add(made, "K2 K3", "A").counts == {"A": Counts(1, 0, 0)}


def test_edit_that_changes_nothing_is_no_operation(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    outcome = add(made, "K1", "A")
    assert not outcome.committed
    assert made.newest
    assert made.newest.number == 1


def test_only_the_files_that_change_are_written(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1", B="K1")
    before = {path.name: path.stat().st_ino for path in (tmp_path / "systems").iterdir()}
    add(made, "K2", "B")
    after = {path.name: path.stat().st_ino for path in (tmp_path / "systems").iterdir()}
    assert {name for name, inode in after.items() if inode != before[name]} == {"B.csv"}


def test_dry_run_says_the_same_and_changes_nothing(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    before = files(tmp_path)
    dry = made.edit(addition("K2"), request(dry_run=True))
    assert files(tmp_path) == before
    assert keys(made.state) == {"A": ["K1"]}
    assert not dry.committed
    real = made.edit(addition("K2"), request())
    assert (dry.counts, dry.before, dry.after) == (real.counts, real.before, real.after)


def test_nothing_is_done_that_is_not_approved(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    with pytest.raises(Declined) as error:
        made.edit(removal("K1"), request(approve=lambda _: False))
    assert (error.value.code, error.value.committed) == (2, False)
    assert keys(made.state) == {"A": ["K1"]}


def test_only_what_loses_rows_or_replaces_some_is_asked_about(tmp_path: Path) -> None:
    made, asked = sandbox(tmp_path, A="K1"), list[Outcome]()

    def refuse(outcome: Outcome) -> bool:
        asked.append(outcome)
        return False

    made.edit(addition("K2"), request(approve=refuse))
    made.edit(addition("K3"), request(approve=refuse, destroys=True))
    made.edit(lambda state: respelling.rename(state, "A", {"K1": "k1"}), request(approve=refuse))
    assert asked == []
    with pytest.raises(Declined):
        made.edit(lambda state: respelling.rename(state, "A", {"k1": "K2"}), request(approve=refuse))
    with pytest.raises(Declined):
        made.edit(lambda state: respelling.rename(state, "A", {"k1": "K1"}), request(approve=refuse, destroys=True))
    assert [outcome.lost for outcome in asked] == [{"A": 1}, {}]


def test_change_of_which_nothing_is_said_loses_the_rows_of_keys_that_go(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    with pytest.raises(Declined):
        made.edit(lambda state: replacing.replace(state, {"A": rows("K2")}), request(approve=lambda _: False))


def test_who_approves_is_shown_what_would_happen_and_the_lock_is_free(tmp_path: Path) -> None:
    made, shown = sandbox(tmp_path, A="K1"), list[Outcome]()

    def approve(outcome: Outcome) -> bool:
        shown.append(outcome)
        with lock.held(tmp_path / ".keysync" / "lock", 0):
            return True

    assert made.edit(removal("K1"), request(approve=approve)).committed
    assert [outcome.counts for outcome in shown] == [{"A": Counts(removed=1)}]


def test_other_change_than_the_one_approved_is_asked_about_again(tmp_path: Path) -> None:
    made, other, asked = sandbox(tmp_path, A="K1 K2 X"), opened(tmp_path), list[int]()

    def approve(outcome: Outcome) -> bool:
        asked.append(outcome.counts["A"].removed)
        add(other, "K3", "A")
        return True

    made.edit(removal("K*"), request(approve=approve))
    assert asked == [2, 3]
    assert keys(made.state) == {"A": ["X"]}


def test_outside_edit_during_a_command_is_taken_in_first(tmp_path: Path) -> None:
    made, path = sandbox(tmp_path, A="K1"), tmp_path / "systems" / "A.csv"
    lines = iter([b"K7,,A,active\n"])

    def decide(state: State) -> Edit:
        path.write_bytes(path.read_bytes() + next(lines, b""))
        return addition("K9")(state)

    made.edit(decide, request())
    assert keys(made.state) == {"A": ["K1", "K7", "K9"]}
    assert [operation.kind for operation in made.operations(Wanted(9))] == ["add", "external", "init"]


def test_files_that_never_rest_are_an_error(tmp_path: Path) -> None:
    made, path = sandbox(tmp_path, A="K1"), tmp_path / "systems" / "A.csv"

    def decide(state: State) -> Edit:
        path.write_bytes(path.read_bytes() + f"K{path.stat().st_size},,A,active\n".encode())
        return addition("K0")(state)

    with pytest.raises(KeySyncError, match="change faster than this command can be carried out") as error:
        made.edit(decide, request())
    assert error.value.hint
    made.refresh()
    assert "K0" not in keys(made.state)["A"]


def test_failed_decision_changes_nothing_and_frees_the_lock(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    with pytest.raises(KeySyncError):
        made.edit(lambda state: removing.remove(state, query("K9"), ("A",)), request())
    assert add(made, "K2", "A").committed
    assert not list((tmp_path / "systems").glob(".*"))


def test_unknown_key_comes_with_those_that_were_meant(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="CUST-00001 CUST-00002", B="cust_00009")
    for word, meant in (("CUST-00003", "CUST-00001, CUST-00002"), ("CUST-00009", "cust_00009")):
        with pytest.raises(KeySyncError) as error:
            made.edit(lambda state, word=word: removing.remove(state, query(word), ("A", "B")), request())  # type: ignore[misc]  # bound in the loop
        assert error.value.hint.startswith("Did you mean ")
        assert set(meant.split(", ")) <= set(re.split(r"[ ,?]+", error.value.hint))


def test_unknown_key_like_no_other_comes_without(tmp_path: Path) -> None:
    with pytest.raises(KeySyncError) as error:
        sandbox(tmp_path, A="K1").edit(lambda state: removing.remove(state, query("zzzz"), ("A",)), request())
    assert error.value.hint == "`list` shows the keys."


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text("[limits]\nkeys_per_system = 2\n")
    made = sandbox(tmp_path, A="K1")
    with pytest.raises(KeySyncError, match="rows in A: 3 is over the limit of 2"):
        add(made, "K2 K3", "A")
    assert keys(made.state) == {"A": ["K1"]}


def test_sandbox_begins_only_where_that_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(KeySyncError, match="there is no sandbox in") as error:
        add(opened(tmp_path), "K1")
    assert "`init`" in error.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "attempt",
    [
        Sandbox.refresh,
        lambda made: made.undo(Request(OperationKind.UNDO, "", "")),
        lambda made: made.operations(Wanted(1)),
    ],
)
def test_looking_where_no_sandbox_is_creates_nothing(tmp_path: Path, attempt: Callable[[Sandbox], object]) -> None:
    with pytest.raises(KeySyncError, match="there is no sandbox in"):
        attempt(opened(tmp_path))
    opened(tmp_path).look()
    assert (opened(tmp_path).begun, opened(tmp_path).newest, opened(tmp_path).undoable()) == (False, None, None)
    assert list(tmp_path.iterdir()) == []


def test_sandbox_makes_its_folders(tmp_path: Path) -> None:
    made = sandbox(tmp_path / "a" / "b", A="K1")
    assert made.begun
    assert (tmp_path / "a" / "b" / ".keysync").stat().st_mode & 0o777 == 0o700


def test_home_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(KeySyncError, match="home is not a folder") as error:
        sandbox(tmp_path / "home", A="K1")
    assert "--home" in error.value.hint
    with pytest.raises(KeySyncError, match="there is no sandbox in"):
        opened(tmp_path / "home").refresh()


def test_systems_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "systems").write_text("")
    with pytest.raises(KeySyncError) as error:
        sandbox(tmp_path, A="K1")
    assert error.value.committed is False
    assert (tmp_path / "systems").read_text() == ""


def test_sandbox_in_use_is_waited_for_only_so_long(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    made.wait(0)
    with lock.held(tmp_path / ".keysync" / "lock", 0), pytest.raises(LockTimeout, match="is in use"):
        add(made, "K2")
    assert add(made, "K2").committed


def test_files_keep_their_mode(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    os.chmod(tmp_path / "systems" / "A.csv", 0o640)  # noqa: PTH101  # as a user would
    add(made, "K2", "A")
    assert (tmp_path / "systems" / "A.csv").stat().st_mode & 0o777 == 0o640


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text("[limits]\nfile_bytes = 200\n")
    made = sandbox(tmp_path, A="K1")
    with pytest.raises(KeySyncError, match="over the limit of 200"):
        add(made, "K2 K3 K4 K5 K6 K7 K8")


def test_key_that_could_not_be_read_again_is_not_committed(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text("[limits]\nkey_bytes = 4\n")
    made = sandbox(tmp_path, A="K1 K999")
    before = files(tmp_path)
    with pytest.raises(KeySyncError, match="the longest key in A in bytes: 5 is over the limit of 4"):
        add(made, "K1000", "A")
    assert files(tmp_path) == before
    opened(tmp_path).refresh()
