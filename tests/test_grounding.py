"""Sentences against the lines that they rest on; the floors against a lying model."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import pytest

from evals import lies
from rag.embedding import Embedder
from rag.grounding import Ground, Grounder
from rag.replies import Written
from rag.sentences import split_sentences
from rag.types import Claim, Line

from .conftest import SEEDS

# LlamaIndex's own code warns of what it depends on.
pytestmark = pytest.mark.filterwarnings("default")

DEAL = "The minister, Ada Berg, signed the deal with Norway on Monday for 300 million crowns."
SHIP = "The ship left the harbor of Bergen with 40 containers of fish."
AFTER = "She left the hall without a word to the reporters."


def check(*sentences: Written, embedder: Embedder) -> list[Claim]:
    texts = {"K1A1": ("", DEAL), "K2A2": ("", SHIP), "K3A3": (DEAL, AFTER)}
    vectors = embedder.embed([text for _, text in texts.values()])
    grounds: Sequence[Ground] = [
        Ground(Line(key, "a.txt", 0, len(text), text), before, vector)
        for (key, (before, text)), vector in zip(texts.items(), vectors, strict=True)
    ]
    return Grounder(embedder).check(sentences, grounds)


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        (DEAL, "K1A1", "K1A1"),
        ("Ada Berg signed the deal on Monday.", "K1A1", "K1A1"),
        ("The deal with Norway is for 300 million crowns.", "K1A1", "K1A1"),
        ("Ada Berg.", "K1A1", "K1A1"),
        ("Ada Berg signed the deal on Monday.", "K2A2", "K1A1"),  # the wrong key
        ("The ship left with forty containers.", "", "K2A2"),  # none
        ("Berg left the hall without a word.", "K3A3", "K3A3"),  # a name from before the line
    ],
)
def test_what_a_line_says_is_supported(text: str, key: str, found: str, embedder: Embedder) -> None:
    (claim,) = check(Written(text, (key,) if key else ()), embedder=embedder)
    assert claim.supported, claim
    assert [line.key for line in claim.lines] == [found]
    assert claim.problems == ()
    assert claim.support > 0.5


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Ada Berg signed the deal on Tuesday.", "date tuesday"),
        ("Ada Berg signed the deal for 400 million crowns.", "number 400000000"),
        ("Ada Berg signed the deal with Denmark on Monday.", "name Denmark"),
        ("Ada Berg did not sign the deal on Monday.", "not sign / sign"),
        ("The ship left with sixty containers of fish.", "number 60"),
        ("Ada Berg signed the deal on Monday, ada@berg.no.", "address ada@berg.no"),
    ],
)
def test_what_stands_in_no_line_is_a_problem(text: str, problem: str, embedder: Embedder) -> None:
    (claim,) = check(Written(text, ("K1A1",)), embedder=embedder)
    assert not claim.supported
    assert problem in claim.problems


@pytest.mark.parametrize("text", ["Yes.", "...", "It is so.", "The weather was fine all week."])
def test_what_has_nothing_in_common_is_not_supported(text: str, embedder: Embedder) -> None:
    (claim,) = check(Written(text, ("K1A1", "K2A2")), embedder=embedder)
    assert not claim.supported


def test_every_sentence_of_the_seeds_supports_itself(embedder: Embedder) -> None:
    for path in SEEDS.glob("*.txt"):
        text = path.read_text()
        sentences = [" ".join(text[a:b].split()) for a, b in split_sentences(text)]
        grounds = [
            Ground(Line(f"K{i}", path.name, 0, 1, one), "", vector)
            for i, (one, vector) in enumerate(
                zip(sentences, embedder.embed(sentences), strict=True)
            )
        ]
        written = [Written(one, (f"K{i}",)) for i, one in enumerate(sentences)]
        claims = Grounder(embedder).check(written, grounds)
        assert [claim.text for claim in claims if not claim.supported] == []


def test_the_floors_against_a_lying_model() -> None:
    """On the half of the facts that nothing was tuned on."""
    facts = lies.load("test")
    outcomes, times, missed = lies.measure(facts, with_keys=True)
    true = [one.passed for one in outcomes if one.kind in lies.TRUE]
    false = [one.passed for one in outcomes if one.kind not in lies.TRUE]
    assert missed == 0
    assert len(false) >= 70
    assert 1 - statistics.mean(false) >= 0.95
    assert 1 - statistics.mean(true) <= 0.10
    assert min(times) < 150  # other work on the machine adds to the others


def test_there_are_200_lies_split_by_fact() -> None:
    tune, test = lies.load("tune"), lies.load("test")
    count = sum(kind not in lies.TRUE for fact in tune + test for kind, _ in fact.sentences)
    assert count >= 200
    assert not {fact.evidence for fact in tune} & {fact.evidence for fact in test}
