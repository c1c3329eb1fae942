"""The journal of a run: what was played, line by line, so that a run can be looked at, and gone on with after a kill.

<run>/run.json        what is run: name, file, params, the base operation, and the texts that the run began with
<run>/journal.jsonl   a line for each action that is begun or was carried out, and for each pause
<run>/lock            held by the process that plays it
<run>/stage/          the stage: a sandbox of its own
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from keysync_shell.errors import KeySyncError
from keysync_shell.scenarios.places import Place
from keysync_shell.scenarios.playing import Mismatch, Played, Result
from keysync_shell.scenarios.reporting import Verdict
from keysync_shell.storage.files import explained

VERSION = 1
RUN, JOURNAL, LOCK, STAGE = "run.json", "journal.jsonl", "lock", "stage"


@dataclass(frozen=True)
class Begun:
    """What a run began with.

    `file` is the scenario's name in messages, `path` where it lay; `operation` and `digest` are those of the home then;
    `on_fail` and `step` say how it goes.
    """

    name: str
    file: str
    path: str
    values: Mapping[str, str]
    time: str
    operation: int
    digest: str
    on_fail: str
    step: bool
    keep: bool
    texts: Mapping[str, str] = field(default_factory=dict)
    version: int = VERSION


@dataclass(frozen=True)
class Started:
    """A step that changes the stage was begun; if nothing follows, it was cut."""

    count: int


@dataclass(frozen=True)
class Recorded:
    """An action that was carried out, with the marks and numbers that the next ones look at."""

    played: Played
    marks: Mapping[str, str]
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class Paused:
    """A pause, and the newest operation of the stage when it began; `over` when the run went on."""

    operation: int
    over: bool = False


@dataclass(frozen=True)
class Ended:
    """How a run ended, what the systems then held, and how many seconds it took."""

    verdict: Verdict
    digest: str
    seconds: float


Entry = Started | Recorded | Paused | Ended
KINDS: Mapping[type[Entry], str] = {Started: "started", Recorded: "played", Paused: "paused", Ended: "ended"}


@dataclass(frozen=True)
class Journal:
    """The journal in one folder. Lines are appended and never changed; a torn last line was never written."""

    folder: Path

    @property
    def stage(self) -> Path:
        return self.folder / STAGE

    def begin(self, begun: Begun) -> None:
        """Write down what is run. Raises KeySyncError if there is no room."""
        temporary = self.folder / f".{RUN}.tmp"
        temporary.write_text(json.dumps(asdict(begun), ensure_ascii=True, indent=1), encoding="utf-8")
        temporary.replace(self.folder / RUN)

    def begun(self) -> Begun:
        """Raises KeySyncError for a run of another version, or one that cannot be read."""
        try:
            data = json.loads((self.folder / RUN).read_text(encoding="utf-8"))
            if data.get("version") != VERSION:
                raise ValueError(f"format {data.get('version')}")
            return Begun(**{name: value for name, value in data.items() if name in Begun.__dataclass_fields__})
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise KeySyncError(
                f"{self.folder / RUN} cannot be read: {error}", hint="Remove the folder, and run the scenario again."
            ) from None

    def append(self, entry: Entry) -> None:
        """Add a line. It outlives kill -9; a power loss may take it, and then the run begins anew."""
        line = json.dumps({"kind": KINDS[type(entry)], **asdict(entry)}, ensure_ascii=True)
        failing = "the run cannot go on: its journal cannot be written"
        with explained(failing), (self.folder / JOURNAL).open("ab") as file:
            file.write(f"{line}\n".encode("ascii"))

    def entries(self) -> list[Entry]:
        """Every line that is whole, oldest first."""
        try:
            lines = (self.folder / JOURNAL).read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        return [_entry(json.loads(line)) for line in lines[:-1]]  # behind the last line end there is at most a torn one

    def mend(self) -> None:
        """Take a torn last line away, so that the next one stands alone."""
        with contextlib.suppress(FileNotFoundError), (self.folder / JOURNAL).open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other processes away from the run; whoever dies lets go of it.

        Raises KeySyncError if another one is at it.
        """
        with (self.folder / LOCK).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise KeySyncError(
                    f"another process is at run {self.folder.name}", hint="Wait until it has ended, or end it."
                ) from None
            yield


def _entry(data: dict[str, Any]) -> Entry:
    match data.pop("kind"):
        case "started":
            return Started(**data)
        case "paused":
            return Paused(**data)
        case "ended":
            return Ended(**{**data, "verdict": Verdict(data["verdict"])})
    played = data["played"]
    mismatches = tuple(
        Mismatch(
            **{
                **one,
                "place": Place(**one["place"]),
                "missing": tuple(one["missing"]),
                "surplus": tuple(one["surplus"]),
            }
        )
        for one in played["mismatches"]
    )
    values = {**played, "place": Place(**played["place"]), "result": Result(played["result"]), "mismatches": mismatches}
    return Recorded(Played(**values), data["marks"], data["numbers"])
