"""KeySync Shell: a sandbox for reconciling the same business keys across several systems."""

__version__ = "0.1.0"
