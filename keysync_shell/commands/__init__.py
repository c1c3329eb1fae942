"""One plain function per command. The catalogue names them; nothing here knows cmd2 or prints."""
