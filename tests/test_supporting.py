"""Which sentences an answer that is more than a phrase is made of."""

from __future__ import annotations

import math

import numpy as np

from rag import Evidence, Passage, Reading
from rag.grouping import Member
from rag.kinds import understand
from rag.sentences import split_sentences
from rag.supporting import Sentence, choose

WHY, TOPIC = understand("Why did she leave?"), understand("Tell me about Ada Berg.")
TEXT = (
    "Ada Berg left the talks early. She had been told of a storm. The others stayed."
    " They signed at noon. Nobody spoke to the press."
)
LEFT, STORM, STAYED, SIGNED, PRESS = (TEXT[start:end] for start, end in split_sentences(TEXT))


def passage(text: str = TEXT, source: str = "a.txt") -> Passage:
    return Passage(source, 0, len(text), text, 1.0, sentences=tuple(split_sentences(text)))


def sentences(of: Passage, *probabilities: float, same: bool = False) -> list[Sentence]:
    """With one direction each, so that none repeats another, or all with the same."""
    vectors = np.eye(8, dtype=np.float32)
    return [
        Sentence(of, start, end, probability, vectors[0 if same else place])
        for place, ((start, end), probability) in enumerate(
            zip(of.sentences, probabilities, strict=True)
        )
    ]


def reading(of: Passage, words: str, probability: float) -> Reading:
    start = of.text.index(words)
    span = Evidence(start, start + len(words), words, math.log(probability))
    return Reading(of, (span,), math.log(1 - probability))


def leader(one: Reading) -> Member:
    return Member(one.spans[0], one.passage, math.exp(one.spans[0].span_score))


def words(chosen: list[Sentence]) -> list[str]:
    return [one.passage.text[one.start : one.end] for one in chosen]


def test_the_best_candidate_s_sentence_comes_first_then_what_supports_as_much() -> None:
    of = passage()
    read = reading(of, "noon", 0.3)
    chosen = choose(WHY, sentences(of, 0.1, 0.9, 0.1, 0.1, 0.5), [read], leader(read))
    assert words(chosen) == [SIGNED, STORM, PRESS]


def test_a_doubtful_sentence_alone_is_followed_by_the_next() -> None:
    of = passage()
    read, sure = reading(of, "left", 0.3), reading(of, "left", 0.9)
    assert words(choose(WHY, sentences(of, 0.3, 0, 0, 0, 0), [read], leader(read))) == [LEFT, STORM]
    assert words(choose(WHY, sentences(of, 0.3, 0, 0, 0, 0), [sure], leader(sure))) == [LEFT]
    last = reading(of, "press", 0.3)
    other = passage("Somebody else came.", "b.txt")
    following = [*sentences(of, 0, 0, 0, 0, 0.3), *sentences(other, 0)]
    assert words(choose(WHY, following, [last], leader(last))) == [PRESS]


def test_what_says_the_same_is_said_once() -> None:
    of = passage()
    read = reading(of, "signed", 0.3)
    chosen = choose(WHY, sentences(of, 0.9, 0.9, 0.9, 0.9, 0.9, same=True), [read], leader(read))
    assert words(chosen) == [SIGNED]


def test_of_a_topic_at_most_four_sentences_tell_in_their_own_order_of_support() -> None:
    read = reading(passage(), "stayed", 0.3)
    chosen = choose(TOPIC, sentences(passage(), 0.3, 0.9, 0.1, 0.8, 0.7), [read], leader(read))
    assert words(chosen) == [STORM, SIGNED, PRESS, LEFT]


def test_where_there_are_no_sentences_none_is_chosen() -> None:
    read = reading(passage(), "noon", 0.3)
    assert choose(WHY, [], [read], leader(read)) == []
