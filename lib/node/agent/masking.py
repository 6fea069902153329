"""Masks secrets in what leaves the node: tokens, CA hashes, the data of a kubeconfig."""

import re

# As lib/record/secrets.ts has them; a test compares the two. ASCII: a letter such as "é" beside
# a token does not belong to it.
SECRETS = (
    (re.compile(r"(?a)\b[a-z0-9]{6}\.[a-z0-9]{16}\b"), "[token]"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:[hash]"),
    (re.compile(r'(-data"?: *"?)[A-Za-z0-9+/=]{16,}'), r"\1[data]"),
)


def mask(text):
    """Replace bootstrap tokens, CA hashes and the keys of a kubeconfig."""
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    return text


def whole_words(data):
    """The start of a line, without a possible first half of a secret at its end."""
    return re.sub(rb"[A-Za-z0-9+/=.:]{0,200}$", b"", data)
