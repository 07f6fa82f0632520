"""The second reading: whose sentences are read together, and whose words are found there."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from rag.grouping import Group, Member, group
from rag.rereading import CANDIDATES, LEAST, LONGEST, Read, reread
from rag.sentences import split_sentences
from rag.types import Evidence, Passage, Reading


def found(source: str, text: str, words: str, first: int = 0) -> Group:
    """A candidate: words of a text that begins at `first` in its source."""
    sentences = tuple((first + a, first + b) for a, b in split_sentences(text))
    passage = Passage(source, first, first + len(text), text, 1.0, sentences=sentences)
    start = first + text.index(words)
    span = Evidence(start, start + len(words), words, -1.0)
    [one] = group([Member(span, passage, math.exp(-1.0))])
    return one


def finding(words: str, probability: float, seen: list[str]) -> Read:
    """A reader that marks some words wherever they stand first."""

    def read(_question: str, passages: Sequence[Passage], _spans: int) -> list[Reading]:
        [joined] = passages
        seen.append(joined.text)
        for start, end in joined.sentences:
            assert joined.text[start:end].strip() == joined.text[start:end]
        start = joined.text.find(words)
        span = Evidence(start, start + len(words), words, math.log(probability))
        return [Reading(joined, (span,) if start >= 0 else (), math.log(0.1))]

    return read


def test_each_sentence_is_read_once_and_the_best_come_first() -> None:
    text = "It rained. Ada Berg met Carl Dahl in Oslo. Nobody spoke."
    groups = [
        found("a.txt", text, "Ada Berg", first=500),
        found("a.txt", text, "Carl Dahl", first=500),
        found("b.txt", "Eva Holm left.\nShe was late.", "Eva Holm"),
    ]
    seen: list[str] = []
    scores, none = reread("Who?", groups, finding("Carl Dahl", 0.5, seen))
    assert seen == ["Ada Berg met Carl Dahl in Oslo.\n\nEva Holm left.\n\n"]
    assert scores == [LEAST, math.log(0.5), LEAST]
    assert none == math.log(0.1)


def test_stretches_that_share_a_sentence_are_read_as_one() -> None:
    text = "Ada Berg left. It rained. Carl Dahl stayed. Eva Holm sang."
    groups = [found("a.txt", text, w) for w in ("left. It", "Eva Holm", "rained. Carl Dahl")]
    seen: list[str] = []
    scores, _ = reread("Who?", groups, finding("It rained", 0.5, seen))
    assert seen == [f"{text[:43]}\n\n{text[44:]}\n\n"]
    assert scores == [math.log(0.5), LEAST, math.log(0.5)]


def test_words_that_overlap_count() -> None:
    groups = [found("a.txt", "President Ada Berg spoke.", "Ada Berg")]
    [score], _ = reread("Who?", groups, finding("President Ada", 0.5, []))
    assert score == math.log(0.5)


def test_only_the_first_candidates_are_read() -> None:
    groups = [found(f"{n}.txt", f"Guest {n} spoke.", f"Guest {n}") for n in range(CANDIDATES + 3)]
    seen: list[str] = []
    scores, _ = reread("Who?", groups, finding(f"Guest {CANDIDATES}", 0.5, seen))
    assert len(scores) == len(groups)
    assert f"Guest {CANDIDATES}" not in seen[0]
    assert scores[CANDIDATES:] == [LEAST] * 3


def test_of_an_endless_sentence_what_is_around_the_span_is_read() -> None:
    text = "and so on " * 500 + "Ada Berg " + "and so on " * 500
    seen: list[str] = []
    [score], _ = reread("Who?", [found("a.txt", text, "Ada Berg")], finding("Ada Berg", 0.5, seen))
    assert len(seen[0]) < LONGEST
    assert score == math.log(0.5)


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=6), st.integers(0, 5))
def test_any_words_are_found_where_they_stand(texts: list[str], asked: int) -> None:
    texts = [text for text in texts if text.split()]
    if not texts:
        return
    groups = [found(f"{n}.txt", text, text.split()[0], 7) for n, text in enumerate(texts)]
    wanted = texts[asked % len(texts)].split()[0]
    scores, _ = reread("Who?", groups, finding(wanted, 0.5, []))
    if asked % len(texts) < CANDIDATES:
        assert math.log(0.5) in scores
    assert all(LEAST <= score <= 0 for score in scores)
