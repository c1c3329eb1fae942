"""Values → text, JSON, CSV, Markdown. What a command returned is decided; here it only finds words."""
