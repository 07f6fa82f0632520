"""The first candidates' sentences, read once more as one text.

In its own passage a span competes with the words around it alone; here with the other candidates.
The reader has learnt from such texts (MIXED in rag.training.examples).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rag.grouping import Group, Member
from rag.types import Passage, Reading, Span

Read = Callable[[str, Sequence[Passage], int], Sequence[Reading]]
Stretch = tuple[Passage, int, int]  # characters [start, end) of a passage's source

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
    joined, pieces = join([found.members[0] for found in first])
    [reading] = read(question, [joined], SPANS)
    found = [max(_probability(member, pieces, reading) for member in g.members) for g in first]
    return [*found, *[LEAST] * (len(groups) - len(first))], reading.no_answer_score


def join(members: Sequence[Member]) -> tuple[Passage, list[Piece]]:
    """The sentences that some spans stand in as one text, and where each stretch of it is from."""
    text = ""
    pieces: list[Piece] = []
    sentences: list[Span] = []
    for passage, start, end in _apart([_sentences(member) for member in members]):
        place = len(text)
        pieces.append(Piece(passage, start, end, place))
        text += passage.text[start - passage.start : end - passage.start] + "\n\n"
        inside = [
            (max(a, start), min(b, end)) for a, b in passage.sentences if a < end and b > start
        ]
        sentences += [(a - start + place, b - start + place) for a, b in inside or [(start, end)]]
    return Passage("", 0, len(text), text, 1.0, sentences=tuple(sentences)), pieces


def _sentences(member: Member) -> Stretch:
    """The sentences that a span stands in."""
    passage, span = member.passage, member.span
    own = [(a, b) for a, b in passage.sentences if a < span.end and b > span.start]
    start, end = (own[0][0], own[-1][1]) if own else (span.start, span.end)
    if end - start > LONGEST:
        start, end = max(start, span.start - AROUND), min(end, span.end + AROUND)
    return passage, start, end


def _apart(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The stretches; those that overlap as one, or without the later where no passage has all."""
    taken: list[Stretch] = []
    for passage, start, end in stretches:
        met = [t for t in taken if t[0].source == passage.source and t[1] < end and start < t[2]]
        found = [(passage, start, end), *met]
        first, last = min(a for _, a, _ in found), max(b for _, _, b in found)
        whole = next((p for p, _, _ in found if p.start <= first and last <= p.end), None)
        if whole is not None:
            place = taken.index(met[0]) if met else len(taken)
            taken = [one for one in taken if one not in met]
            taken.insert(place, (whole, first, last))
    return taken


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
