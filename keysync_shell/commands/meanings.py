"""What somebody meant who wrote another word: by its letters, or by what it means elsewhere."""

from __future__ import annotations

from collections.abc import Collection

COMMANDS = {
    "add-key": ("insert", "put", "append"),
    "apply": ("fix", "heal", "resolve"),
    "blame": ("who",),
    "check": ("verify", "validate", "doctor", "fsck"),
    "clear": ("cls",),
    "copy-key": ("cp",),
    "corrupt": ("damage", "break"),
    "discrepancies": ("gaps", "missing", "errors", "problems", "issues", "findings", "duplicates", "variants"),
    "explain": ("why",),
    "export-state": ("share", "send"),
    "help": ("man", "usage", "commands", "topics"),
    "init": ("create", "new", "start", "begin"),
    "list": ("ls", "show", "get", "keys", "find", "search", "select", "view"),
    "load-state": ("load", "open", "checkout"),
    "log": ("history",),
    "mock": ("generate", "fake"),
    "modify-key": ("set", "edit", "change", "update", "rename", "respell"),
    "move-key": ("mv",),
    "quit": ("bye", "leave", "q", ":q", "logout"),
    "redo": ("again",),
    "remove-key": ("delete", "del", "rm", "drop", "erase", "discard"),
    "reset": ("wipe", "empty"),
    "sample": ("demo", "example", "tutorial"),
    "run": ("script", "execute", "exec"),
    "save-state": ("save", "snapshot", "backup", "store"),
    "states": ("snapshots",),
    "status": ("info", "count", "counts", "summary", "stats", "totals"),
    "undo": ("rollback", "cancel", "back"),
}
OPTIONS = {
    "--all": ("--everything", "--full", "--no-limit"),
    "--dry-run": ("--preview", "--simulate", "--noop", "--what-if"),
    "--format json": ("--json", "-j"),
    "--format csv": ("--csv",),
    "--format markdown": ("--markdown", "--md"),
    "--limit": ("--max", "--head", "--top", "-n"),
    "--output": ("--file", "--out", "--save", "-o"),
    "--systems": ("--in", "--into", "--on", "--where", "--source", "--target"),
    "--yes": ("--confirm", "--assume-yes", "--no-prompt", "--quiet", "-q"),
}


def meaning(word: str) -> str | None:
    """The command that has this name elsewhere."""
    return _elsewhere(word, COMMANDS)


def near(word: str, names: Collection[str]) -> str | None:
    """The name that was probably meant, of a command or an option, which may have a value; None without a guess."""
    other = _elsewhere(word, OPTIONS if word.startswith("-") else COMMANDS)
    if other is not None and other.partition(" ")[0] in names:
        return other
    from difflib import get_close_matches

    return next(iter(get_close_matches(word.lower(), list(names), n=1, cutoff=0.6)), None)


def _elsewhere(word: str, table: dict[str, tuple[str, ...]]) -> str | None:
    return next((name for name, words in table.items() if word.lower() in words), None)
