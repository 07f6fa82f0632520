"""The first candidates' sentences, read once more as one text.

In its own passage a span competes with the words around it alone; here with the other candidates.
The reader has learnt from such texts (MIXED in rag.training.examples).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rag.grouping import Group, Member
from rag.types import Passage, Reading, Span

Read = Callable[[str, Sequence[Passage], int], Sequence[Reading]]

CANDIDATES = 4  # that are read once more
SPANS = 10  # proposed among them
LONGEST = 900  # characters of a sentence that are read; of a longer one AROUND the span
AROUND = 400  # characters to either side
LEAST = -12.0  # logarithm of the probability of what is not proposed


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters [start, end) of a passage's source, and where they begin in the joined text."""

    passage: Passage
    start: int
    end: int
    place: int


def reread(question: str, groups: Sequence[Group], read: Read) -> tuple[list[float], float]:
    """Read the sentences of some groups' best spans together.

    Args:
        question: what is asked.
        groups: the first CANDIDATES of them are read, the best first.
        read: the reader's; the number is that of the spans it proposes.

    Returns:
        For each of the groups the logarithm of its probability there, at least LEAST, and that of
        there being no answer.
    """
    first = groups[:CANDIDATES]
    text = ""
    pieces: list[Piece] = []
    for passage, start, end in _apart([_sentences(found.members[0]) for found in first]):
        pieces.append(Piece(passage, start, end, len(text)))
        text += passage.text[start - passage.start : end - passage.start] + "\n\n"
    places = tuple((piece.place, piece.place + piece.end - piece.start) for piece in pieces)
    joined = Passage("", 0, len(text), text, 1.0, sentences=places)
    [reading] = read(question, [joined], SPANS)
    found = [max(_probability(member, pieces, reading) for member in g.members) for g in first]
    return [*found, *[LEAST] * (len(groups) - len(first))], reading.no_answer_score


def _sentences(member: Member) -> tuple[Passage, int, int]:
    """The sentences that a span stands in."""
    passage, span = member.passage, member.span
    own = [(a, b) for a, b in passage.sentences if a < span.end and b > span.start]
    start, end = (own[0][0], own[-1][1]) if own else (span.start, span.end)
    if end - start > LONGEST:
        start, end = max(start, span.start - AROUND), min(end, span.end + AROUND)
    return passage, start, end


def _apart(stretches: Sequence[tuple[Passage, int, int]]) -> Iterator[tuple[Passage, int, int]]:
    """The stretches without those that overlap one before them in its source."""
    taken: list[tuple[str, Span]] = []
    for passage, start, end in stretches:
        if not any(s == passage.source and a < end and start < b for s, (a, b) in taken):
            taken.append((passage.source, (start, end)))
            yield passage, start, end


def _probability(member: Member, pieces: Sequence[Piece], reading: Reading) -> float:
    """The logarithm of the summed probability of the spans that share words with a member's."""
    span = member.span
    for piece in pieces:
        if (
            piece.passage.source == member.passage.source
            and piece.start <= span.start
            and span.end <= piece.end
        ):
            start, end = (place - piece.start + piece.place for place in (span.start, span.end))
            found = [s.span_score for s in reading.spans if s.start < end and s.end > start]
            return max(LEAST, float(np.logaddexp.reduce(found))) if found else LEAST
    return LEAST
