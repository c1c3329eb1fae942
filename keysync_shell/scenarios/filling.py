"""Fill `$name` in. `$$` is a dollar; a dollar that no name follows is one as well, so regexes need no care."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

NAMES = re.compile(r"\$(\$|[a-z][a-z0-9_]*)")


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the values of its names. Raises KeyError for a name without a value."""
    return NAMES.sub(lambda match: "$" if match[1] == "$" else values[match[1]], str(text))


def unknown(text: str, names: Iterable[str]) -> str:
    """What is wrong with the names that a text mentions; empty if each has a value."""
    names = list(names)
    for match in NAMES.finditer(text):
        if match[1] != "$" and match[1] not in names:
            near = difflib.get_close_matches(match[1], names, n=1, cutoff=0.6)
            meant = f"did you mean ${near[0]}?" if near else "write $$ for a dollar, or add it to params"
            return f"no param is called ${match[1]}; {meant}"
    return ""
