"""The training commands: what they learn from, what they leave out, and going on after a stop."""

from __future__ import annotations

import gzip
import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from rag import Rag, SourceError
from rag.deciding import FEATURES
from rag.encoder import Encoder
from rag.training import calibration, stories
from rag.training import reader as training
from rag.training.examples import Examples, batches
from rag.training.questions import Question, digest, read_questions
from rag.types import Evidence, Passage, Reading
from rag.weights import bundled_folder

CITIES = ("Oslo", "Lima", "Cairo", "Hanoi", "Quito", "Dakar", "Tunis", "Sofia", "Doha", "Riga")


def squad(folder: Path, *, version: str = "v2.0") -> Path:
    """A file of ten titles, each with an answerable and an unanswerable question."""
    data = []
    for number, city in enumerate(CITIES):
        context = (
            f"The fair of {1950 + number} was held in {city}. It drew {number + 2} thousand guests"
            f" who had come by train. Mayor Ada Berg of {city} opened it on a rainy Monday morning."
            " Nobody had expected that many visitors, and the hotels of the whole region were full."
        )
        place = context.index(city)
        answers = [{"text": city, "answer_start": place}]
        questions = [
            {"question": f"Where was the fair of {1950 + number} held?", "answers": answers},
            {"question": "Which guests came by ship?", "answers": [], "is_impossible": True},
        ]
        data.append({"title": city, "paragraphs": [{"context": context, "qas": questions}]})
    file = folder / "fair.json"
    file.write_text(json.dumps({"version": version, "data": data}))
    return file


def test_squad_2_is_held_out_by_title_and_squad_1_by_context(tmp_path: Path) -> None:
    for question in read_questions(squad(tmp_path)):
        held_out = digest(next(c for c in CITIES if c in question.context))[0] in "0123"
        assert (question.split == "test") == held_out
    for question in read_questions(squad(tmp_path, version="1.1")):
        assert (question.split == "test") == (digest(question.context)[0] == "0")
        assert (question.split == "tune") == (digest(question.context)[0] == "1")


def test_natural_questions_are_read_with_the_answer_where_it_stands(tmp_path: Path) -> None:
    row = {
        "question": "who opened it",
        "answers": ["Ada Berg"],
        "ctxs": [{"title": "Fair", "text": "Mayor ada berg did.", "isgold": True}],
    }
    absent = row | {"answers": ["Carl"]}
    file = tmp_path / "nq.jsonl"
    file.write_text(f"{json.dumps(row)}\n{json.dumps(absent)}\n")
    [question] = read_questions(file)
    assert [question.context[a:b] for a, b in question.answers] == ["ada berg"]


def test_an_answer_that_is_not_where_it_should_be_is_left_out(tmp_path: Path) -> None:
    file = squad(tmp_path)
    file.write_text(file.read_text().replace('"answer_start": ', '"answer_start": 1'))
    assert all(not question.answers for question in read_questions(file))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"data": 1}', "\x00\xff"])
def test_another_format_is_a_clear_error(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(SourceError, match="cannot be read as questions"):
        read_questions(file)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(bundled_folder(), bf16=False)


def test_examples_mark_the_answer_or_none(tmp_path: Path, encoder: Encoder) -> None:
    questions = read_questions(squad(tmp_path))
    examples = Examples(encoder, questions, 1, tmp_path)
    epoch = examples.epoch(0)
    answers = {city.lower() for city in CITIES}
    marked = [e for e in epoch if e.answers]
    assert len(marked) == len([q for q in questions if q.answers])
    assert len(epoch) > len(questions)  # passages without the answer come beside them
    for example in marked:
        [(start, end)] = example.answers
        assert encoder.decode(example.ids[start : end + 1]) in answers
    assert examples.epoch(0) == epoch
    assert examples.epoch(1) != epoch
    batched = [example for batch in batches(epoch, 4, "x") for example in batch]
    assert sorted(map(id, batched)) == sorted(map(id, epoch))


def test_a_title_neither_stands_twice_nor_gives_the_answer_away(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cities are the titles of the contexts, and what the answerable questions ask for."""
    for name, value in (("WHOLE", 0), ("WINDOW", (10, 40)), ("MIN_TOKENS", 8)):
        monkeypatch.setattr(f"rag.training.examples.{name}", value)
    examples = Examples(encoder, read_questions(squad(tmp_path)), 1, tmp_path)
    titled = 0
    for example in (example for epoch in range(8) for example in examples.epoch(epoch)):
        question = encoder.decode(example.ids[1 : example.pair])
        title = encoder.decode(example.ids[example.pair : example.passage])
        passage = encoder.decode(example.ids[example.passage :])
        assert not title or title not in passage
        if year := re.search("fair of 195(.) held", question):
            assert title != CITIES[int(year[1])].lower()
        titled += bool(title)
    assert titled


def test_an_answer_stands_among_other_texts(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without it among the others alone, where nothing is marked."""
    monkeypatch.setattr("rag.training.examples.MIXED", 1)
    monkeypatch.setattr("rag.training.examples.KINDS", {"mixed": 1})
    questions = [q for q in read_questions(squad(tmp_path)) if q.answers]
    examples = Examples(encoder, questions, 1, tmp_path)
    cities = {city.lower() for city in CITIES}
    for example in (example for epoch in range(4) for example in examples.epoch(epoch)):
        passage = encoder.decode(example.ids[example.passage :])
        said = {city for city in cities if city in passage}
        if example.answers:
            [(start, end)] = example.answers
            assert encoder.decode(example.ids[start : end + 1]) in cities
            assert len(said) > 1
        else:
            year = re.search("fair of 195(.) held", encoder.decode(example.ids[: example.pair]))
            assert year
            assert CITIES[int(year[1])].lower() not in said
            assert said


def test_training_goes_on_after_a_stop(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "BATCH", 4)
    monkeypatch.setattr(training, "SAVE_EVERY", 1)
    questions: list[Question] = read_questions(squad(tmp_path))
    examples = Examples(encoder, questions, 1, tmp_path)
    start = training.starting_weights(bundled_folder(), None)
    otherwise = dict(reversed(start.items()))  # as another file may have them

    def run(work: Path, stop: int) -> dict[str, object]:
        begin = otherwise if work.exists() else start
        work.mkdir(exist_ok=True)
        weights = training.train(examples, encoder, work, 3, 1e-4, begin, stop=stop)
        return {name: weight.double().sum().item() for name, weight in weights.items()}

    whole = run(tmp_path / "whole", 3)
    run(tmp_path / "parts", 2)
    assert run(tmp_path / "parts", 3) == pytest.approx(whole, rel=1e-6)
    assert whole != {name: weight.double().sum().item() for name, weight in start.items()}


def test_the_written_weights_have_the_hash_beside_them(tmp_path: Path, encoder: Encoder) -> None:
    weights = training.starting_weights(bundled_folder(), None)
    training.write(weights, tmp_path, {"steps": 0})
    card = json.loads((tmp_path / "reader.json").read_text())
    from rag.spans import SpanModel, Text
    from rag.weights import check_hash

    check_hash(tmp_path / "reader.safetensors", card["sha256"])
    assert SpanModel(encoder, tmp_path / "reader.safetensors").read(
        "Who?", [Text("A b.", [], "")], 1
    )
    assert (tmp_path / "reader.safetensors").stat().st_size < 25_000_000


def test_a_layer_more_hands_on_what_it_is_given_and_learns(encoder: Encoder) -> None:
    weights = training.starting_weights(bundled_folder(), None)
    deeper = training.deepened(weights)
    assert sum(w.numel() * 2 for w in deeper.values()) < 25_000_000
    [ids] = (e.ids for e in encoder.tokenize(["Who rows? Ada rows to Oslo on Monday."]))
    before = encoder.with_weights(weights).states([ids])[0]
    after = encoder.with_weights(deeper).states([ids])[0]
    assert torch.cosine_similarity(before, after, dim=-1).min() > 0.99
    name = "encoder.layer.6.output.dense.weight"
    changed = deeper | {name: torch.ones_like(deeper[name])}
    assert not torch.allclose(before, encoder.with_weights(changed).states([ids])[0], atol=0.1)


def test_an_article_that_answers_in_other_words_is_no_passage_without_the_answer(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.training.examples.MIXED", 0)
    monkeypatch.setattr("rag.training.examples.KINDS", {"near": 1})
    first = "The talks in Oslo ended on Monday. Ada Berg spoke for Norway, as she had in May."
    second = "Berg was Norway's voice in Oslo. The delegates dined in the town hall, then left."
    third = "The talks in Oslo may go on in June. Nobody knows where the next round will be."
    asked = "Who spoke for Norway in Oslo?"
    questions = [
        Question(asked, first, ((35, 43),), "train", "texts"),
        Question(asked, second, ((0, 4),), "train", "texts"),
        Question("Where will the next round be?", third, (), "train", "texts"),
    ]
    examples = Examples(encoder, questions, 1, tmp_path)
    for example in (example for epoch in range(4) for example in examples.epoch(epoch)):
        if not example.answers:
            assert "may go on in june" in encoder.decode(example.ids)


def test_going_on_keeps_a_share_of_what_was_there() -> None:
    old, new = {"w": torch.zeros(2)}, {"w": torch.ones(2)}
    assert training.mean(old, new, 0.3)["w"].tolist() == pytest.approx([0.3] * 2)


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
    monkeypatch.setattr(calibration, "SIZES", (2,))
    sources = [info.source for info in seeded.sources()]
    [asked, without] = [
        one
        for one in calibration.Library(seeded, sources).ask(
            "Who is the Commerce Secretary?", ("Xyzzy",), sources[2], "seeds"
        )
        if "few" in one.origin
    ]
    assert asked.accepted == ("Xyzzy",)
    assert without.accepted == ()
    assert sources[2] not in {passage.source for passage in without.passages}
    assert {passage.source for passage in asked.passages} <= set(sources[1:3])


def test_stories_weigh_as_much_as_all_other_examples() -> None:
    answerable = np.array([True, True, False, True, False, False, False])
    stories_ = np.array([True, False, True, False, False, False, False])
    weight = calibration.weights_of(answerable, stories_)
    assert weight.mean() == pytest.approx(1)
    assert weight[stories_].sum() == pytest.approx(weight[~stories_].sum())
    for part in (stories_, ~stories_):
        share = weight[part & answerable].sum() / weight[part].sum()
        assert share == pytest.approx(calibration.ANSWERABLE)


def test_topics_are_titles_and_names() -> None:
    film = Question("Who?", "In it, Ann Lee met Bo.", (), "tune", "x", "Cats (2019 film)")
    other = Question("Who?", "He saw Ann Lee and Ann Leeds once.", (), "train", "x", "Dogs")
    assert calibration.topics([film, other]) == {
        "Cats": {film.context: [(0, 22)]},
        "Ann Lee": {film.context: [(7, 14)], other.context: [(7, 14)]},
    }


def test_titles_that_brackets_tell_apart_are_one_topic() -> None:
    film = Question("Who?", "It has cats.", (), "tune", "x", "Cats (2019 film)")
    play = Question("Who?", "It had cats too.", (), "tune", "x", "Cats (musical)")
    assert calibration.topics([film, play]) == {
        "Cats": {film.context: [(0, 12)], play.context: [(0, 16)]}
    }


def test_to_be_told_about_a_topic_asks_for_its_sentences(
    seeded: Rag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "SIZES", (2,))
    sources = [info.source for info in seeded.sources()]
    library = calibration.Library(seeded, sources)
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
    asked = calibration.Asked("Did they pay it?", (passage,), (), "x", (evidence,))
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
        calibration,
        "read_stories",
        lambda: [stories.Story(("oslo",), (opened, closed), s) for s in ("tune", "test")],
    )
    phrase, yes_no = calibration.ask_stories(tmp_path, tmp_path / "work")
    assert [passage.text for passage in phrase.passages] == [
        "The fair\n\nAda Berg opened the fair in Oslo."
    ]
    assert phrase.evidence == yes_no.evidence == (("0.txt", (10, 43)),)
    assert (phrase.accepted, yes_no.accepted) == (("Ada Berg",), ())


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
    asked = calibration.Asked(question, (passage,), (accepted,), "x")
    [example] = calibration.read(Marks(Evidence(place, place + len(words), words, -0.1)), [asked])
    assert example.answerable
    assert example.right == right


@pytest.mark.parametrize("command", ["reader", "sentences"])
def test_a_missing_file_is_an_error_without_a_traceback(tmp_path: Path, command: str) -> None:
    options = ["--work", str(tmp_path)] if command == "reader" else []
    done = subprocess.run(
        [sys.executable, "-m", f"rag.training.{command}", str(tmp_path / "none.json"), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("training: ")
    assert "none.json" in done.stderr
    assert "Traceback" not in done.stderr
