r"""Golden sessions: each file of tests/cases is a conversation with the shell, to be read as a newcomer would.

    # a remark                 stays as it is
    < keys.txt                 makes a file of the lines that follow, up to an empty one; \x1b and the like are escapes
    > add-key @keys.txt        types a line; below it stands what is seen on both streams
    [exit 2]                   follows where the status is not 0; an empty line ends it

A file that is dropped in is a test. `pytest --rewrite-cases` writes down what is seen now; read the difference.
The folder of the sandbox, where the files are made, is shown as HOME.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.talking import Talk

CASES = Path(__file__).parent / "cases"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@pytest.mark.parametrize("path", sorted(CASES.glob("*.txt")), ids=lambda path: path.stem)
def test_case(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    seen = played(path.read_text(encoding="utf-8"), home)
    if request.config.getoption("--rewrite-cases"):
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8")
    assert "should not have happened" not in seen, "a fault of the program stands in a session"
    assert not RAW.search(seen), "a character came through that a terminal obeys or does not show"


def played(case: str, home: Path) -> str:
    """The case with what is seen now."""
    talk = Talk(home)
    blocks = [_played(head, body, talk, home) for head, *body in _blocks(case)]
    talk.shell.sandbox.close()
    return "\n\n".join(blocks).replace(str(home), "HOME") + "\n"


def _blocks(case: str) -> Iterator[list[str]]:
    """Remarks, files with their contents, and typed lines; what was seen before is left out."""
    lines = iter(case.splitlines())
    for line in lines:
        if line.startswith(("# ", "> ")):
            yield [line]
        elif line.startswith("< "):
            yield [line, *itertools.takewhile(bool, lines)]


def _played(head: str, body: list[str], talk: Talk, home: Path) -> str:
    mark, rest = head[0], head[2:]
    if mark == "<":
        content = "".join(f"{line}\n" for line in body)
        (home / rest).write_bytes(_unescaped(content))
    if mark != ">":
        return "\n".join([head, *body])
    said = talk.say(rest)
    status = [f"[exit {said.status}]"] if said.status else []
    text = said.text.rstrip("\n").split("\n") if said.text else []
    return "\n".join([head, *text, *status]).replace("\n\n", "\n \n")


def _unescaped(content: str) -> bytes:
    return re.sub(
        r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\[tr]", lambda found: codecs.decode(found[0], "unicode_escape"), content
    ).encode()
