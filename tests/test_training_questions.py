"""What the reader learns from beyond the usual sets: QAMR, made questions, near misses."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from rag import SourceError
from rag.encoder import Encoder
from rag.training import texts, written
from rag.training.contrasts import contrast
from rag.training.posts import find_posts, post_questions
from rag.training.questions import Split, digest, read_contexts, read_questions
from rag.training.slots import Slots
from rag.weights import bundled_folder

SENTENCES = """
Wiki1k:wikinews:7:0:0	The bank 's governor , Ann Lee , spoke in Rome -LRB- Italy -RRB- on Monday .
Wiki1k:wikinews:7:0:1	`` It is n't over , '' she said .
Wiki1k:wikinews:7:2:0	Prime Minister Carl Berg paid $ 40 million for it .
Wiki1k:wikipedia:9:4:0	A stone lies there .
""".lstrip()
WRITTEN = (
    "The bank's governor, Ann Lee, spoke in Rome (Italy) on Monday. “It isn't over,” she said."
    "\n\nPrime Minister Carl Berg paid $40 million for it."
)


def qamr(folder: Path, *rows: str) -> Path:
    """A folder with QAMR's two tables; a row is 'sentence | question | answers of three'."""
    (folder / "wiki-sentences.tsv").write_text(SENTENCES)
    lines = []
    for row in rows:
        sentence, question, *marks = (part.strip() for part in row.split("|"))
        answers = "\t".join(f"{worker}:{mark}" for worker, mark in enumerate(marks))
        lines.append(f"Wiki1k:wikinews:7:{sentence}\t1 2\t3\t0\t1\t{question}\t{answers}\n")
    file = folder / "filtered_dev.tsv"
    file.write_text("".join(lines))
    return file


def answers(file: Path) -> list[list[str]]:
    return [[q.context[a:b] for a, b in q.answers] for q in read_questions(file)]


def test_sentences_are_written_as_people_write_them(tmp_path: Path) -> None:
    file = qamr(tmp_path, "0:0 | Where did Ann Lee speak? | 10 | 10 | 10")
    [question] = read_questions(file)
    assert question.context == WRITTEN
    assert answers(file) == [["Rome"] * 3]
    assert list(read_contexts(file)) == [WRITTEN, "A stone lies there."]


def test_answers_are_widened_to_whole_names_and_amounts(tmp_path: Path) -> None:
    file = qamr(
        tmp_path,
        "0:0 | Which governor spoke in Rome? | 6 | 5 6 | 6",
        "2:0 | How much did Prime Minister Berg pay? | 6 | 6 7 | 5 6 7",
    )
    assert answers(file) == [["Ann Lee"] * 3, ["$40 million"] * 3]


@pytest.mark.parametrize(
    "row",
    [
        "0:0 | Who spoke? | 5 6 | 5 6 | 5 6",  # of what?
        "0:0 | Who spoke there on that day? | 5 6 | 5 6 | 5 6",  # names nothing
        "0:0 | Where did Ann Lee speak? | 10 | 10 | 14",  # they differ
        "0:0 | Where did Ann Lee speak? | 10 | 10 | ",  # one saw no answer
        "0:0 | Where did Ann Lee speak? | 0 1 10 | 10 | 10",  # in pieces
        "0:1 | Who said it on a Monday in Rome? | 8 | 8 | 8",  # names nothing of its sentence
    ],
)
def test_vague_questions_and_doubtful_answers_are_left_out(tmp_path: Path, row: str) -> None:
    assert read_questions(qamr(tmp_path, row)) == []


def test_questions_without_their_sentences_are_a_clear_error(tmp_path: Path) -> None:
    file = qamr(tmp_path, "0:0 | Where did Ann Lee speak? | 10 | 10 | 10")
    (tmp_path / "wiki-sentences.tsv").unlink()
    with pytest.raises(SourceError, match="cannot be read as questions"):
        read_questions(file)
    with pytest.raises(SourceError, match="cannot be read as questions"):
        read_contexts(file)


@pytest.mark.parametrize(
    ("text", "person", "post"),
    [
        ("There the U.S. Commerce Secretary Ann Lee left.", "Ann Lee", "U.S. Commerce Secretary"),
        ("Ann Lee, the head of the World Bank, left.", "Ann Lee", "head of the World Bank"),
        ("He met the US finance minister, Ann Lee, there.", "Ann Lee", "US finance minister"),
        ("Ann Lee is the mayor of New York and runs.", "Ann Lee", "mayor of New York"),
        ("Ann Lee, president of Oslo University, left.", "Ann Lee", "president of Oslo University"),
    ],
)
def test_people_are_found_with_their_posts(text: str, person: str, post: str) -> None:
    [found] = find_posts(text)
    assert (text[slice(*found.person)], text[slice(*found.post)]) == (person, post)


@pytest.mark.parametrize(
    "text",
    [
        "The president of the Second Continental Congress spoke.",
        "A judge of the Supreme Court spoke.",
        "The director of Los Alamos Laboratory left.",
    ],
)
def test_bodies_are_no_people(text: str) -> None:
    assert find_posts(text) == []


def test_each_post_gives_questions_and_near_misses() -> None:
    contexts: dict[str, Split] = {
        "Commerce Secretary Ann Lee left Rome.": "train",
        "In Oslo, Interior Secretary Carl Berg spoke.": "tune",
    }
    made = list(post_questions(contexts))
    for context, split in contexts.items():
        here = [question for question in made if question.context == context]
        other = "Interior" if "Ann" in context else "Commerce"
        assert {question.split for question in here} == {split}
        assert {q.context[a:b] for q in here for a, b in q.answers} == (
            {"Ann Lee", "Commerce Secretary"}
            if "Ann" in context
            else {"Carl Berg", "Interior Secretary"}
        )
        near_misses = [q.text for q in here if not q.answers]
        assert any(f"{other} Secretary" in text for text in near_misses)
        assert not any("Commerce" in text and "Interior" in text for text in near_misses)
        own = "Commerce" if "Ann" in context else "Interior"
        assert not any(own in text for text in near_misses)
    assert made == list(post_questions(contexts))


def test_other_posts_are_put_in_a_posts_place() -> None:
    """The text then says who holds the one that is asked for, or one that is not."""
    text = "On Monday, US Health Secretary Ann Lee left for the states of the south."
    made = [
        question
        for number in range(40)
        for question in post_questions({f"{text} {number}": "tune"})
        if not question.context.startswith(text)
    ]
    for question in made:
        assert question.split == "tune"
        post = question.context.removeprefix("On Monday, ").partition(" Ann Lee")[0]
        office = set(re.findall(r"\w+", post)) - {
            *["US", "U", "S", "UK", "British", "Chinese", "French", "German"]
        }
        assert {question.context[a:b] for a, b in question.answers} <= {"Ann Lee"}
        if question.answers:
            assert office - {"Indian"} <= set(re.findall(r"\w+", question.text))
    assert sum(not question.answers for question in made) == len(made) / 2
    asked = [question.text for question in made if not question.answers]
    assert any("of State" in question for question in asked)  # "states" names no office


def test_nations_are_asked_about_in_several_ways() -> None:
    text = "Chinese Commerce Minister Li Wei met {} in Rome."
    made = {
        question.text
        for number in range(40)
        for question in post_questions({text.format(f"guest {number}"): "train"})
    }
    assert any("China's" in question for question in made)
    assert any("of China?" in question for question in made)
    assert any("Chinese Commerce Minister" in question for question in made)


def test_a_word_is_exchanged_for_another_of_its_place() -> None:
    rng = random.Random(1)
    asked = [f"What is the {w} of {n}?" for w in ("capital", "population") for n in range(3)]
    asked += ["What is the name of it?"] * 5 + ["What is the color of it?"]
    slots = Slots(asked, Encoder(bundled_folder(), bf16=False))
    changed = {slots.exchange("What is the capital of Peru?", "Lima.", rng) for _ in range(20)}
    assert changed == {"What is the population of Peru?"}  # "color" was asked for once
    text = "Its population is 34 million."
    assert slots.exchange("What is the capital of Peru?", text, rng) is None  # it is in the text
    assert slots.exchange("Who is it?", "Lima.", rng) is None
    assert slots.exchange("", "", rng) is None


def test_a_contrast_asks_for_what_the_text_does_not_say() -> None:
    rng = random.Random(1)
    text = "The king bought the largest boat in May."
    changed = {contrast("Who bought the largest boat?", text, rng) for _ in range(50)}
    assert "Who sold the largest boat?" in changed
    assert "Who bought the smallest boat?" in changed
    assert None not in changed
    assert contrast("Who rowed?", text, rng) is None
    assert contrast("Who sold it?", "He bought it.", rng) is None  # "bought" is in the text


def test_written_questions_are_on_the_contexts_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "Ann Lee spoke in Rome."
    key = digest(text)[:16]
    rows = [
        {"context": key, "question": "Where did Ann Lee speak?", "answer": [17, 21]},
        {"context": key, "question": "Where did Ann Lee live?", "answer": None},
        {"context": "0" * 16, "question": "Who else?", "answer": None},
    ]
    file = tmp_path / "written.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    monkeypatch.setattr(written, "FILE", file)
    known, absent = written.written_questions({text: "test"})
    assert [text[a:b] for a, b in known.answers] == ["Rome"]
    assert absent.answers == ()
    assert {known.split, absent.split} == {"test"}


def test_written_questions_are_well_formed() -> None:
    rows = [json.loads(line) for line in written.FILE.read_text().splitlines()]
    assert len({(row["context"], row["question"]) for row in rows}) == len(rows)
    absent = sum(row["answer"] is None for row in rows)
    assert 0.35 < absent / len(rows) < 0.45
    assert all(row["context"][0] != "1" for row in rows)  # of such contexts all are for tuning
    assert all(row["answer"] is None or row["answer"][0] < row["answer"][1] for row in rows)


def test_a_story_is_asked_about_where_it_answers_or_may_seem_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles = [
        {"title": "Talks end", "text": "The talks ended in Oslo."},
        {"title": "Next round", "text": "After Oslo the envoys meet in Lima, where they ate."},
    ]
    questions = [
        {"question": "Where did the talks end?", "answers": [[0, 19, 23], [1, 6, 10], [0, 16, 23]]},
        {"question": "What did the envoys eat in Lima?", "answers": []},
    ]
    file = tmp_path / "texts.jsonl"
    file.write_text(json.dumps({"articles": articles, "questions": questions}) + "\n")
    monkeypatch.setattr(texts, "FILE", file)
    found = list(texts.text_questions())
    assert [q.title for q in found] == ["Talks end", "Next round", "Next round"]
    said = [[q.context[a:b] for a, b in q.answers] for q in found]
    assert said == [["Oslo", "in Oslo"], ["Oslo"], []]


def test_texts_are_well_formed() -> None:
    stories = [json.loads(line) for line in texts.FILE.read_text().splitlines()]
    assert {len(story["articles"]) for story in stories} == {1, 3}
    absent = total = 0
    for story in stories:
        asked = story["questions"]
        assert len({item["question"] for item in asked}) == len(asked)
        for place, start, end in (span for item in asked for span in item["answers"]):
            said = story["articles"][place]["text"][start:end]
            assert said == said.strip() != ""
        absent += sum(not item["answers"] for item in asked)
        total += len(asked)
    assert 0.3 < absent / total < 0.4
