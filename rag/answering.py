"""From candidates to an answer: its words, their citations, who agrees and who differs.

Every quote goes through `rag.citing`; what does not match its source is left out, and where
nothing is left the answer is an abstention.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rag.catalog import Kept
from rag.citing import cite
from rag.copies import independent
from rag.deciding import Candidate
from rag.extending import extend, series
from rag.grouping import Member, normal_form
from rag.kinds import Query
from rag.replies import without_thoughts
from rag.supporting import Sentence
from rag.types import (
    Agreement,
    Answer,
    Citation,
    Claim,
    Conflict,
    Generation,
    Line,
    Passage,
)

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


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the catalog knows of some sources, taken out of it: a model may take its time."""

    documents: Mapping[str, Kept]
    pairs: Sequence[tuple[str, str]]

    def kept(self, source: str) -> Kept | None:
        """A source as it was kept at ingest, None where it is not among these."""
        return self.documents.get(source)

    def copies(self, sources: Sequence[str]) -> Sequence[tuple[str, str]]:
        """Pairs among some of these sources that share their text."""
        return [pair for pair in self.pairs if set(pair) <= set(sources)]


class Answerer:
    """Composes answers over one state of the index."""

    def __init__(self, answered_by: str, library: Library) -> None:
        self._answered_by = answered_by
        self._library = library

    def answer(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        passages: Sequence[Passage],
        threshold: float,
        sentences: Sequence[Sentence] = (),
    ) -> Answer:
        """The best candidate as an answer, or an abstention where it is below the threshold.

        With `sentences` the answer is made of them; `short` is then the candidate's words where
        they stand in the first of them and no topic is told of, else that sentence.
        """
        question = query.asked
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
        citations = self._cite_sentences(sentences) or self._cite(
            best.members, SUPPORTS, several=query.several
        )
        if not citations:
            return self.abstain(
                question,
                best.confidence,
                passages,
                "The best candidate's citation did not match its source.",
            )
        sources = tuple(dict.fromkeys(citation.source for citation in citations))
        short, text = _words(query, citations, best, in_sentences=bool(sentences))
        return Answer(
            question=question,
            status="answered",
            answered_by=self._answered_by,
            short=short,
            text=text,
            confidence=best.confidence,
            citations=citations,
            agreement=Agreement(independent(sources, self._library.copies(sources)), sources),
            conflicts=(
                () if sentences or query.several else self._conflicts(candidates[1:], set(sources))
            ),
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

    def compose(
        self,
        base: Answer,
        candidates: Sequence[Candidate],
        generation: Generation,
        *,
        show: bool,
    ) -> Answer:
        """The supported sentences of a language model as an answer, or an abstention without any.

        Args:
            base: the reader's answer to the same evidence, whose confidence and conflicts stay.
            candidates: what the reader found.
            generation: what the model wrote, so far or in all.
            show: whether sentences without support are shown, struck through.
        """
        citations: list[Citation] = []
        markers: dict[str, int] = {}
        parts: list[str] = []
        unsupported: list[str] = []
        for claim in generation.claims:
            marks = self._mark(claim, citations, markers) if claim.supported else ""
            if marks:
                parts.append(f"{claim.text} {marks}")
            elif show:
                unsupported.append(claim.text)
                parts.append(Answer.struck(claim.text))
        if not citations:
            found = self.abstain(
                base.question, base.confidence, base.passages, _nothing_left(generation)
            )
            return replace(
                found, text=" ".join([NO_ANSWER, *parts]), unsupported=tuple(unsupported)
            )
        sources = tuple(dict.fromkeys(citation.source for citation in citations))
        said = frozenset().union(*(normal_form(c.text) for c in generation.claims if c.supported))
        span = self._citation(candidates[0].members[0], 0)
        recovered = span is not None and normal_form(span.quote) <= said
        return replace(
            base,
            answered_by=self._answered_by,
            short=_line(span.quote if span and recovered else citations[0].quote),
            text=" ".join(parts),
            citations=tuple(citations),
            agreement=Agreement(independent(sources, self._library.copies(sources)), sources),
            conflicts=tuple(
                conflict
                for conflict in base.conflicts
                if not {citation.source for citation in conflict.citations} <= set(sources)
            ),
            note=_note(generation),
            unsupported=tuple(unsupported),
        )

    def _mark(self, claim: Claim, citations: list[Citation], markers: dict[str, int]) -> str:
        """The markers of a sentence's lines, whose citations are added where they are new; "" where
        none matches its source."""
        for line in claim.lines:
            if line.key not in markers and (found := self._cite_line(line, len(citations) + 1)):
                citations.append(found)
                markers[line.key] = found.marker
        return "".join(f"[{markers[line.key]}]" for line in claim.lines if line.key in markers)

    def _cite_line(self, line: Line, marker: int) -> Citation | None:
        kept = self._library.kept(line.source)
        if kept is None:
            return None
        quote = kept.document.text[line.start : line.end]
        if _line(quote) != line.text:
            return None
        return cite(kept.document, kept.sentences, line.start, line.end, quote, marker)

    def _conflicts(self, others: Sequence[Candidate], said: set[str]) -> tuple[Conflict, ...]:
        """Other answers that sources give which do not give the best one."""
        found = []
        for other in others:
            members = [member for member in other.members if member.passage.source not in said]
            citations = self._cite(members, CONFLICTS)
            if citations and _probability(members[0]) >= CONFLICTS:
                found.append(Conflict(_line(citations[0].quote), citations))
        return tuple(found[:SHOWN_CONFLICTS])

    def _cite(
        self, members: Sequence[Member], least: float, *, several: bool = False
    ) -> tuple[Citation, ...]:
        """The best span of each source, the first whatever its probability, others from `least`;
        where `several` are asked for, of names all in a row."""
        citations: list[Citation] = []
        seen: set[str] = set()
        for place, member in enumerate(members):
            source = member.passage.source
            if source in seen or (place and _probability(member) < least):
                continue
            if citation := self._citation(member, len(citations) + 1, several=several):
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

    def _citation(self, member: Member, marker: int, *, several: bool = False) -> Citation | None:
        """A span widened to the words that a person would give, checked against its source."""
        kept = self._library.kept(member.passage.source)
        span, passage = member.span, member.passage
        start, end = span.start - passage.start, span.end - passage.start
        if kept is None or passage.text[start:end] != span.text or start >= end:
            return None
        start, end = extend(passage.text, start, end, several=several)
        return cite(
            kept.document,
            kept.sentences,
            passage.start + start,
            passage.start + end,
            passage.text[start:end],
            marker,
        )


def _words(
    query: Query, citations: Sequence[Citation], best: Candidate, *, in_sentences: bool
) -> tuple[str, str]:
    """`short` and `text` of an answer. A topic's `short` is its first sentence."""
    if not in_sentences:
        marks = "".join(f"[{citation.marker}]" for citation in citations)
        return _line(citations[0].quote), f"{_line(citations[0].context)} {marks}"
    text = " ".join(f"{_line(citation.quote)} [{citation.marker}]" for citation in citations)
    first, leader = citations[0], best.members[0]
    inside = first.start <= leader.span.start and leader.span.end <= first.end
    if not inside or first.source != leader.passage.source or query.wants == "topic":
        return _line(first.quote), text
    span = (leader.span.start - first.start, leader.span.end - first.start)
    start, end = series(first.quote, *span) if query.several else span
    return _line(first.quote[start:end]), text


def _probability(member: Member) -> float:
    """Of the span in its passage, retrieval left aside."""
    return math.exp(min(0.0, member.span.span_score))


def _line(text: str) -> str:
    return " ".join(text.split())


def _nothing_left(generation: Generation) -> str:
    """Why a reply of which no sentence is supported is no answer."""
    cut = f" The reply was cut: {generation.cut}." if generation.cut else ""
    if not without_thoughts(generation.reply).strip():
        return f"Nothing supported: the model's reply is empty.{cut}"
    if not generation.claims and cut:
        return f"Nothing supported: the model's reply has no whole sentence.{cut}"
    if not generation.claims:
        return "Nothing supported: the model found no answer in the evidence."
    return (
        f"Nothing supported: of the model's {len(generation.claims)} sentences the sources support"
        f" none.{cut}"
    )


def _note(generation: Generation) -> str | None:
    """What to know of how an answer was written; None where every sentence stands in it."""
    notes = []
    left_out = sum(not claim.supported for claim in generation.claims)
    if left_out:
        notes.append(
            f"{left_out} of the {len(generation.claims)} sentences that the model wrote are not"
            " supported by the sources."
        )
    if generation.cut:
        notes.append(f"The model's reply was cut: {generation.cut}.")
    return " ".join(notes) or None
