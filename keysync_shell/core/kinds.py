"""The kinds of findings. Apart from the checks, so that help can name them without Polars."""

# Each kind of finding, and the name under which its number stands in the counts.
KINDS = {
    "gap": "gaps",
    "unauthorized": "unauthorized",
    "duplicate": "duplicates",
    "variant": "variants",
    "malformed": "malformed",
}
