"""What the reader is given to read a second time, to learn from.

    python -m rag.training.rereads FILE... --out FILE [--stories N] [--each N]

FILEs are question sets (see rag.training.questions). Asked are N of the 'train' questions of each,
and of those written on their contexts (rag.training.written), over their own context and some near
the question; and of N 'train' stories ASKED questions each over the articles (rag.training.texts).
Of some, the texts that answer are left out. Kept are the sentences of the reader's first candidates
as one text (`rag.rereading.join`): what tempts it most.
A line has the `question`, the `text` and its `answers`, spans of it, none where none answers.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from rag.deciding import weigh
from rag.embedding import BundledEmbedder
from rag.encoder import Encoder
from rag.errors import SourceError
from rag.kinds import plain
from rag.reading import Reader, SpanReader
from rag.rereading import CANDIDATES, join
from rag.sentences import split_sentences
from rag.training.asking import bar
from rag.training.command import exit_code
from rag.training.examples import Context, Draft, Example, encode
from rag.training.questions import Question, read_questions
from rag.training.texts import Article, Text, read_texts
from rag.training.written import written_questions
from rag.types import Passage, Span

ASKED = 18  # questions of a story
NEAREST = 10  # contexts near a question that others are taken from
OTHERS = (3, 5)  # those others
PASSAGE = 900  # characters of a passage that is read, unless a sentence has more
WITHOUT = 0.2  # share of the questions with an answer that are asked without what answers them


@dataclass(frozen=True, slots=True)
class Over:
    """A question over some articles, and where in them it is answered: an article's number and a
    span of its text."""

    question: str
    articles: tuple[Article, ...]
    answers: tuple[tuple[int, Span], ...]

    def told_in(self, text: str) -> bool:
        """Whether the words of an answer stand in a text."""
        return any(
            self.articles[place].text[start:end].lower() in text.lower()
            for place, (start, end) in self.answers
        )


@dataclass(frozen=True, slots=True)
class Reread:
    """A question, what is read the second time, and the spans of that which answer."""

    question: str
    text: str
    answers: tuple[Span, ...]


def read_rereads(file: Path) -> list[Reread]:
    """Those that a file has, as `main` writes it.

    Raises:
        SourceError: the file cannot be read as such.
    """
    try:
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        return [
            Reread(row["question"], row["text"], tuple((a, b) for a, b in row["answers"]))
            for row in rows
        ]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SourceError(
            f"{file} cannot be read as rereads: {type(error).__name__} {error}.",
            hint="Make it with python -m rag.training.rereads.",
        ) from error


def reread_examples(encoder: Encoder, rereads: Sequence[Reread]) -> list[Example]:
    """Rereads as the reader sees them."""
    encodings = encoder.tokenize([one.text for one in rereads], special=False)
    drafts = []
    for one, encoding in zip(rereads, encodings, strict=True):
        context = Context(one.text, encoding, "", [])
        answers = [tokens for tokens in map(context.tokens_of, one.answers) if tokens]
        drafts.append(Draft(one.question, encoding.ids, (), answers))
    return encode(encoder, drafts)


def reread_of(reader: Reader, over: Over) -> Reread | None:
    """What the reader is given to read a second time.

    None where it proposes nothing, or where words that answer elsewhere stand in what it proposes,
    since they may answer there too.
    """
    passages = [p for place, one in enumerate(over.articles) for p in _passages(str(place), one)]
    text = plain(over.question)
    groups = weigh(reader.read(text, passages))[:CANDIDATES]
    if not groups:
        return None
    joined, pieces = join([found.members[0] for found, _ in groups])
    answers = tuple(
        (start - piece.start + piece.place, end - piece.start + piece.place)
        for piece in pieces
        for place, (start, end) in over.answers
        if piece.passage.source == str(place) and piece.start <= start and end <= piece.end
    )
    if not answers and over.told_in(joined.text):
        return None
    return Reread(over.question, joined.text, answers)


def _passages(name: str, article: Article) -> list[Passage]:
    """An article in stretches of whole sentences, as retrieval returns them."""
    runs: list[list[Span]] = []
    for start, end in split_sentences(article.text):
        if runs and end - runs[-1][0][0] <= PASSAGE:
            runs[-1].append((start, end))
        else:
            runs.append([(start, end)])
    return [
        Passage(
            name,
            run[0][0],
            run[-1][1],
            article.text[run[0][0] : run[-1][1]],
            1.0,
            sentences=tuple(run),
            title=article.title,
        )
        for run in runs
    ]


def over_stories(stories: Sequence[Text], number: int, rng: random.Random) -> Iterator[Over]:
    """Questions of some stories, each over its story's articles."""
    several = [s for s in stories if s.split == "train" and len(s.articles) > 1]
    for story in rng.sample(several, min(number, len(several))):
        asked = story.questions
        for question, answers in rng.sample(asked, min(ASKED, len(asked))):
            yield _some_without(Over(question, story.articles, answers), rng)


def over_contexts(
    questions: Mapping[str, Sequence[Question]],
    number: int,
    embedder: BundledEmbedder,
    rng: random.Random,
) -> Iterator[Over]:
    """Questions by the set whose contexts they are on, each over its own context and some that are
    near the question and do not have the words of its answer."""
    for asked in questions.values():
        titles = {question.context: question.title for question in asked}
        contexts = list(titles)
        vectors = embedder.embed(contexts)
        some = rng.sample(list(asked), min(number, len(asked)))
        vectors_asked = embedder.embed([question.text for question in some])
        for question, vector in zip(some, vectors_asked, strict=True):
            said = {question.context[a:b].lower() for a, b in question.answers}
            near = [contexts[i] for i in np.argsort(-(vectors @ vector))[:NEAREST]]
            others = [
                context
                for context in near
                if context != question.context and not any(w in context.lower() for w in said)
            ][: rng.randint(*OTHERS)]
            articles = tuple(Article(titles[c], c) for c in [question.context, *others])
            answers = tuple((0, span) for span in question.answers)
            yield _some_without(Over(question.text, articles, answers), rng)


def _some_without(over: Over, rng: random.Random) -> Over:
    """A question, or now and then the same without the articles that answer it."""
    answering = {place for place, _ in over.answers}
    rest = tuple(one for place, one in enumerate(over.articles) if place not in answering)
    told = any(over.told_in(one.text) for one in rest)
    if not answering or not rest or told or rng.random() >= WITHOUT:
        return over
    return Over(over.question, rest, ())


def main() -> None:
    """Ask, and write what is read the second time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", type=Path, help="question sets")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--stories", type=int, default=240)
    parser.add_argument("--each", type=int, default=420, help="questions of each set")
    given = parser.parse_args()
    rng = random.Random(1)  # noqa: S311
    by_set: dict[str, list[Question]] = defaultdict(list)
    for question in chain.from_iterable(map(read_questions, given.files)):
        if question.split == "train":
            by_set[question.set_name].append(question)
    of_set = {q.context: name for name, asked in by_set.items() for q in asked}
    for question in written_questions(dict.fromkeys(of_set, "train")):
        if question.split == "train":
            by_set[f"written on {of_set[question.context]}"].append(question)
    embedder = BundledEmbedder("auto")
    reader = SpanReader(embedder)
    with given.out.open("w") as out:  # before what takes minutes: it may be a wrong path
        asked = [
            *over_stories(read_texts(), given.stories, rng),
            *over_contexts(by_set, given.each, embedder, rng),
        ]
        for over in bar(asked, "Reading"):
            if found := reread_of(reader, over):
                row = {"question": found.question, "text": found.text, "answers": found.answers}
                out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    sys.exit(exit_code(main))
