"""Which normalization rules are in force. Kept apart from their working so that reading a configuration is cheap."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """Which normalization rules apply. `pad_numbers` is the width in digits, 0 for off."""

    trim: bool = True
    uppercase: bool = True
    collapse_delimiters: bool = True
    strip_other: bool = True
    pad_numbers: int = 0
