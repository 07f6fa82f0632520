"""Citations: exact spans of a source, each checked before anyone sees it.

A quote is checked against the text kept at ingest, and the file it came from is looked at too.
What does not match is never shown: the check fails closed.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from rag.types import Citation, Document, Span


def cite(
    document: Document, sentences: Sequence[Span], start: int, end: int, quote: str, marker: int
) -> Citation | None:
    """Tie `quote` to `document.text[start:end]`.

    Args:
        document: the source as it was kept at ingest.
        sentences: its sentence spans in order, for the context around the quote.
        start, end: code points into the document's text.
        quote: the words as the reader saw them.
        marker: the citation's number in the answer.

    Returns:
        The citation, or None where the quote is not those exact characters.
    """
    citation = Citation(
        marker=marker,
        source=document.source,
        start=start,
        end=end,
        quote=quote,
        context=_context(document.text, sentences, start, end),
        page=_page(document, start),
        stale=is_stale(document.path, document.sha256),
    )
    return citation if verify(citation, document) else None


def verify(citation: Citation, document: Document) -> bool:
    """Whether the citation's quote is, character for character, what the document says there."""
    return (
        citation.source == document.source
        and 0 <= citation.start < citation.end <= len(document.text)
        and document.text[citation.start : citation.end] == citation.quote
    )


def is_stale(path: str, sha256: str) -> bool:
    """Whether a file is gone, unreadable or no longer the bytes that were indexed."""
    file = Path(path)
    try:
        if not file.is_file():  # a pipe put in its place would block
            return True
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() != sha256
    except OSError:
        return True


def _context(text: str, sentences: Sequence[Span], start: int, end: int) -> str:
    """From the start of the first word's sentence to the end of the last word's."""
    first = bisect_right(sentences, start, key=lambda span: span[0]) - 1
    last = bisect_right(sentences, end - 1, key=lambda span: span[0]) - 1
    left = min(sentences[first][0], start) if first >= 0 else start
    right = max(sentences[last][1], end) if last >= 0 else end
    return text[left:right]


def _page(document: Document, start: int) -> int | None:
    index = bisect_right(document.pages, start, key=lambda page: page.start) - 1
    return document.pages[index].number if index >= 0 else None
