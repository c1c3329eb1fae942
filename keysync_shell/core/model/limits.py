"""How much one command may ask for. Checked before work starts; each error names the setting to change."""

from __future__ import annotations

from dataclasses import dataclass

from keysync_shell.errors import KeySyncError


@dataclass(frozen=True)
class Limits:
    """Counts, and sizes in bytes; the names are the settings under `[limits]` in keysync.toml."""

    keys_per_system: int = 5_000_000
    keys_per_command: int = 1_000_000
    key_bytes: int = 4096
    file_bytes: int = 1 << 30
    regex_chars: int = 1000

    def check(self, setting: str, amount: int, what: str) -> None:
        """Raise KeySyncError if the amount is over the limit of that name."""
        limit = getattr(self, setting)
        if amount > limit:
            raise KeySyncError(
                f"{what}: {amount:,} is over the limit of {limit:,}",
                hint=f"Ask for less, or set {setting} under [limits] in keysync.toml.",
            )
