"""The page of a run in a real browser: it fits the window, and nothing that a key says happens."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from keysync_shell.reconcile.page import page
from tests.building import systems
from tests.reconcile.building import ran
from tests.reconcile.test_page import HOSTILE

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
MEASURED = "<script>document.title = document.documentElement.scrollWidth + ' ' + window.innerWidth</script></body>"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="neither chromium nor google-chrome is installed")


def in_browser(folder: Path, text: str, width: int) -> str:
    """The document as the browser has it after running whatever is in it."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    where = (folder / "page.html").as_uri()
    command = [str(BROWSER), *options, f"--window-size={width},800", "--dump-dom", where]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.parametrize("width", [1280, 500])
def test_page_fits_the_window(tmp_path: Path, width: int) -> None:
    many = [f"K{number}" for number in range(0, 900, 2)]
    state = systems(A=many, B=["k1", "X!" * 90], C=["X1", "X1"], D=[f"OTHER-{n:05}" for n in range(0, 900, 2)])
    shown = page(ran(state)).replace("<details>", "<details open>").replace("</body>", MEASURED)
    measured = re.search(r"<title>(\d+) (\d+)</title>", in_browser(tmp_path, shown, width))
    assert measured, "the browser did not measure the page"
    assert int(measured[1]) <= int(measured[2])


def test_nothing_that_a_key_says_happens(tmp_path: Path) -> None:
    keys = [*HOSTILE, "<script>document.title = 'owned'</script>", "<img src=x onerror=\"document.title='owned'\">"]
    state = systems(A=keys, B=[f"X1{key}" for key in keys], D=[f"{key}2" for key in keys])
    dom = in_browser(tmp_path, page(ran(state)), 1280)
    assert "<title>Reconciliation run 1</title>" in dom
    assert "<script" not in dom
    assert "<img" not in dom
