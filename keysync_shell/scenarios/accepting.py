"""Put what was measured into a scenario file, in the place of the numbers that were expected. Nothing else moves."""

from __future__ import annotations

import re
from collections.abc import Iterable

from keysync_shell.scenarios.playing import Mismatch

NUMBER = re.compile(r"(?<![0-9.])[0-9]+(?![0-9])")
SINGLE = re.compile(r".*(==|<=|>=)\s*[0-9]+\s*")


def accepted(text: str, mismatches: Iterable[Mismatch]) -> tuple[str, list[Mismatch]]:
    """The text with the numbers that were measured, and the mismatches that no number can mend.

    Only a comparison with one number is rewritten: what `in_sync == $keys - 10` should be instead, a person knows.
    """
    left: list[Mismatch] = []
    done: dict[int, Mismatch] = {}
    for mismatch in sorted(mismatches, key=lambda one: one.place.start, reverse=True):
        start, end = mismatch.place.start, mismatch.place.end
        written = text[start:end]
        if mismatch.number is None or start in done or not SINGLE.fullmatch(written.strip("'\"")):
            left += [mismatch] if start not in done or done[start].number != mismatch.number else []
            continue
        *_, number = NUMBER.finditer(written)
        text = text[: start + number.start()] + str(mismatch.number) + text[start + number.end() :]
        done[start] = mismatch
    return text, left[::-1]
