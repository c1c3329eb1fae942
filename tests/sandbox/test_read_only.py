"""A home that may be read only. Root may do everything, so that another process, which is somebody else, looks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
NOBODY = 65534

# Everything is imported and used before the process becomes somebody who may not even read the interpreter's files.
PRELUDE = f"""
import os, shutil, sys
from pathlib import Path
from keysync_shell.errors import KeySyncError, ReadOnlyHome
from keysync_shell.sandbox import Request
from keysync_shell.storage.oplog import Wanted
from tests.building import add, files, keys, opened, sandbox

os.chdir(sys.argv[1])
made = sandbox(Path(), A="K1", B="K2")
BEFORE
made.close()
if "new" in sys.argv:
    shutil.rmtree(".keysync")
folders = [folder for folder in (".", "systems", ".keysync") if Path(folder).is_dir()]
for folder in folders:
    os.chmod(folder, 0o555)
if os.geteuid() == 0:
    os.seteuid({NOBODY})
try:
    looking = opened(Path())
    BODY
finally:
    if os.getuid() == 0:
        os.seteuid(0)
    for folder in folders:
        os.chmod(folder, 0o755)
"""

pytestmark = pytest.mark.parametrize("seen", ["new", "old"])


def said(home: Path, seen: str, body: str, before: str = "pass") -> str:
    """What the body says of a home that it may only read; `new` without a history, `old` with one.

    `before` is what its owner does first.
    """
    program = PRELUDE.replace("BODY", body.strip().replace("\n", "\n    ")).replace("BEFORE", before)
    command = [sys.executable, "-c", program, str(home), seen]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_read_only_home_can_be_looked_at(tmp_path: Path, seen: str) -> None:
    body = "looking.refresh()\nprint(looking.begun, keys(looking.state), looking.summary().discrepancies.total)"
    assert said(tmp_path, seen, body) == "True {'A': ['K1'], 'B': ['K2']} 5"


def test_edit_of_a_read_only_home_says_so_and_changes_nothing(tmp_path: Path, seen: str) -> None:
    body = """
before = files(Path())
try:
    add(looking, "K9")
except ReadOnlyHome as error:
    print(error.message, "|", error.hint, "|", error.committed, files(Path()) == before)
"""
    message, hint, rest = said(tmp_path, seen, body).split(" | ")
    assert "Permission denied" in message
    assert "--home" in hint
    assert rest == "False True"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody may reach: SQLite wants to see the whole path of its file."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101  # pytest's own are for one user only
        yield Path(folder)


def test_history_of_a_read_only_home_is_read(open_folder: Path, seen: str) -> None:
    body = "print([operation.number for operation in looking.operations(Wanted(9))], looking.touching('K1') != [])"
    assert said(open_folder, seen, body) == {"new": "[] False", "old": "[1] True"}[seen]


@pytest.mark.parametrize("by_hand", [False, True])
def test_past_of_a_read_only_home_is_looked_at(open_folder: Path, seen: str, by_hand: bool) -> None:
    before = "add(made, 'K3', 'A'); add(made, 'K4', 'C')"
    body = """
try:
    for number in (1, 2, 3):
        print(number, keys(looking.moment(number).state), end=";")
except KeySyncError as error:
    print(error.message)
"""
    edit = "; made.close(); made.home.system_file('E').write_text('key\\nK9\\n')" if by_hand else ""
    told = said(open_folder, seen, body, before + edit)
    if seen == "new":
        assert told == "there is no operation @1"
    elif by_hand:
        assert "E.csv was edited by hand, which nobody has taken in yet" in told
    else:
        first = "1 {'A': ['K1'], 'B': ['K2']};2 {'A': ['K1', 'K3'], 'B': ['K2']};"
        assert told == first + "3 {'A': ['K1', 'K3'], 'B': ['K2'], 'C': ['K4']};"


def test_runs_and_master_keys_of_a_read_only_home_are_read(open_folder: Path, seen: str) -> None:
    body = """
looking.refresh()
with looking.records() as registry:
    print(registry.runs(), len(looking.state.master_keys))
"""
    assert said(open_folder, seen, body) == "[] 0"


def test_home_that_can_be_written_again_has_its_history_back(tmp_path: Path, seen: str) -> None:
    body = """
looking.refresh()
if os.getuid() == 0:
    os.seteuid(0)
for folder in folders:
    os.chmod(folder, 0o755)
print(len(looking.operations(Wanted(9))))
"""
    assert said(tmp_path, seen, body) == {"new": "0", "old": "1"}[seen]
