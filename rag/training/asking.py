"""What the calibration asks: questions that trained nothing, with what the product retrieves.

The contexts of question sets become documents, and a quarter of the questions of their 'tune' split
are asked over all of them and over a few that stand next to their own, which are mostly about the
same thing; each answerable one again without its own document, so that what is left are near
misses. Of every title of those contexts, and of a name in each, it is also asked to be told about
it ("Tell me about Baltic Sea."), which sentences of a text that has that title or name do. The
questions of the 'tune' stories are asked over each story's articles alone: five of RealTimeQA
(rag.training.stories), three of those that were invented (rag.training.texts).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rag.pipeline import Rag
from rag.training.questions import Question, digest, read_questions
from rag.training.stories import Name, open_story, read_articles, read_stories
from rag.training.texts import read_texts
from rag.types import Passage, Span

PASSAGES = 10
SIZES = (4, 12, 40)  # documents of a small collection
STORIES, INVENTED = "stories", "invented stories"  # origins of what is asked over a story
_BRACKETS = re.compile(r"\s*\([^)]*\)$")  # of a title: "Beauty and the Beast (2017 film)"
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)+")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the passages to be read, and what is right: the `accepted` answers, or
    sentences in one of the stretches of `evidence`, each a source and a span of it; both are empty
    where nothing is."""

    text: str
    passages: tuple[Passage, ...]
    accepted: tuple[str, ...]
    origin: str
    evidence: tuple[tuple[str, Span], ...] = ()


def ask_sets(files: Sequence[Path], work: Path) -> Iterator[Asked]:
    """The 'tune' questions of the sets over their contexts."""
    questions = [question for file in files for question in read_questions(file)]
    documents = work / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    contexts = list(dict.fromkeys(question.context for question in questions))
    names = {context: f"{digest(context)[:20]}.txt" for context in contexts}
    for context, name in names.items():
        (documents / name).write_text(context, newline="")
    with Rag.open(home=work / "sets") as rag:
        rag.ingest(documents)
        library = Library(rag, list(names.values()))
        for question in bar([q for q in questions if q.split == "tune" and _some(q.text)]):
            accepted = tuple(question.context[a:b] for a, b in question.answers)
            own = names[question.context]
            yield from library.ask(question.text, accepted, own, question.set_name)
        for topic, found in bar([item for item in topics(questions).items() if _some(item[0])]):
            yield from library.ask_about(topic, {names[c]: spans for c, spans in found.items()})


def _some(text: str) -> bool:
    """A quarter of all, by hash: enough for a few weights, not many more than the stories."""
    return digest(text)[0] in "0123"


def topics(questions: Sequence[Question]) -> dict[str, dict[str, list[Span]]]:
    """What to be told about, and where in which contexts that is done: of the titles of the 'tune'
    contexts, "(film)" left out, all of a context; of the names in each the first by its hash, where
    it stands."""
    contexts = {question.context: question.title for question in questions}
    contexts |= {question.context: question.title for question in questions if question.title}
    tuned = dict.fromkeys(question.context for question in questions if question.split == "tune")
    found: dict[str, dict[str, list[Span]]] = defaultdict(dict)
    titles = {_BRACKETS.sub("", contexts[context]) for context in tuned} - {""}
    for context, title in contexts.items():
        if (topic := _BRACKETS.sub("", title)) in titles:
            found[topic][context] = [(0, len(context))]
    for context in tuned:
        if said := _NAME.findall(context):
            name = min(said, key=digest)
            for other in contexts:
                if spans := [m.span() for m in re.finditer(rf"\b{re.escape(name)}\b", other)]:
                    found[name].setdefault(other, spans)
    return dict(found)


def ask_stories(folder: Path, work: Path) -> Iterator[Asked]:
    """The questions of the 'tune' stories, each over its story's articles alone."""
    articles = read_articles(folder)
    for number, story in enumerate(bar([s for s in read_stories() if s.split == "tune"])):
        asked = [
            (one.text, () if one.kind == "yes_no" else one.accepted, one.evidence)
            for one in story.questions
        ]
        texts = {name: articles[name] for name in story.documents}
        yield from _over_story(texts, asked, STORIES, work / f"story-{number}")


def ask_invented(work: Path) -> Iterator[Asked]:
    """The same of the 'tune' stories that were invented."""
    stories = [t for t in read_texts() if t.split == "tune" and len(t.articles) > 1]
    for number, story in enumerate(bar(stories)):
        texts = {place: article.text for place, article in enumerate(story.articles)}
        asked = [
            (question, tuple(texts[place][slice(*span)] for place, span in answers), answers)
            for question, answers in story.questions
        ]
        yield from _over_story(texts, asked, INVENTED, work / f"invented-{number}")


def _over_story(
    texts: Mapping[Name, str],
    asked: Sequence[tuple[str, tuple[str, ...], Sequence[tuple[Name, Span]]]],
    origin: str,
    work: Path,
) -> Iterator[Asked]:
    """Questions over some articles, each with its accepted answers and where it is answered."""
    with open_story(texts, work) as (rag, sources):
        for question, accepted, places in asked:
            passages = tuple(rag.retrieve(question, k=PASSAGES))
            evidence = tuple((sources[name], span) for name, span in places)
            yield Asked(question, passages, accepted, origin, evidence)


class Library:
    """Documents in an order in which neighbours are about the same thing."""

    def __init__(self, rag: Rag, sources: Sequence[str]) -> None:
        self._rag = rag
        self._sources = sources
        self._places = {source: place for place, source in enumerate(sources)}

    def ask(
        self, question: str, accepted: tuple[str, ...], own: str, origin: str
    ) -> Iterator[Asked]:
        """A question over all documents and over some about its own, with its own and without."""
        few = self._around(own, SIZES[int(digest(question), 16) % len(SIZES)])
        found = self._rag.retrieve(question, k=PASSAGES)
        others = [passage for passage in found if passage.source != own]
        yield from _asked(question, found, others, accepted, f"{origin}, all")
        found = self._rag.retrieve(question, k=PASSAGES, sources=few)
        others = self._rag.retrieve(question, k=PASSAGES, sources=[s for s in few if s != own])
        yield from _asked(question, found, others, accepted, f"{origin}, few")

    def ask_about(self, topic: str, about: Mapping[str, Sequence[Span]]) -> Iterator[Asked]:
        """To be told about a topic, over all documents and over some next to one of those that do,
        with those and without; `about` has the sources and where in them."""
        question = f"Tell me about {topic}."
        size = SIZES[int(digest(question), 16) % len(SIZES)]
        few = self._around(min(about), size)
        found = self._rag.retrieve(question, k=PASSAGES)
        others = [passage for passage in found if passage.source not in about]
        yield from _told(question, topic, found, others, about, "topics, all")
        found = self._rag.retrieve(question, k=PASSAGES, sources=few)
        rest = [source for source in few if source not in about]
        others = self._rag.retrieve(question, k=PASSAGES, sources=rest) if rest else []
        yield from _told(question, topic, found, others, about, "topics, few")

    def _around(self, own: str, size: int) -> Sequence[str]:
        place = self._places[own]
        start = max(0, min(place - size // 2, len(self._sources) - size))
        return self._sources[start : start + size]


def _asked(
    question: str,
    found: Sequence[Passage],
    others: Sequence[Passage],
    accepted: tuple[str, ...],
    origin: str,
) -> Iterator[Asked]:
    """A question with what was found, and where it has an answer with what does not say it."""
    yield Asked(question, tuple(found), accepted, origin)
    said = any(answer.lower() in passage.text.lower() for answer in accepted for passage in others)
    if accepted and not said:
        yield Asked(question, tuple(others), (), f"{origin} but its own")


def _told(
    question: str,
    topic: str,
    found: Sequence[Passage],
    others: Sequence[Passage],
    about: Mapping[str, Sequence[Span]],
    origin: str,
) -> Iterator[Asked]:
    """A request with what was found, and with what has nothing about its topic."""
    evidence = tuple((source, span) for source, spans in about.items() for span in spans)
    yield Asked(question, tuple(found), (), origin, evidence)
    if others and not any(topic.lower() in passage.text.lower() for passage in others):
        yield Asked(question, tuple(others), (), f"{origin} but its own")


def bar(items: Sequence[Any], doing: str = "Asking") -> Iterable[Any]:
    """The items, with progress where a person looks on."""
    return tqdm(items, desc=doing, disable=None, leave=False)
