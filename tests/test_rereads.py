"""What the reader learns from of what it was given to read a second time."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from rag import SourceError
from rag.embedding import BundledEmbedder
from rag.encoder import Encoder
from rag.spans import LENGTH
from rag.training import rereads
from rag.training.questions import Question
from rag.training.rereads import (
    Over,
    Reread,
    over_contexts,
    over_stories,
    read_rereads,
    reread_examples,
    reread_of,
)
from rag.training.texts import Article, Text
from rag.types import Evidence, Passage, Reading
from rag.weights import bundled_folder

HARBOUR = Article(
    "Harbour", "Ada Berg runs the harbour. She was born in Oslo. The quay is of oak and tar."
)
RAIL = Article("Rail", "Carl Dahl runs the railway. It goes to Bergen.")


class Marking:
    """A reader that marks some words wherever they stand."""

    name = "reader"

    def __init__(self, *words: str) -> None:
        self.words = words
        self.titles: set[str] = set()

    def read(self, _question: str, passages: Sequence[Passage], _spans: int = 5) -> list[Reading]:
        self.titles |= {passage.title for passage in passages}
        return [
            Reading(
                passage,
                tuple(
                    Evidence(passage.start + at, passage.start + at + len(words), words, -1.0)
                    for words in self.words
                    if (at := passage.text.find(words)) >= 0
                ),
                -1.0,
            )
            for passage in passages
        ]


def test_the_sentences_of_the_first_candidates_are_kept_with_what_answers() -> None:
    start = HARBOUR.text.index("Ada Berg")
    over = Over("Who runs the harbour?", (HARBOUR, RAIL), ((0, (start, start + 8)),))
    reader = Marking("Ada Berg", "Carl Dahl")
    found = reread_of(reader, over)
    assert found is not None
    assert "Ada Berg runs the harbour." in found.text
    assert "Carl Dahl runs the railway." in found.text
    assert [found.text[a:b] for a, b in found.answers] == ["Ada Berg"]
    assert reader.titles == {"Harbour", "Rail"}


def test_what_tempts_alone_has_no_answer_and_what_may_answer_is_not_kept() -> None:
    start = HARBOUR.text.index("Oslo")
    over = Over("Where was she born?", (HARBOUR, RAIL), ((0, (start, start + 4)),))
    tempted = reread_of(Marking("Bergen"), over)
    assert tempted is not None
    assert tempted.answers == ()
    again = Article("Again", "Oslo lies in the south.")
    assert reread_of(Marking("south"), Over(over.question, (HARBOUR, again), over.answers)) is None
    assert reread_of(Marking("nobody"), over) is None


def test_a_story_is_asked_whole_or_without_what_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ((0, (0, 8)),)
    story = Text((HARBOUR, RAIL), (("Who runs the harbour?", answers),), "train")
    others = [Text((HARBOUR,), story.questions, "train"), Text(story.articles, (), "tune")]
    for share, expected in ((0.0, (HARBOUR, RAIL)), (1.0, (RAIL,))):
        monkeypatch.setattr(rereads, "WITHOUT", share)
        [over] = over_stories([story, *others], 3, random.Random(1))
        assert over.articles == expected
        assert over.answers == (() if share else answers)


def test_contexts_near_the_question_stand_beside_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rereads, "WITHOUT", 0.0)
    texts = [f"Harbour {n} was built in 19{n}0 by the town." for n in range(6)]
    questions = [
        Question(f"When was harbour {n} built?", text, ((23, 27),), "train", "set", f"Harbour {n}")
        for n, text in enumerate(texts)
    ]
    asked = list(over_contexts({"set": questions}, 4, BundledEmbedder("auto"), random.Random(1)))
    assert len(asked) == 4
    for over in asked:
        own, *others = over.articles
        assert over.question == f"When was {own.title.lower()} built?"
        assert 3 <= len(others) <= 5
        assert own not in others
        assert own.text[slice(*over.answers[0][1])].isdigit()


def test_they_are_read_back_and_seen_as_the_reader_sees_them(tmp_path: Path) -> None:
    file = tmp_path / "rereads.jsonl"
    text = "Ada Berg runs it.\n\nCarl Dahl left.\n\n"
    rows = [
        {"question": "Who runs it?", "text": text, "answers": [[0, 8]]},
        {"question": "Who sang?", "text": text, "answers": []},
        {"question": "Who?", "text": "and so on " * 400 + "Ada Berg", "answers": [[4000, 4008]]},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_rereads(file)
    assert found[0] == Reread("Who runs it?", text, ((0, 8),))
    encoder = Encoder(bundled_folder(), bf16=False)
    first, second, long = reread_examples(encoder, found)
    [(start, end)] = first.answers
    assert encoder.decode(first.ids[start : end + 1]) == "ada berg"
    assert second.answers == ()
    [(start, end)] = long.answers
    assert len(long.ids) == LENGTH
    assert encoder.decode(long.ids[start : end + 1]) == "ada berg"


@pytest.mark.parametrize("content", ["no json", '{"question": "Who?"}', "[1]"])
def test_another_file_is_a_clear_error(tmp_path: Path, content: str) -> None:
    file = tmp_path / "rereads.jsonl"
    with pytest.raises(SourceError, match=r"rereads\.jsonl cannot be read"):
        read_rereads(file)
    file.write_text(content)
    with pytest.raises(SourceError, match="cannot be read as rereads"):
        read_rereads(file)
