"""Fitting the confidence: what is asked for it, what counts as right, and what is learnt."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag import Rag
from rag.deciding import FEATURES
from rag.training import asking, calibration, stories, texts
from rag.training.questions import Question
from rag.types import Evidence, Passage, Reading


def calibrated(
    clue: float, *, answerable: int, others: int, question: str = "Who is {}?"
) -> list[calibration.Example]:
    """Examples in which a right answer, given to every answerable question, has `clue` more."""
    features = [0.1] * len(FEATURES)
    return [
        calibration.Example(question.format(n), "x", (*features[:-1], clue * right), right, right)
        for n, right in enumerate([True] * answerable + [False] * others)
    ]


def test_confidence_assumes_the_stated_share_of_answerable_questions() -> None:
    """Whatever their share among the examples."""
    model = calibration.fit(calibrated(0.0, answerable=20, others=180))
    bias = model["other"]["bias"] + 0.1 * sum(list(model["other"]["weights"].values())[:-1])
    assert 1 / (1 + math.exp(-bias)) == pytest.approx(calibration.ANSWERABLE, abs=0.01)
    assert model["cross_validated"]["auc"] == pytest.approx(0.5, abs=0.05)


def test_a_clue_is_learnt_and_judged_on_other_questions() -> None:
    model = calibration.fit(calibrated(1.0, answerable=100, others=100))
    assert model["other"]["weights"][FEATURES[-1]] > 1
    scores = model["cross_validated"]
    assert scores["auc"] == 1
    assert (scores["right_at_half"], scores["silent_at_half"]) == (1, 1)


def test_being_told_about_something_has_a_model_of_its_own() -> None:
    plain = calibrated(1.0, answerable=100, others=100)
    told = calibrated(-1.0, answerable=100, others=100, question="Tell me about Rome {}.")
    model = calibration.fit([*plain, *told])
    assert model["other"]["weights"][FEATURES[-1]] > 1
    assert model["about"]["weights"][FEATURES[-1]] < -1
    assert model["cross_validated"]["auc"] == 1


def test_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    sure, right = np.full(100, 0.75), np.arange(100) % 2 == 0
    equal = np.ones(100)
    error = calibration.expected_calibration_error(sure, right, equal)
    assert error == pytest.approx(0.25)
    doubled = np.where(right, 3.0, 1.0)  # now three of four by weight are right
    assert calibration.expected_calibration_error(sure, right, doubled) == pytest.approx(0, abs=0.1)


def test_a_few_documents_are_those_around(seeded: Rag, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SIZES", (2,))
    sources = [info.source for info in seeded.sources()]
    [asked, without] = [
        one
        for one in asking.Library(seeded, sources).ask(
            "Who is the Commerce Secretary?", ("Xyzzy",), sources[2], "seeds"
        )
        if "few" in one.origin
    ]
    assert asked.accepted == ("Xyzzy",)
    assert without.accepted == ()
    assert sources[2] not in {passage.source for passage in without.passages}
    assert {passage.source for passage in asked.passages} <= set(sources[1:3])


def test_every_sort_of_collections_weighs_the_same() -> None:
    answerable = np.array([True, True, False, True, False, False, False, True, False])
    collections = np.array(["stories", "sets", "stories", *["sets"] * 4, *["invented"] * 2])
    weight = calibration.weights_of(answerable, collections)
    assert weight.mean() == pytest.approx(1)
    for part in (collections == one for one in ("sets", "stories", "invented")):
        assert weight[part].sum() == pytest.approx(weight.sum() / 3)
        share = weight[part & answerable].sum() / weight[part].sum()
        assert share == pytest.approx(calibration.ANSWERABLE)


def test_topics_are_titles_and_names() -> None:
    film = Question("Who?", "In it, Ann Lee met Bo.", (), "tune", "x", "Cats (2019 film)")
    other = Question("Who?", "He saw Ann Lee and Ann Leeds once.", (), "train", "x", "Dogs")
    assert asking.topics([film, other]) == {
        "Cats": {film.context: [(0, 22)]},
        "Ann Lee": {film.context: [(7, 14)], other.context: [(7, 14)]},
    }


def test_titles_that_brackets_tell_apart_are_one_topic() -> None:
    film = Question("Who?", "It has cats.", (), "tune", "x", "Cats (2019 film)")
    play = Question("Who?", "It had cats too.", (), "tune", "x", "Cats (musical)")
    assert asking.topics([film, play]) == {
        "Cats": {film.context: [(0, 12)], play.context: [(0, 16)]}
    }


def test_to_be_told_about_a_topic_asks_for_its_sentences(
    seeded: Rag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SIZES", (2,))
    sources = [info.source for info in seeded.sources()]
    library = asking.Library(seeded, sources)
    about = {sources[1]: [(0, 9)], sources[2]: [(4, 8), (20, 24)]}
    asked = {one.origin: one for one in library.ask_about("Huawei in Brazil", about)}
    assert {one.text for one in asked.values()} == {"Tell me about Huawei in Brazil."}
    evidence = ((sources[1], (0, 9)), (sources[2], (4, 8)), (sources[2], (20, 24)))
    assert asked["topics, few"].evidence == asked["topics, all"].evidence == evidence
    few = {passage.source for passage in asked["topics, few"].passages}
    assert few <= {sources[0], sources[1]}  # a pair of neighbours about the first that tells of it
    without = asked["topics, all but its own"]
    assert without.evidence == ()
    found = {passage.source for passage in without.passages}
    assert found
    assert found <= set(sources) - set(about)


@pytest.mark.parametrize(
    ("evidence", "right"),
    [(("a.txt", (0, 99)), True), (("a.txt", (15, 99)), False), (("b.txt", (0, 99)), False)],
)
def test_an_answer_in_sentences_may_be_right_by_where_it_stands(
    evidence: tuple[str, tuple[int, int]], *, right: bool
) -> None:
    passage = Passage("a.txt", 0, 15, "Mayors paid it.", 1.0, sentences=((0, 15),))
    asked = asking.Asked("Did they pay it?", (passage,), (), "x", (evidence,))
    [example] = calibration.read(Marks(Evidence(0, 6, "Mayors", -0.1)), [asked])
    assert example.answerable
    assert example.right == right


class Marks:
    """Finds the same words in every passage."""

    name = "scripted"

    def __init__(self, span: Evidence) -> None:
        self._span = span

    def read(self, _question: str, passages: Sequence[Passage], spans: int = 1) -> list[Reading]:
        return [Reading(found, (self._span,)[:spans], -2.0) for found in passages]


def test_a_story_is_asked_over_its_own_articles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"doc_id": "oslo", "title": "The fair", "text": "Ada Berg opened the fair in Oslo."},
        {"doc_id": "lima", "title": "", "text": "The fair in Lima was opened by Bo Lund."},
    ]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    opened = stories.StoryQuestion(
        "Who opened it?", "who", ("Ada Berg",), (("oslo", (10, 43)),), None
    )
    closed = stories.StoryQuestion("Did it close?", "yes_no", ("yes",), (("oslo", (10, 43)),), None)
    monkeypatch.setattr(
        asking,
        "read_stories",
        lambda: [stories.Story(("oslo",), (opened, closed), s) for s in ("tune", "test")],
    )
    phrase, yes_no = asking.ask_stories(tmp_path, tmp_path / "work")
    assert [passage.text for passage in phrase.passages] == [
        "The fair\n\nAda Berg opened the fair in Oslo."
    ]
    assert phrase.evidence == yes_no.evidence == (("0.txt", (10, 43)),)
    assert (phrase.accepted, yes_no.accepted) == (("Ada Berg",), ())


def test_an_invented_story_is_asked_over_its_own_articles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ("The fair\n\nAda Berg opened the fair in Oslo.", "Oslo\n\nBo Lund closed the fair.")
    articles = tuple(texts.Article("", text) for text in told)
    questions = (("Who opened the fair?", ((0, (10, 18)),)), ("Who paid for the fair?", ()))
    passage = texts.Text(articles[:1], questions, "tune")
    story, learnt = (texts.Text(articles, questions, split) for split in ("tune", "train"))
    monkeypatch.setattr(asking, "read_texts", lambda: [passage, story, learnt])
    said, missed = asking.ask_invented(tmp_path / "work")
    assert [passage.text for passage in said.passages] == [told[0]]  # the other is too far off
    assert (said.accepted, said.evidence) == (("Ada Berg",), (("0.txt", (10, 18)),))
    assert (missed.accepted, missed.evidence) == ((), ())
    assert said.origin == missed.origin == asking.INVENTED


def test_stories_have_questions_of_both_sorts_and_a_part_that_only_measures() -> None:
    found = stories.read_stories()
    assert {story.split for story in found} == {"tune", "test"}
    for story in found:
        assert len(set(story.documents)) == 5
        for question in story.questions:
            assert (question.absent is None) == bool(question.evidence) == bool(question.accepted)
            assert {name for name, _ in question.evidence} <= set(story.documents)


@pytest.mark.parametrize(
    ("question", "words", "accepted", "right"),
    [
        ("What did it cost?", "40", "$40 million", True),  # widened to the amount
        ("What did it cost?", "May", "$40 million", False),
        ("Why did she leave?", "rain", "the rain in May", True),  # the sentence says all of it
        ("Why did she leave?", "rain", "the snow in May", False),
    ],
)
def test_an_answer_is_judged_as_it_is_shown(
    question: str, words: str, accepted: str, *, right: bool
) -> None:
    text = "Mayor Ann Lee paid $40 million for it. She left because of the rain in May."
    place, middle = text.index(words), text.index("She")
    sentences = ((0, middle - 1), (middle, len(text)))
    passage = Passage("a.txt", 0, len(text), text, 1.0, sentences=sentences)
    asked = asking.Asked(question, (passage,), (accepted,), "x")
    [example] = calibration.read(Marks(Evidence(place, place + len(words), words, -0.1)), [asked])
    assert example.answerable
    assert example.right == right
