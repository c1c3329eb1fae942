"""KeySync Shell: a sandbox for reconciling the same business keys across several systems."""

__version__ = "0.1.0"
RELEASED = "2026-11-24"  # the day of that version, in the man page
