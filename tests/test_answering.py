"""Candidates become answers: cited, agreed on, contradicted, or withheld."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rag import Answer, Document, Evidence, Passage
from rag.answering import NO_ANSWER, Answerer
from rag.catalog import Kept
from rag.deciding import Candidate
from rag.grouping import Member
from rag.kinds import understand
from rag.sentences import split_sentences
from rag.supporting import Sentence

TEXTS = {
    "a.txt": "It began at noon. The minister, Ada Berg, signed the deal on Monday.",
    "b.txt": "Ada Berg signed for the ministry. Nobody else did.",
    "c.txt": "The deal was signed by Carl Dahl, said the paper.",
    "d.txt": "The envoys Di Ek, Ed Fahl and Flo Gran signed it on Tuesday. Ed Fahl left.",
}


class Library:
    """Three documents; `shared` are the pairs that share their text."""

    def __init__(self, shared: list[tuple[str, str]]) -> None:
        self._shared = shared

    def kept(self, source: str) -> Kept | None:
        if source not in TEXTS:
            return None
        text = TEXTS[source]
        document = Document(source, f"/nowhere/{source}", "txt", source, text, "0" * 64)
        return Kept(document, tuple(split_sentences(text)))

    def copies(self, sources: Sequence[str]) -> list[tuple[str, str]]:
        return [pair for pair in self._shared if set(pair) <= set(sources)]


def passage(source: str) -> Passage:
    text = TEXTS[source]
    return Passage(source, 0, len(text), text, 1.0, sentences=tuple(split_sentences(text)))


def member(source: str, words: str, probability: float = 0.9) -> Member:
    start = TEXTS[source].index(words)
    span = Evidence(start, start + len(words), words, math.log(probability))
    return Member(span, passage(source), probability)


def candidate(*members: Member, confidence: float = 0.9) -> Candidate:
    return Candidate(members, confidence)


def answer(
    *candidates: Candidate,
    sentences: Sequence[Sentence] = (),
    shared: Sequence[tuple[str, str]] = (),
    question: str = "Who signed?",
) -> Answer:
    answerer = Answerer("reader", Library(list(shared)))
    passages = [passage(source) for source in TEXTS]
    return answerer.answer(understand(question), candidates, passages, 0.5, sentences)


def test_every_source_that_says_so_is_cited() -> None:
    found = answer(candidate(member("a.txt", "Ada Berg"), member("b.txt", "Ada Berg")))
    assert found.status == "answered"
    assert found.short == "Ada Berg"
    assert found.text == "The minister, Ada Berg, signed the deal on Monday. [1][2]"
    assert [(c.marker, c.source, c.quote) for c in found.citations] == [
        (1, "a.txt", "Ada Berg"),
        (2, "b.txt", "Ada Berg"),
    ]
    assert found.agreement.independent == 2
    assert found.agreement.sources == ("a.txt", "b.txt")
    assert found.conflicts == ()


def test_sources_that_share_their_text_count_as_one() -> None:
    members = member("a.txt", "Ada Berg"), member("b.txt", "Ada Berg")
    found = answer(candidate(*members), shared=[("a.txt", "b.txt")])
    assert found.agreement.independent == 1
    assert found.agreement.sources == ("a.txt", "b.txt")


def test_a_source_is_cited_once_and_weak_ones_are_not() -> None:
    weak = member("b.txt", "Ada Berg", 0.01)
    found = answer(candidate(member("a.txt", "Ada Berg"), member("a.txt", "Berg", 0.5), weak))
    assert [c.source for c in found.citations] == ["a.txt"]


def test_another_answer_elsewhere_is_shown_as_a_conflict() -> None:
    found = answer(
        candidate(member("a.txt", "Ada Berg")),
        candidate(member("c.txt", "Carl Dahl", 0.8), confidence=0.3),
    )
    assert found.short == "Ada Berg"
    [conflict] = found.conflicts
    assert conflict.short == "Carl Dahl"
    assert [c.source for c in conflict.citations] == ["c.txt"]


def test_an_unlikely_other_answer_is_no_conflict() -> None:
    other = candidate(member("c.txt", "Carl Dahl", 0.3), confidence=0.1)
    assert answer(candidate(member("a.txt", "Ada Berg")), other).conflicts == ()


def test_where_several_are_asked_for_all_in_a_row_are_named() -> None:
    """And who else is named contradicts nobody."""
    found = answer(
        candidate(member("d.txt", "Ed Fahl")),
        candidate(member("c.txt", "Carl Dahl", 0.8), confidence=0.3),
        question="Which envoys signed?",
    )
    assert found.short == "Di Ek, Ed Fahl and Flo Gran"
    assert [c.quote for c in found.citations] == [found.short]
    assert found.conflicts == ()
    assert answer(candidate(member("d.txt", "Ed Fahl"))).short == "Ed Fahl"
    whole = Sentence(passage("d.txt"), *passage("d.txt").sentences[0], 0.9, None)  # type: ignore[arg-type]
    told = answer(
        candidate(member("d.txt", "Ed Fahl")), sentences=[whole], question="List the envoys."
    )
    assert told.short == found.short


def test_the_same_source_does_not_contradict_itself() -> None:
    other = candidate(member("a.txt", "Monday", 0.8), confidence=0.3)
    assert answer(candidate(member("a.txt", "Ada Berg")), other).conflicts == ()


def test_below_the_threshold_nothing_is_said() -> None:
    found = answer(candidate(member("a.txt", "Ada Berg"), confidence=0.4))
    assert found.status == "abstained"
    assert found.text == NO_ANSWER
    assert found.short is None
    assert found.confidence == 0.4
    assert found.citations == ()
    assert found.passages
    assert "0.40" in (found.reason or "")


def test_without_candidates_nothing_is_said() -> None:
    assert answer().status == "abstained"


def test_words_that_are_not_in_the_source_are_never_shown() -> None:
    span = Evidence(0, 5, "Wrong", 0.0)
    found = answer(candidate(Member(span, passage("a.txt"), 1.0)))
    assert found.status == "abstained"
    assert "did not match" in (found.reason or "")


def test_a_source_that_is_gone_is_never_cited() -> None:
    gone = Passage("gone.txt", 0, 8, "Ada Berg", 1.0)
    found = answer(candidate(Member(Evidence(0, 8, "Ada Berg", 0.0), gone, 1.0)))
    assert found.status == "abstained"


def test_sentences_are_quoted_and_cited_one_by_one() -> None:
    chosen = [
        Sentence(passage(source), *passage(source).sentences[place], 0.9, None)  # type: ignore[arg-type]
        for source, place in (("a.txt", 1), ("b.txt", 0))
    ]
    found = answer(candidate(member("a.txt", "Ada Berg")), sentences=chosen)
    assert found.text == (
        "The minister, Ada Berg, signed the deal on Monday. [1]"
        " Ada Berg signed for the ministry. [2]"
    )
    assert found.short == "Ada Berg"
    assert [c.quote for c in found.citations] == [
        "The minister, Ada Berg, signed the deal on Monday.",
        "Ada Berg signed for the ministry.",
    ]
