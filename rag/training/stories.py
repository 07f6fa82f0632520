"""Questions written for this project on stories: five news articles on one event each.

The articles are RealTimeQA's, which are not here: `stories.jsonl` names them, and where in them an
answer stands (code points of title, blank line and text). Of a story's 16 questions ten have an
answer, half of these in other words than the articles'; six are near misses. What people ask of a
few documents on one thing is not what they ask of Wikipedia: the calibration is fitted on both.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rag.gold import Absent, Kind
from rag.pipeline import Rag
from rag.training.questions import Split, digest
from rag.types import Span

FILE = Path(__file__).parent / "stories.jsonl"
Name = TypeVar("Name")  # of an article in its story: its id, its place


@dataclass(frozen=True, slots=True)
class StoryQuestion:
    """A question on a story: accepted answers, and where sentences that answer it stand, as the
    document's id and a span; `absent` says what is missing, None where it has an answer."""

    text: str
    kind: Kind
    accepted: tuple[str, ...]
    evidence: tuple[tuple[str, Span], ...]
    absent: Absent | None


@dataclass(frozen=True, slots=True)
class Story:
    """Five documents by their ids, and the questions on them. 'test' is for measuring alone."""

    documents: tuple[str, ...]
    questions: tuple[StoryQuestion, ...]
    split: Split


def read_stories() -> list[Story]:
    """All stories; a quarter, by their first document's hash, are 'test', the others 'tune'."""
    return [_story(json.loads(line)) for line in FILE.read_text().splitlines()]


def _story(row: dict[str, Any]) -> Story:
    documents = tuple(row["documents"])
    questions = tuple(
        StoryQuestion(
            one["question"],
            one["kind"],
            tuple(one["answers"]),
            tuple((documents[place], (start, end)) for place, start, end in one["evidence"]),
            one["absent"],
        )
        for one in row["questions"]
    )
    held_out = digest(documents[0])[0] in "0123"
    return Story(documents, questions, "test" if held_out else "tune")


def read_articles(folder: Path) -> dict[str, str]:
    """RealTimeQA's articles by their ids, in the form that the questions' spans count in."""
    text = gzip.decompress((folder / "corpus.jsonl.gz").read_bytes()).decode()
    return {
        row["doc_id"]: f"{row['title']}\n\n{row['text']}" if row["title"] else row["text"]
        for row in (json.loads(line) for line in text.split("\n") if line)
    }


@contextmanager
def open_story(articles: Mapping[Name, str], work: Path) -> Iterator[tuple[Rag, dict[Name, str]]]:
    """Some articles, indexed in a folder of their own, and their sources by the same names; with a
    threshold of 0, so that it always answers."""
    documents = work / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    sources = {name: f"{place}.txt" for place, name in enumerate(articles)}
    for name, source in sources.items():
        (documents / source).write_text(articles[name], newline="")
    with Rag.open(home=work / "home", threshold=0) as rag:
        rag.ingest(documents)
        yield rag, sources
