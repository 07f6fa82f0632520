"""Texts written for this project to learn reading from, with their questions: `texts.jsonl`.

News stories of invented people and events, each told by three articles as agencies, broadcasters
and papers would at different moments, and passages as in an encyclopaedia. Their questions are
plain, as a news quiz, in two sentences or as in a chat; two in five have no answer, though
something of the type asked for is there: of another person, event, time or role. Then more
passages, reviews and posts, with questions as crowd workers ask and answer them: two in five begin
with "what", answers are of one word to fifteen and often marked in two ways, and a quarter have
none.

A line has a story's articles (one for a passage), each with a title and a text, and its questions
with their answers: [article, start, end] for every article in which the answer stands (code points
of its text), several where it may be worded otherwise, none where none answers. Stories whose first
text has 1 as the first hex digit of its SHA-256 are 'tune', to choose a reader by.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rag.matching import share, stems
from rag.training.questions import Question, Split, digest
from rag.types import Span

FILE = Path(__file__).parent / "texts.jsonl"


def text_questions() -> Iterator[Question]:
    """Every question on each article that answers it, or on the one that has most of its words."""
    for line in FILE.read_text().splitlines():
        story = json.loads(line)
        articles = story["articles"]
        split: Split = "tune" if digest(articles[0]["text"])[0] == "1" else "train"
        words = [stems(f"{article['title']} {article['text']}") for article in articles]
        for item in story["questions"]:
            wanted = stems(item["question"])
            found: dict[int, list[Span]] = {}
            for place, start, end in item["answers"]:
                found.setdefault(place, []).append((start, end))
            if not found:
                closest = max(range(len(articles)), key=lambda i: share(wanted, words[i]))
                found[closest] = []
            for place, answers in found.items():
                text, title = articles[place]["text"], articles[place]["title"]
                yield Question(item["question"], text, tuple(answers), split, "texts", title)
