"""The kinds of findings. Apart from the checks, so that help can name them without Polars."""

# Each kind of finding, and the name under which its number stands in the counts.
KINDS = {
    "gap": "gaps",
    "unauthorized": "unauthorized",
    "duplicate": "duplicates",
    "variant": "variants",
    "malformed": "malformed",
}

# What each of them is, in a sentence.
MEANINGS = {
    "gap": "The authority holds the key, this system does not.",
    "unauthorized": "These systems hold the key, the authority does not.",
    "duplicate": "This system holds the key in several rows.",
    "variant": "This system spells the key as the authority does not.",
    "malformed": "The spelling holds characters that no key should have.",
}
