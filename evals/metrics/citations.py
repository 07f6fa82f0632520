"""Citations against gold evidence, after ALCE (Gao et al. 2023), with places in place of a judge.

ALCE asks an entailment model whether a citation supports its statement. Here a citation supports
where it shares at least half of the shorter one's characters with a piece of gold evidence. What
supports but is not listed in gold counts against us: the figures are lower bounds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag import Citation
from rag.gold import Support

_MARKERS = re.compile(r"((?:\s*\[\d+\])+)")


class Statement(NamedTuple):
    """A stretch of an answer's text and the markers of the citations that follow it."""

    text: str
    markers: tuple[int, ...]


def statements(text: str) -> list[Statement]:
    """The statements of an answer's text: each ends at its citation markers ("… [1][2]")."""
    parts = _MARKERS.split(text)
    found = [
        Statement(words.strip(), tuple(map(int, re.findall(r"\d+", marks))))
        for words, marks in zip(parts[::2], [*parts[1::2], ""], strict=True)
    ]
    return [statement for statement in found if statement.text]


def citation_precision(citations: Sequence[Citation], evidence: Sequence[Support]) -> float | None:
    """The share (0 to 1) of the citations that support; None where there are none."""
    if not citations:
        return None
    return sum(supports(one, evidence) for one in citations) / len(citations)


def citation_recall(
    text: str, citations: Sequence[Citation], evidence: Sequence[Support]
) -> float | None:
    """The share (0 to 1) of the text's statements that a citation supports; None without any."""
    made = statements(text)
    if not made:
        return None
    good = {one.marker for one in citations if supports(one, evidence)}
    return sum(not good.isdisjoint(statement.markers) for statement in made) / len(made)


def source_cited(citations: Sequence[Citation], evidence: Sequence[Support]) -> float:
    """1 where a citation is into a document that has evidence, else 0."""
    return float(not {one.source for one in citations}.isdisjoint(one.source for one in evidence))


def span_iou(citations: Sequence[Citation], evidence: Sequence[Support]) -> float | None:
    """The best intersection over union (0 to 1, in characters) of a citation and a piece of
    evidence; None without citations."""
    if not citations:
        return None
    return max(
        (
            shared / (one.end - one.start + support.end - support.start - shared)
            for one in citations
            for support in evidence
            if (shared := _shared(one, support))
        ),
        default=0.0,
    )


def supports(citation: Citation, evidence: Sequence[Support]) -> bool:
    """Whether the citation is at the place of a piece of evidence."""
    return any(
        2 * _shared(citation, one) >= min(citation.end - citation.start, one.end - one.start)
        for one in evidence
    )


def _shared(citation: Citation, support: Support) -> int:
    if citation.source != support.source:
        return 0
    return max(0, min(citation.end, support.end) - max(citation.start, support.start))
