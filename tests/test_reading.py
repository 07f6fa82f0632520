"""The trained reader: spans are exact characters of their passage, whatever the text."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rag.reading
from rag import ModelError, Passage, Reading
from rag.embedding import BundledEmbedder
from rag.reading import SpanReader
from rag.sentences import split_sentences
from rag.spans import HEAD, Window, _mark, span_scores

TEXT = (
    "The talks were held at Lancaster House in London. Commerce Secretary Howard Lutnick led the"
    " US team. The Chinese side was led by Vice Premier He Lifeng. It rained for two days."
)


@pytest.fixture(scope="module")
def reader() -> SpanReader:
    return SpanReader(BundledEmbedder("fp32"))


def passage(text: str, start: int = 0) -> Passage:
    sentences = tuple((start + a, start + b) for a, b in split_sentences(text))
    return Passage("a.txt", start, start + len(text), text, 1.0, sentences=sentences)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who led the US team?", "Lutnick"),
        ("Where were the talks held?", "London"),
        ("Who led the Chinese side?", "He Lifeng"),
        ("How long did it rain?", "two days"),
    ],
)
def test_the_words_that_answer_are_marked(reader: SpanReader, question: str, answer: str) -> None:
    [reading] = reader.read(question, [passage(TEXT, start=100)])
    best = reading.spans[0]
    assert answer in best.text
    assert TEXT[best.start - 100 : best.end - 100] == best.text
    assert best.span_score > reading.no_answer_score


@pytest.mark.parametrize("typed", ["who led the us team", "Tell me who led the US team."])
def test_a_question_is_read_alike_with_and_without_its_mark(reader: SpanReader, typed: str) -> None:
    [reading] = reader.read(typed, [passage(TEXT)])
    assert reader.read("Who led the US team?", [passage(TEXT)]) == [reading]


def test_a_passage_on_something_else_has_no_answer(reader: SpanReader) -> None:
    other = passage("Boil the potatoes for twenty minutes, then mash them with butter and salt.")
    reading, unrelated = reader.read("Who led the US team?", [passage(TEXT), other])
    assert unrelated.no_answer_score > unrelated.spans[0].span_score
    assert reading.spans[0].span_score > unrelated.spans[0].span_score


def check(readings: Sequence[Reading], passages: Sequence[Passage]) -> None:
    assert [reading.passage for reading in readings] == list(passages)
    for reading in readings:
        text, first = reading.passage.text, reading.passage.start
        assert reading.no_answer_score <= 0
        for span in reading.spans:
            assert text[span.start - first : span.end - first] == span.text != ""
            assert span.span_score <= 0
        places = [(span.start, span.end) for span in reading.spans]
        assert len(places) == len(set(places))


def test_the_span_that_most_readings_come_near_to_is_first() -> None:
    # "global" alone is the most probable, but most of the rest has the whole title.
    words = ["the", "global", "head", "of", "research", "spoke"]
    starts = [len(" ".join(words[:n])) + (n > 0) for n in range(len(words))]
    offsets = [(start, start + len(word)) for start, word in zip(starts, words, strict=True)]
    logits = np.full((7, 2), -20.0, dtype=np.float32)  # [CLS], six words
    begin = 1
    logits[begin + 1, 0] = 0.0
    logits[[begin + 1, begin + 3, begin + 4], 1] = np.log([0.36, 0.3, 0.34])
    scores = logits[:, None, 0] + logits[None, :, 1]
    marked = _mark(Window([], list(range(6)), offsets, [0] * 6), scores, 5)
    text = " ".join(words)
    first, second = (text[start:end] for start, end, _ in marked.spans[:2])
    assert (first, second) == ("global head of", "global head of research")
    assert max(marked.spans, key=lambda span: span[2])[:2] == offsets[1]


def test_a_start_is_not_paired_with_the_end_of_another_answer() -> None:
    # "15,000 buses and 600,000 passengers": both starts and ends are as likely.
    states = torch.zeros(1, 6, 384)
    for token, (start, end) in enumerate([(0, 0), (1, 0), (0, 1), (0, 0), (1, 0), (0, 1)]):
        states[0, token, :2] = torch.tensor([start, end])
        states[0, token, 2 + token // 3] = 1.0
    head = {name: torch.zeros(shape) for name, shape in HEAD.items()}
    head["head.weight"][0, 0] = head["head.weight"][1, 1] = 1.0
    offsets = [(6 * n, 6 * n + 5) for n in range(5)]
    window = Window([], list(range(5)), offsets, [0] * 5)
    [both] = span_scores(states, head).numpy()
    assert len({round(log, 5) for *_, log in _mark(window, both, 3).spans}) == 1
    for name in ("head.start", "head.end"):  # of one part of the text, or the other
        head[name][0, 2] = head[name][1, 3] = 4.0
    [apart] = span_scores(states, head).numpy()
    said = {span[:2] for span in _mark(window, apart, 2).spans}
    assert said == {(offsets[0][0], offsets[1][1]), (offsets[3][0], offsets[4][1])}


def test_no_answer_is_in_two_paragraphs(reader: SpanReader) -> None:
    # A quiz, the answer marked from one line to the next: only parts of it are left.
    text = "Which city?\n\nA. London\n \nB. Paris\r\n\r\nThe talks were held in London."
    [reading] = reader.read("In which city were the talks held?", [passage(text)])
    check([reading], [passage(text)])
    assert reading.spans
    assert not any("\n" in span.text for span in reading.spans)
    logits = np.full((4, 2), -20.0, dtype=np.float32)  # [CLS], three words
    logits[1, 0] = logits[3, 1] = 0.0
    offsets = [(0, 3), (4, 7), (9, 12)]
    scores = logits[:, None, 0] + logits[None, :, 1]
    marked = _mark(Window([], [1, 2, 3], offsets, [0, 0, 1]), scores, 5)
    assert (0, 12) not in [span[:2] for span in marked.spans]
    assert marked.spans[0][:2] == (0, 7) or marked.spans[0][:2] == (0, 3)


def test_what_a_question_is_about_may_stand_before_it(reader: SpanReader) -> None:
    about = "Trade talks between two countries were held this week, and it rained. "
    for asked, answer in (("Who led the US team?", "Lutnick"), ("Where were they?", "London")):
        before, after = (
            reader.read(question, [passage(TEXT)])[0].spans
            for question in (about + asked, f"{asked} {about}")
        )
        assert before == after
        assert answer in before[0].text
    late = "We heard of it. " * 60 + "Who led the Chinese side?"  # above 80 tokens, what asks stays
    assert "He Lifeng" in reader.read(late, [passage(TEXT)])[0].spans[0].text


@settings(max_examples=40, deadline=None)
@given(
    question=st.text(max_size=80),
    texts=st.lists(st.text(max_size=300), max_size=4),
    title=st.text(max_size=200),
)
def test_any_text_gives_exact_spans_or_none(
    reader: SpanReader, question: str, texts: list[str], title: str
) -> None:
    passages = [replace(passage(text, start=7), title=title) for text in texts]
    check(reader.read(question, passages), passages)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n ",
        "x" * 10_000,  # one word
        "word " * 3_000,  # no sentence ends: several windows
        "Καλημέρα κόσμε. 你好，世界。 Привет, мир.",
        "A sentence. " * 400,
    ],
)
def test_odd_passages_are_read(reader: SpanReader, text: str) -> None:
    passages = [passage(text)]
    check(reader.read("Who led the US team?" * 20, passages), passages)


def test_a_title_says_what_a_passage_is_about(reader: SpanReader) -> None:
    plain = passage("The talks ended on Tuesday, after two days.")
    titled = replace(plain, title="The London trade talks")
    question = "When did the trade talks in London end?"
    readings = reader.read(question, [plain, titled])
    check(readings, [plain, titled])
    without, with_title = (max(s.span_score for s in r.spans) - r.no_answer_score for r in readings)
    assert with_title > without
    assert all("Tuesday" in reading.spans[0].text for reading in readings)


def test_a_title_that_the_text_begins_with_is_read_once(reader: SpanReader) -> None:
    text = "The talks ended on\nTuesday. They had begun on Monday."
    plain, titled = (
        passage(text),
        replace(passage(text), title="The talks ended on Tuesday. They\u2026"),
    )
    one, other = reader.read("When did the talks end?", [plain, titled])
    assert one.spans == other.spans


def test_what_stands_late_in_a_long_passage_is_found(reader: SpanReader) -> None:
    text = "The garden was quiet that day. " * 120 + TEXT
    [reading] = reader.read("Who led the US team?", [passage(text)])
    assert "Lutnick" in reading.spans[0].text


def test_a_passage_is_read_alike_alone_and_among_others(reader: SpanReader) -> None:
    others = [passage(TEXT[:n]) for n in (50, 90, 160)]
    [alone] = reader.read("Who led the US team?", [passage(TEXT)])
    among = reader.read("Who led the US team?", [*others, passage(TEXT)])[-1]
    assert among.spans[0].text == alone.spans[0].text
    assert among.spans[0].span_score == pytest.approx(alone.spans[0].span_score, abs=1e-3)


def test_weights_that_do_not_match_their_hash_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(rag.reading.MODELS, tmp_path / "models")
    card = tmp_path / "models" / "reader.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"sha256": "0" * 64}))
    monkeypatch.setattr(rag.reading, "MODELS", tmp_path / "models")
    with pytest.raises(ModelError, match="not the one expected"):
        SpanReader(BundledEmbedder("fp32")).read("Who?", [passage(TEXT)])
