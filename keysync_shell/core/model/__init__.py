"""The values that everything is about: systems, keys, tables of rows, changes, the state."""
