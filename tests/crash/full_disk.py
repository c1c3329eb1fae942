"""Runs an operation on a file system with so many free bytes; wants a mount namespace of its own.

`python -m tests.crash.full_disk MOUNT_POINT` answers each number of free bytes on standard input with a JSON line.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.crash.checking import copied, expect, found
from tests.crash.operations import BY_NAME, OPERATIONS, prepared, words
from tests.crash.program import Program

SIZE = 16 << 20


def main() -> None:
    disk = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(disk)], check=True)
    scratch = disk / "scratch"
    with tempfile.TemporaryDirectory() as said, contextlib.closing(Program(said=Path(said))) as program:
        begun = prepared(program, OPERATIONS[0], scratch / "begun")
        bulk_add = expect(program, BY_NAME["bulk-add"], scratch / "bulk-add", begun)
        for line in sys.stdin:
            folder = copied(bulk_add.before, disk / "work")
            filler = _filled(disk, int(line))
            ended = program.run(folder, words(bulk_add.operation.words))
            filler.unlink()
            name, complaint = found(program, bulk_add, folder)
            answer = {"status": ended.status, "err": ended.err, "found": name, "complaint": complaint}
            print(json.dumps(answer), flush=True)
            shutil.rmtree(folder)


def _filled(disk: Path, free: int) -> Path:
    """A file that leaves only so many bytes."""
    filler = disk / "filler"
    status = os.statvfs(disk)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - free)
    return filler


if __name__ == "__main__":
    main()
