"""How much of its documents a system embeds: the tokens that the model is given, and the share of
the text that they stand for. What lies beyond the model's limit is cut, and counts for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tokenizers import Tokenizer

Span = tuple[int, int]


class Piece(NamedTuple):
    """Characters [start, end) of a file, and what the model is given for them.

    `embedded` ends with those characters; what is before them (a heading, metadata) is not text of
    the file there.
    """

    file: str
    start: int
    end: int
    embedded: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Tokens embedded, overlaps counted again, and the share (0 to 1) of the characters other than
    white space that at least one vector stands for."""

    tokens: int
    share: float


def coverage(
    pieces: Sequence[Piece], texts: Mapping[str, str], tokenizer: Tokenizer, limit: int
) -> Coverage:
    """Count what a model sees of the pieces.

    Args:
        pieces: all that is embedded.
        texts: the files' texts by name.
        tokenizer: the model's, with neither truncation nor padding.
        limit: tokens that the model takes, special ones not counted.
    """
    encodings = tokenizer.encode_batch([one.embedded for one in pieces], add_special_tokens=False)
    tokens = 0
    seen: dict[str, list[Span]] = {}
    for piece, encoding in zip(pieces, encodings, strict=True):
        tokens += min(len(encoding.ids), limit)
        unseen = 0
        if len(encoding.ids) > limit:
            unseen = len(piece.embedded) - encoding.offsets[limit - 1][1]
        seen.setdefault(piece.file, []).append((piece.start, piece.end - unseen))
    covered = sum(
        _solid(texts[file][start:end])
        for file, spans in seen.items()
        for start, end in disjoint(spans)
    )
    return Coverage(tokens, covered / sum(map(_solid, texts.values())))


def disjoint(spans: Iterable[Span]) -> list[Span]:
    """The same characters as (start, end) in order, none twice, empty spans left out."""
    result: list[Span] = []
    reached = 0
    for start, end in sorted(spans):
        if end > max(start, reached):
            result.append((max(start, reached), end))
            reached = end
    return result


def _solid(text: str) -> int:
    return sum(map(len, text.split()))
