"""Effects: files and SQLite. Nothing is decided here."""
