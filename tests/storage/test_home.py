from __future__ import annotations

from pathlib import Path

from keysync_shell.config import Config
from keysync_shell.storage.home import Home

ROOT = Path("/sandbox")


def test_everything_lives_under_the_sandbox_folder() -> None:
    home = Home(ROOT, Config())
    assert home.system_file("A") == ROOT / "systems" / "A.csv"
    assert home.staged_file("A", "ff") == ROOT / "systems" / ".A.csv.ff.new"
    assert home.kept_file("A", "ff") == ROOT / "systems" / "A.csv.external-ff"
    assert home.snapshots == ROOT / "snapshots"
    private = (home.database, home.lock, home.cache, home.typed)
    assert {path.parent for path in private} == {ROOT / ".keysync"}


def test_snapshots_may_be_kept_elsewhere() -> None:
    assert Home(ROOT, Config(snapshots="old/ones")).snapshots == ROOT / "old" / "ones"
    assert Home(ROOT, Config(snapshots="/srv/ones")).snapshots == Path("/srv/ones")
