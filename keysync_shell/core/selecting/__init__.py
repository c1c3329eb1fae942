"""Words for keys: literals, globs, ranges, sets of findings and systems."""
