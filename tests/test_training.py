"""The reader's training: what it learns from, what it leaves out, and going on after a stop."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rag import SourceError
from rag.encoder import Encoder
from rag.training import reader as training
from rag.training.examples import Example, Examples, batches
from rag.training.loss import loss_of, overlaps
from rag.training.questions import Question, digest, read_questions
from rag.training.rereads import Reread, reread_examples
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
    rereads = reread_examples(encoder, [Reread("Who?", "Ada Berg left.", ((0, 8),))])
    start = training.starting_weights(bundled_folder(), None)
    otherwise = dict(reversed(start.items()))  # as another file may have them

    def run(work: Path, stop: int) -> dict[str, object]:
        begin = otherwise if work.exists() else start
        work.mkdir(exist_ok=True)
        weights = training.train(examples, encoder, work, 3, 1e-4, begin, rereads, stop=stop)
        return {name: weight.double().sum().item() for name, weight in weights.items()}

    whole = run(tmp_path / "whole", 3)
    run(tmp_path / "parts", 2)
    assert run(tmp_path / "parts", 3) == pytest.approx(whole, rel=1e-6)
    assert whole != {name: weight.double().sum().item() for name, weight in start.items()}


def test_batches_of_rereads_come_in_turn(tmp_path: Path, encoder: Encoder) -> None:
    examples = Examples(encoder, read_questions(squad(tmp_path)), 1, tmp_path)
    rereads = reread_examples(encoder, [Reread("Who?", "Ada Berg left.", ((0, 8),))] * 2)
    batches = list(islice(training.endless(examples, rereads, 0), 8))
    assert [batch == rereads for batch in batches] == [False, True] * 4
    assert list(islice(training.endless(examples, rereads, 5), 3)) == batches[5:]
    alone = list(islice(training.endless(examples, [], 0), 4))
    assert alone == batches[::2]


spans = st.tuples(st.integers(1, 8), st.integers(1, 8)).map(lambda span: tuple(sorted(span)))


@given(said=spans, answers=st.lists(spans, min_size=1, max_size=3))
def test_a_span_is_rated_by_the_tokens_it_shares(
    said: tuple[int, int], answers: list[tuple[int, int]]
) -> None:
    shared, none = overlaps([answers, [(0, 0)]], 9)
    words = set(range(said[0], said[1] + 1))
    wanted = [set(range(a, b + 1)) for a, b in answers]
    f1 = max(2 * len(words & other) / (len(words) + len(other)) for other in wanted)
    assert shared[said].item() == pytest.approx(f1)
    assert shared[0].sum() == 0
    assert shared.tril(-1).sum() == 0
    assert none.sum() == none[0, 0] == 1


def test_the_loss_is_least_for_what_the_annotators_marked(encoder: Encoder) -> None:
    ids = encoder.tokenize(["Who rows?", "Ada rows to Oslo on Monday."], special=False)
    head, text = [encoder.special_ids[0], *ids[0].ids, encoder.special_ids[1]], ids[1].ids
    first = len(head)
    example = Example((*head, *text, encoder.special_ids[1]), first, first, ((first, first),))
    absent = replace(example, answers=())
    weights = training.starting_weights(bundled_folder(), None)

    def loss(bias: tuple[float, float], one: Example) -> float:
        return loss_of(encoder, weights | {"head.bias": torch.tensor(bias)}, [one]).item()

    [states] = encoder.with_weights(weights).states([list(example.ids)])[0].float()
    towards = weights | {"head.weight": 4 * states[first].expand(2, -1)}
    away = weights | {"head.weight": -4 * states[first].expand(2, -1)}
    assert loss((0.0, 0.0), example) == pytest.approx(loss((3.0, -1.0), example), abs=1e-4)
    assert loss_of(encoder, towards, [example]) < loss_of(encoder, away, [example])
    assert loss_of(encoder, towards, [absent]) > loss_of(encoder, towards, [example])


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
