"""From candidates to an answer: its words, their citations, who agrees and who differs.

Every quote goes through `rag.citing`; what does not match its source is left out, and where
nothing is left the answer is an abstention.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from rag.catalog import Kept
from rag.citing import cite
from rag.copies import independent
from rag.deciding import Candidate
from rag.extending import extend
from rag.grouping import Member
from rag.supporting import Sentence
from rag.types import Agreement, Answer, Citation, Conflict, Passage

NO_ANSWER = "The documents do not answer this."
CLOSEST = 3  # passages that an abstention shows
CITED = 5  # citations of one answer, one a source
SUPPORTS = 0.2  # least probability of a span in its passage that counts its source as agreeing
CONFLICTS = 0.5  # the same for another answer in another source to be shown as a conflict
SHOWN_CONFLICTS = 2


class Library(Protocol):
    """What is known of the sources: the catalog."""

    def kept(self, source: str) -> Kept | None:
        """A source as it was kept at ingest, None where it is not listed."""

    def copies(self, sources: Sequence[str]) -> Sequence[tuple[str, str]]:
        """Pairs among some sources that share their text."""


class Answerer:
    """Composes answers over one state of the index."""

    def __init__(self, answered_by: str, library: Library) -> None:
        self._answered_by = answered_by
        self._library = library

    def answer(
        self,
        question: str,
        candidates: Sequence[Candidate],
        passages: Sequence[Passage],
        threshold: float,
        sentences: Sequence[Sentence] = (),
    ) -> Answer:
        """The best candidate as an answer, or an abstention where it is below the threshold.

        With `sentences` the answer is made of them; `short` is then the candidate's words where
        they stand in one of them.
        """
        if not candidates:
            return self.abstain(question, 0.0, passages, "No passage has anything to do with it.")
        best = candidates[0]
        if best.confidence < threshold:
            return self.abstain(
                question,
                best.confidence,
                passages,
                f"The best candidate is right with a probability of {best.confidence:.2f},"
                f" below the threshold of {threshold:.2f}.",
            )
        citations = self._cite_sentences(sentences) or self._cite(best.members, SUPPORTS)
        if not citations:
            return self.abstain(
                question,
                best.confidence,
                passages,
                "The best candidate's citation did not match its source.",
            )
        sources = tuple(dict.fromkeys(citation.source for citation in citations))
        short, text = _words(citations, best, in_sentences=bool(sentences))
        return Answer(
            question=question,
            status="answered",
            answered_by=self._answered_by,
            short=short,
            text=text,
            confidence=best.confidence,
            citations=citations,
            agreement=Agreement(independent(sources, self._library.copies(sources)), sources),
            conflicts=() if sentences else self._conflicts(candidates[1:], set(sources)),
            passages=tuple(passages),
        )

    def abstain(
        self, question: str, confidence: float, passages: Sequence[Passage], reason: str
    ) -> Answer:
        """An abstention with the closest passages."""
        return Answer(
            question=question,
            status="abstained",
            answered_by=self._answered_by,
            short=None,
            text=NO_ANSWER,
            confidence=confidence,
            passages=tuple(passages[:CLOSEST]),
            reason=reason,
        )

    def _conflicts(self, others: Sequence[Candidate], said: set[str]) -> tuple[Conflict, ...]:
        """Other answers that sources give which do not give the best one."""
        found = []
        for other in others:
            members = [member for member in other.members if member.passage.source not in said]
            citations = self._cite(members, CONFLICTS)
            if citations and _probability(members[0]) >= CONFLICTS:
                found.append(Conflict(_line(citations[0].quote), citations))
        return tuple(found[:SHOWN_CONFLICTS])

    def _cite(self, members: Sequence[Member], least: float) -> tuple[Citation, ...]:
        """The best span of each source, the first whatever its probability, others from `least`."""
        citations: list[Citation] = []
        seen: set[str] = set()
        for place, member in enumerate(members):
            source = member.passage.source
            if source in seen or (place and _probability(member) < least):
                continue
            if citation := self._citation(member, len(citations) + 1):
                citations.append(citation)
                seen.add(source)
            if len(citations) == CITED:
                break
        return tuple(citations)

    def _cite_sentences(self, sentences: Sequence[Sentence]) -> tuple[Citation, ...]:
        citations: list[Citation] = []
        for sentence in sentences:
            kept = self._library.kept(sentence.passage.source)
            first = sentence.passage.start
            quote = sentence.passage.text[sentence.start - first : sentence.end - first]
            if kept and quote:
                span = (sentence.start, sentence.end)
                found = cite(kept.document, kept.sentences, *span, quote, len(citations) + 1)
                citations += [found] if found else []
        return tuple(citations)

    def _citation(self, member: Member, marker: int) -> Citation | None:
        """A span widened to the words that a person would give, checked against its source."""
        kept = self._library.kept(member.passage.source)
        span, passage = member.span, member.passage
        start, end = span.start - passage.start, span.end - passage.start
        if kept is None or passage.text[start:end] != span.text or start >= end:
            return None
        start, end = extend(passage.text, start, end)
        return cite(
            kept.document,
            kept.sentences,
            passage.start + start,
            passage.start + end,
            passage.text[start:end],
            marker,
        )


def _words(
    citations: Sequence[Citation], best: Candidate, *, in_sentences: bool
) -> tuple[str, str]:
    """`short` and `text` of an answer."""
    if not in_sentences:
        marks = "".join(f"[{citation.marker}]" for citation in citations)
        return _line(citations[0].quote), f"{_line(citations[0].context)} {marks}"
    text = " ".join(f"{_line(citation.quote)} [{citation.marker}]" for citation in citations)
    first, leader = citations[0], best.members[0]
    inside = first.start <= leader.span.start and leader.span.end <= first.end
    if inside and first.source == leader.passage.source:
        return _line(leader.span.text), text
    return _line(first.quote), text


def _probability(member: Member) -> float:
    """Of the span in its passage, retrieval left aside."""
    return math.exp(min(0.0, member.span.span_score))


def _line(text: str) -> str:
    return " ".join(text.split())
