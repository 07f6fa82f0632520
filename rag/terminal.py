"""Text of documents on a terminal."""

from __future__ import annotations

import unicodedata


def safe(text: str) -> str:
    """Text without the characters by which a document could drive or mislead the terminal."""
    return "".join(map(_safe_character, text))


def _safe_character(c: str) -> str:
    category = unicodedata.category(c)
    if category == "Cf":  # soft hyphens, joiners, marks that reverse the direction
        return ""
    return "\N{REPLACEMENT CHARACTER}" if category in {"Cc", "Cs"} and c not in "\n\t" else c
