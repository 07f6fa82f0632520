"""Texts written for this project to learn reading from, with their questions: `texts.jsonl`.

News stories of invented people and events, each told by three articles as agencies, broadcasters
and papers would at different moments, and passages as in an encyclopaedia. Their questions are
plain, as a news quiz, in two sentences or as in a chat; two in five have no answer, though
something of the type asked for is there: of another person, event, time or role. Then more
passages, reviews and posts, with questions as crowd workers ask and answer them: two in five begin
with "what", answers are of one word to fifteen and often marked in two ways, and a quarter have
none. Last, stories of which half or more of the questions with an answer keep hardly a word of the
sentence that has it, and half or more of those without one keep all but what matters. On 468 of the
stories stand twelve more questions each of kinds that were hardly there: yes or no (the answer is
the clause that settles it), what somebody said, several things at once, why and how.

A line has a story's articles (one for a passage), each with a title and a text, and its questions
with their answers: [article, start, end] for every article in which the answer stands (code points
of its text), several where it may be worded otherwise, none where none answers. Stories whose first
text has 1 as the first hex digit of its SHA-256 are 'tune': they choose a reader, and fit the
calibration.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.matching import share, stems
from rag.training.questions import Question, Split, digest
from rag.types import Span

FILE = Path(__file__).parent / "texts.jsonl"


@dataclass(frozen=True, slots=True)
class Article:
    """A text, and its title."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A story's articles, or a passage alone, and every question on it with where its answers
    stand: an article's number and a span of its text."""

    articles: tuple[Article, ...]
    questions: tuple[tuple[str, tuple[tuple[int, Span], ...]], ...]
    split: Split


def read_texts() -> list[Text]:
    """All stories and passages."""
    return [_text(json.loads(line)) for line in FILE.read_text().splitlines()]


def _text(row: dict[str, Any]) -> Text:
    articles = tuple(Article(one["title"], one["text"]) for one in row["articles"])
    questions = tuple(
        (one["question"], tuple((place, (start, end)) for place, start, end in one["answers"]))
        for one in row["questions"]
    )
    return Text(articles, questions, "tune" if digest(articles[0].text)[0] == "1" else "train")


def text_questions() -> Iterator[Question]:
    """Every question on each article that answers it, or on the one that has most of its words."""
    for text in read_texts():
        words = [stems(f"{article.title} {article.text}") for article in text.articles]
        for question, answers in text.questions:
            wanted = stems(question)
            found: dict[int, list[Span]] = {}
            for place, span in answers:
                found.setdefault(place, []).append(span)
            if not found:
                closest = max(range(len(words)), key=lambda i: share(wanted, words[i]))
                found[closest] = []
            for place, spans in found.items():
                article = text.articles[place]
                yield Question(
                    question, article.text, tuple(spans), text.split, "texts", article.title
                )
