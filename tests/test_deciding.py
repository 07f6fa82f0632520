"""Evidence becomes a probability: agreement and clear evidence raise it, near misses lower it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest

from rag.deciding import FEATURES, Calibration, decide, model_of, rank
from rag.kinds import understand
from rag.reading import MODELS
from rag.types import Evidence, Passage, Reading

QUERY = understand("Who is the Commerce Secretary of Norland?")


def reading(source: str, text: str, words: str, p: float, none: float, fused: float = 1) -> Reading:
    start = text.index(words)
    passage = Passage(
        source, 0, len(text), text, fused, dense_score=0.6, sentences=((0, len(text)),)
    )
    span = Evidence(start, start + len(words), words, math.log(p))
    return Reading(passage, (span,), math.log(none))


def nothing_more(_question: str, passages: Sequence[Passage], _spans: int) -> list[Reading]:
    """A second reading that finds nothing, for tests of the first."""
    return [Reading(passage, (), 0.0) for passage in passages]


GOOD = "Ada Berg, Commerce Secretary of Norland, spoke first."
OTHER = "Carl Dahl, who heads the bank, spoke last."


def test_what_several_sources_say_comes_first() -> None:
    readings = [
        reading("c.txt", OTHER, "Carl Dahl", 0.5, 0.4),
        reading("a.txt", GOOD, "Ada Berg", 0.4, 0.4),
        reading("b.txt", f"So said {GOOD}", "Ada Berg", 0.4, 0.4),
    ]
    best, second = decide(QUERY, readings, nothing_more)
    assert [m.passage.source for m in best.members] == ["a.txt", "b.txt"]
    assert best.members[0].span.text == "Ada Berg"
    assert 0 <= second.confidence <= best.confidence <= 1


def test_what_is_retrieved_first_counts_more() -> None:
    readings = [
        reading("a.txt", GOOD, "Ada Berg", 0.5, 0.4, fused=1.0),
        reading("c.txt", OTHER, "Carl Dahl", 0.6, 0.4, fused=0.5),
    ]
    assert decide(QUERY, readings, nothing_more)[0].members[0].span.text == "Ada Berg"


def test_a_passage_that_seems_to_have_no_answer_counts_less() -> None:
    readings = [
        reading("c.txt", OTHER, "Carl Dahl", 0.45, 0.5),
        reading("a.txt", GOOD, "Ada Berg", 0.42, 0.1),
    ]
    assert decide(QUERY, readings, nothing_more)[0].members[0].span.text == "Ada Berg"


def test_clear_evidence_is_more_probable_than_a_near_miss() -> None:
    clear = decide(QUERY, [reading("a.txt", GOOD, "Ada Berg", 0.9, 0.05)], nothing_more)[0]
    unsure = decide(QUERY, [reading("a.txt", GOOD, "Ada Berg", 0.2, 0.7)], nothing_more)[0]
    elsewhere = decide(QUERY, [reading("c.txt", OTHER, "Carl Dahl", 0.2, 0.7)], nothing_more)[0]
    assert clear.confidence > unsure.confidence > elsewhere.confidence


@pytest.mark.parametrize(
    ("question", "text", "share"),
    [
        ("Who is China's commerce minister?", "The Chinese commerce minister, Ada Berg, left.", 1),
        ("Who speaks for the US?", "Ada Berg speaks for the U.S. side.", 1),
        ("Who leads the American team?", "Ada Berg leads the US team.", 1),
        ("Who leads the American team?", "Ada Berg told us of the team.", 0),
        ("Who met Berg in Rome in 2025?", "Ada Berg, who met them in 2025, left.", 2 / 3),
        ("Who paid 1,250 crowns?", "Ada Berg paid 1,250 crowns.", 1),
        ("who leads the team?", "Ada Berg leads it.", 1),
        ("WHO LEADS THE TEAM OF 2025?", "Ada Berg led it in 2025.", 1),
        ("Who Leads The Team?", "Ada Berg leads it.", 1),
        ("about Ada Berg", "Ada Berg leads it.", 1),
        ("The talks ended. Who led them?", "Ada Berg led them.", 1),
        ("WHAT HAPPENED IN ROME?", "Ada Berg came to Rome.", 1),
        ("about Carl Dahl", "Ada Berg leads it.", 0),
    ],
)
def test_a_name_is_also_found_in_another_form(question: str, text: str, share: float) -> None:
    [(_, _, features)] = rank(
        understand(question), [reading("a.txt", text, "Ada Berg", 0.9, 0.1)], nothing_more
    )
    assert features[FEATURES.index("names")] == pytest.approx(share)


def test_the_second_reading_has_a_say() -> None:
    readings = [
        reading("a.txt", GOOD, "Ada Berg", 0.5, 0.4),
        reading("c.txt", OTHER, "Carl Dahl", 0.45, 0.4),
    ]
    seen = []

    def second(_question: str, passages: Sequence[Passage], _spans: int) -> list[Reading]:
        [joined] = passages
        seen.append(joined.text)
        start = joined.text.index("Carl Dahl")
        span = Evidence(start, start + 9, "Carl Dahl", math.log(0.9))
        return [Reading(joined, (span,), math.log(0.05))]

    first, other = decide(QUERY, readings, second)
    assert (first.members[0].span.text, other.members[0].span.text) == ("Carl Dahl", "Ada Berg")
    assert seen == [f"{GOOD}\n\n{OTHER}\n\n"]
    unmoved = decide(QUERY, readings, nothing_more)
    assert unmoved[0].members[0].span.text == "Ada Berg"
    assert first.confidence > unmoved[1].confidence


def test_nothing_read_is_no_candidate() -> None:
    passage = Passage("a.txt", 0, 0, "", 1.0)
    assert decide(QUERY, [], nothing_more) == []
    assert decide(QUERY, [Reading(passage, (), 0.0)], nothing_more) == []


def test_every_candidate_has_every_feature() -> None:
    for query in (QUERY, *map(understand, ("?", "WHY", "你好"))):
        readings = [reading("a.txt", GOOD, "Ada Berg", 1e-300, 1.0, fused=0.0)]
        for _, mass, features in rank(query, readings, nothing_more):
            assert mass > 0
            assert len(features) == len(FEATURES)
            assert all(map(math.isfinite, features))


@pytest.mark.parametrize("question", ["Who led them?", "Tell me about Rome"])
def test_the_models_have_a_weight_for_every_feature(question: str) -> None:
    assert len(Calibration.load(model_of(understand(question))).weights) == len(FEATURES)


def test_what_names_the_topic_comes_first_where_nothing_is_asked() -> None:
    readings = [
        reading("a.txt", "It rained for days in Oslo.", "rained", 0.9, 0.1),
        reading("b.txt", "The fair of Rome was held in May.", "May", 0.1, 0.9),
    ]
    for question, first in (("about the fair of Rome.", "b.txt"), ("What fell?", "a.txt")):
        ranked = rank(understand(question), readings, nothing_more)
        assert ranked[0][0].members[0].passage.source == first


def test_being_told_about_something_has_a_calibration_of_its_own() -> None:
    assert Calibration.load("about") != Calibration.load("other")
    assert model_of(understand("Tell me about Rome")) == "about"
    assert model_of(understand("Who wrote about Rome?")) == "other"


def test_the_model_was_fitted_to_the_reader_that_ships() -> None:
    calibration = json.loads((MODELS / "calibration.json").read_text())
    assert calibration["reader"] == json.loads((MODELS / "reader.json").read_text())["sha256"]
