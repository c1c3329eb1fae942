"""Decisions: pure functions over immutable values. No files, clock, randomness or printing here."""
