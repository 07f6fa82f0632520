"""Cut a document into chunks of whole sentences that do not overlap, each within a token budget.

A chunk is what gets embedded and indexed; what an answer is read from is a passage, built from
neighbouring chunks at question time (see ranking). Chunks are therefore short, and need no
overlap: ranking looks over their edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from rag.sentences import split_sentences

Span = tuple[int, int]
TokenCounter = Callable[[Sequence[str]], list[int]]

# Characters, about three sentences; measured best for finding and returning (docs/LOG.md).
SIZE = 450
# Part of the index's fingerprint: change the number with anything that changes the spans.
CHUNKER = f"sentences-{SIZE}-1"


def chunk_document(
    text: str, count_tokens: TokenCounter, max_tokens: int
) -> tuple[list[Span], list[Span]]:
    """Return a text's sentences and its chunks, both as (start, end) in order."""
    sentences = split_sentences(text)
    return sentences, chunk_spans(text, sentences, count_tokens, size=SIZE, max_tokens=max_tokens)


def chunk_spans(
    text: str,
    sentences: Sequence[Span],
    count_tokens: TokenCounter,
    *,
    size: int,
    max_tokens: int,
) -> list[Span]:
    """Return the (start, end) of each chunk, in order, disjoint; together they cover all sentences.

    Sentences are packed while a chunk stays within `size` characters. One above `size` is a chunk
    of its own while it is below twice that; a longer one (a table, a line without end) is cut at
    white space, or inside a word where there is none. No chunk has more than `max_tokens` by
    `count_tokens`, which takes a batch of texts and leaves special tokens out; a single character
    is never cut. Raises ValueError unless size and max_tokens are positive.
    """
    if size <= 0 or max_tokens <= 0:
        raise ValueError("chunking needs a positive size and max_tokens")
    units = [piece for sentence in sentences for piece in _pieces(text, sentence, size)]
    return sorted(_fit(text, _pack(units, size), count_tokens, max_tokens))


def _pieces(text: str, span: Span, size: int) -> list[Span]:
    """Cut one sentence into even pieces of at most about `size` where it has twice that."""
    start, end = span
    if end - start < 2 * size:
        return [span]
    count = -(-(end - start) // size)
    step = (end - start) / count
    # A cut looks for white space in the last quarter of its piece only, which keeps this linear.
    cuts = [
        _cut(text, start + round(step * (i - 0.25)), start + round(step * i))
        for i in range(1, count)
    ]
    return _between(text, start, end, cuts)


def _cut(text: str, low: int, high: int) -> int:
    """The last place between `low` and `high` just after white space, or `high`."""
    for place in range(high, low, -1):
        if text[place - 1].isspace():
            return place
    return high


def _between(text: str, start: int, end: int, cuts: Sequence[int]) -> list[Span]:
    """The pieces between cuts, without outer whitespace, empty ones left out."""
    pieces = []
    for a, b in pairwise([start, *cuts, end]):
        piece = text[a:b]
        if piece and not piece.isspace():
            left = a + len(piece) - len(piece.lstrip())
            pieces.append((left, left + len(piece.strip())))
    return pieces


def _pack(units: Sequence[Span], size: int) -> list[Span]:
    """Join neighbouring units into chunks of at most `size` (one unit may be larger)."""
    chunks: list[Span] = []
    for start, end in units:
        if chunks and end - chunks[-1][0] <= size:
            chunks[-1] = (chunks[-1][0], end)
        else:
            chunks.append((start, end))
    return chunks


def _fit(
    text: str, chunks: Sequence[Span], count_tokens: TokenCounter, max_tokens: int
) -> list[Span]:
    """Halve chunks above the token budget until all fit, in batches."""
    fitted: list[Span] = []
    pending = list(chunks)
    while pending:
        counts = count_tokens([text[a:b] for a, b in pending])
        halves: list[Span] = []
        for (a, b), count in zip(pending, counts, strict=True):
            if count <= max_tokens or b - a == 1:
                fitted.append((a, b))
            else:
                middle = (a + b + 1) // 2
                cut = _cut(text, a + (b - a) // 4, middle)
                halves += _between(text, a, b, [cut])
        pending = halves
    return fitted
