"""From questions to what the reader sees: tokens of a question and a passage, and the span in it.

Passages as retrieval returns them: contexts cut at sentences, the title of their document before
them, and passages that do not answer.
Those are found with the embedder (other contexts near the question), made by leaving out the
sentences that answer, or by putting into the question another name or year, or a word that excludes
its own (`rag.training.contrasts`).
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rag.encoder import Encoder
from rag.kinds import as_read
from rag.matching import share, stems
from rag.sentences import split_sentences
from rag.spans import LENGTH, QUESTION, TITLE
from rag.titles import title_before, title_of
from rag.training.contrasts import contrast
from rag.training.questions import Question, digest
from rag.training.slots import Slots
from rag.types import Span

NEGATIVES = 0.9  # passages without the answer for each one with it
NEAREST = 12  # contexts near a question that negatives are drawn from
KINDS = {  # shares of the negatives
    "near": 0.4,
    "mixed": 0.1,
    "cut": 0.15,
    "swapped": 0.15,
    "contrast": 0.1,
    "slot": 0.1,
}
MIXED = 0.25  # share of the answerable questions whose answer stands among other texts' sentences
OTHERS = (1, 3)  # those other texts
PIECE = (15, 60)  # tokens of each
TITLED = 0.8  # share of the contexts whose document's title is read with them
WHOLE = 0.35  # share of contexts that are not cut
WINDOW = (50, 180)  # tokens that a cut context has
MIN_TOKENS = 30  # of a context whose answering sentences were left out

_NAME = re.compile(r"(?<!^)\b[A-Z][\w.'-]*\w(?: [A-Z][\w.'-]*\w)*")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids of [CLS] question [SEP] title passage [SEP]; the title begins at `pair`, the
    passage at `passage`.

    `answers` are the first and last token of each annotator's answer, none where there is none.
    """

    ids: tuple[int, ...]
    pair: int
    passage: int
    answers: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A question and the tokens that are read for it: a passage's and, before them, a title's.

    `answers` are the first and last token of each answer in the passage.
    """

    question: str
    ids: Sequence[int]
    title: Sequence[int]
    answers: Sequence[Span] = ()


class Context:
    """A context's tokens, their offsets and the sentences as token ranges, and its title's
    tokens."""

    def __init__(self, text: str, encoding: Any, title: str, title_ids: list[int]) -> None:
        self.text = text
        self.title = title
        self.title_ids = title_ids[:TITLE]
        self.ids: list[int] = encoding.ids
        self.offsets: list[Span] = encoding.offsets
        starts = [start for start, _ in self.offsets]
        bounds = np.searchsorted(starts, [start for start, _ in split_sentences(text)])
        edges = sorted({0, *map(int, bounds), len(self.ids)})
        self.sentences = list(pairwise(edges))

    @cached_property
    def stems(self) -> list[frozenset[str]]:
        """The content words of each sentence."""
        return [
            stems(self.text[self.offsets[start][0] : self.offsets[end - 1][1]])
            for start, end in self.sentences
        ]

    def tokens_of(self, span: Span) -> Span | None:
        """First and last token (included) that lie in a character span."""
        inside = [i for i, (a, b) in enumerate(self.offsets) if a < span[1] and b > span[0]]
        return (inside[0], inside[-1]) if inside else None


class Examples:
    """Draws examples of question sets, others every epoch; the same for the same seed."""

    def __init__(
        self, encoder: Encoder, questions: Sequence[Question], seed: int, work: Path
    ) -> None:
        """Prepare the questions; what takes minutes is kept in the folder `work`."""
        self._encoder = encoder
        self._questions = questions
        self.seed = seed
        titles = {q.context: title_of("text", "", q.context) for q in questions}
        titles |= {q.context: q.title for q in questions if q.title}
        texts = list(titles)
        self._contexts = {
            text: Context(text, encoding, titles[text], title.ids)
            for text, encoding, title in zip(
                texts,
                encoder.tokenize(texts, special=False),
                encoder.tokenize([title_before(t, "") for t in titles.values()], special=False),
                strict=True,
            )
        }
        self._near = _nearest(encoder, questions, work)
        self._names = defaultdict(set)
        self._slots = Slots([question.text for question in questions], encoder)
        self._answering = defaultdict(set)  # contexts by question
        for question in questions:
            self._names[question.set_name].update(_NAME.findall(question.text))
            if question.answers:
                self._answering[question.text].add(question.context)

    def epoch(self, number: int) -> list[Example]:
        """All questions once, with passages that do not answer beside them, in random order."""
        rng = random.Random(f"{self.seed} {number}")  # noqa: S311
        drafts: list[Draft] = []
        for index, question in enumerate(self._questions):
            context = self._contexts[question.context]
            if not question.answers:
                window = _tempting(context, question.text, _budget(rng), rng)
                drafts.append(_draft(question.text, context, window, rng))
                continue
            answers = [span for span in map(context.tokens_of, question.answers) if span]
            if not answers:
                continue
            mixed = self._mixed(index, answers, rng) if rng.random() < MIXED else None
            window = _window(context, rng.choice(answers), _budget(rng), rng)
            drafts.append(mixed or _draft(question.text, context, window, rng, answers))
            if rng.random() < NEGATIVES:
                kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
                negative = self._negative(kind, index, rng) or self._negative("near", index, rng)
                if negative:
                    drafts.append(negative)
        rng.shuffle(drafts)
        return encode(self._encoder, drafts)

    def _negative(self, kind: str, index: int, rng: random.Random) -> Draft | None:
        """A question with a passage that does not answer it; None where none is found."""
        question = self._questions[index]
        context = self._contexts[question.context]
        said = _said(question)
        if kind == "mixed":
            return self._mixed(index, (), rng)
        if kind == "near":
            fits = self._without_answer(index)
            if not fits:
                return None
            chosen = rng.choice(fits)
            window = _tempting(chosen, question.text, _budget(rng), rng)
            return _draft(question.text, chosen, window, rng, hidden=said)
        if kind == "cut":
            run = _without(context, said, rng)
            return _draft(question.text, context, run, rng, hidden=said) if run else None
        if kind == "swapped":
            changed = self._swapped(question, rng)
        elif kind == "contrast":
            changed = contrast(question.text, question.context, rng)
        else:
            changed = self._slots.exchange(question.text, question.context, rng)
        answer = context.tokens_of(question.answers[0])
        if changed is None or answer is None:
            return None
        window = _window(context, answer, _budget(rng), rng)
        return _draft(changed, context, window, rng, hidden=said)

    def _without_answer(self, index: int) -> list[Context]:
        """The contexts near a question that do not answer it in any words, as far as is known."""
        question = self._questions[index]
        said, answering = _said(question), self._answering[question.text]
        near = [self._contexts[text] for text in self._near[index] if text not in answering]
        return [c for c in near if not any(answer in c.text.lower() for answer in said)]

    def _mixed(self, index: int, answers: Sequence[Span], rng: random.Random) -> Draft | None:
        """Sentences of several contexts in a row: those near the question that have most of its
        words, and among them those that answer; None where there are no others."""
        question = self._questions[index]
        context = self._contexts[question.context]
        fits = self._without_answer(index)
        others = rng.sample(fits, min(len(fits), rng.randint(*OTHERS) + (not answers)))
        if not others:
            return None
        pieces: list[tuple[Context, Span, Sequence[Span]]] = []
        for other in others:
            window = _tempting(other, question.text, rng.randint(*PIECE), rng)
            pieces.append((other, window, ()))
        if answers:
            window = _window(context, rng.choice(answers), rng.randint(*PIECE), rng)
            pieces.append((context, window, answers))
        rng.shuffle(pieces)
        ids: list[int] = []
        found: list[Span] = []
        for piece, window, marked in pieces:
            found += _inside(marked, window, len(ids))
            ids += piece.ids[slice(*window)]
        return Draft(question.text, ids, (), found)

    def _swapped(self, question: Question, rng: random.Random) -> str | None:
        """The question about another name or year than the context's."""
        context = question.context
        for pattern, others in (
            (_NAME, sorted(self._names[question.set_name])),
            (_YEAR, [str(year) for year in range(1500, 2024)]),
        ):
            found = [m for m in pattern.finditer(question.text) if m.group() in context]
            if found:
                match = rng.choice(found)
                inside = [n for n in set(_NAME.findall(context)) if n not in question.text]
                pool = sorted(inside) if pattern is _NAME and rng.random() < 0.5 else others
                fits = [
                    other
                    for other in rng.sample(pool, min(len(pool), 50))
                    if other not in question.text
                    and (pool is not others or other not in context)
                    and not any(context[a:b] in other for a, b in question.answers)
                ]
                if fits:
                    before, after = question.text[: match.start()], question.text[match.end() :]
                    return f"{before}{fits[0]}{after}"
        return None


def encode(encoder: Encoder, drafts: Sequence[Draft]) -> list[Example]:
    """Drafts as the reader sees them."""
    asked = encoder.tokenize([as_read(d.question) for d in drafts], special=False)
    return [
        _example(encoding.ids, draft, encoder.special_ids)
        for encoding, draft in zip(asked, drafts, strict=True)
    ]


def batches(examples: Sequence[Example], size: int, seed: str) -> list[list[Example]]:
    """Examples in batches of similar length, the batches in random order."""
    pool = 50 * size
    found = [
        part[first : first + size]
        for begin in range(0, len(examples), pool)
        for part in [sorted(examples[begin : begin + pool], key=lambda e: len(e.ids))]
        for first in range(0, len(part), size)
    ]
    random.Random(seed).shuffle(found)  # noqa: S311
    return found


def _said(question: Question) -> set[str]:
    return {question.context[a:b].lower() for a, b in question.answers}


def _title(
    context: Context, window: Span, rng: random.Random, hidden: Collection[str] = ()
) -> Sequence[int]:
    """The tokens of the title that is read before a window: none where the window has the title
    itself, where it would say what is `hidden`, and now and then."""
    text = context.text[context.offsets[window[0]][0] : context.offsets[window[1] - 1][1]]
    title = title_before(context.title, text).lower()
    fits = title and not any(answer in title for answer in hidden)
    return context.title_ids if fits and rng.random() < TITLED else ()


def _budget(rng: random.Random) -> int:
    return LENGTH if rng.random() < WHOLE else rng.randint(*WINDOW)


def _tempting(context: Context, question: str, budget: int, rng: random.Random) -> Span:
    """A window about a sentence that has much of the question, as retrieval would find it."""
    wanted = stems(question)
    shares = [share(wanted, said) + rng.random() / 4 for said in context.stems]
    first, last = context.sentences[int(np.argmax(shares))]
    return _window(context, (first, last - 1), budget, rng)


def _window(context: Context, answer: Span, budget: int, rng: random.Random) -> Span:
    """Sentences in a row, as a token range: about the answer, until the next one to either side
    would go above `budget` tokens."""
    sentences = context.sentences
    first = next(i for i, (_, end) in enumerate(sentences) if end > answer[0])
    last = next(i for i, (_, end) in enumerate(sentences) if end > answer[1])
    while True:
        sides = []
        if first > 0 and sentences[last][1] - sentences[first - 1][0] <= budget:
            sides.append("left")
        if last + 1 < len(sentences) and sentences[last + 1][1] - sentences[first][0] <= budget:
            sides.append("right")
        if not sides:
            return sentences[first][0], sentences[last][1]
        if rng.choice(sides) == "left":
            first -= 1
        else:
            last += 1


def _without(context: Context, answers: set[str], rng: random.Random) -> Span | None:
    """A run of sentences in which no answer stands, at random; None where none is long enough."""
    runs: list[Span] = []
    begin = 0
    for start, end in [*context.sentences, (len(context.ids), len(context.ids))]:
        text = (
            context.text[context.offsets[start][0] : context.offsets[end - 1][1]].lower()
            if end > start
            else ""
        )
        if end == start or any(answer in text for answer in answers):
            if start - begin >= MIN_TOKENS:
                runs.append((begin, start))
            begin = end
    return rng.choice(runs) if runs else None


def _draft(
    question: str,
    context: Context,
    window: Span,
    rng: random.Random,
    answers: Sequence[Span] = (),
    hidden: Collection[str] = (),
) -> Draft:
    """A window of a context, with its title where that does not say what is `hidden`."""
    title = _title(context, window, rng, hidden)
    return Draft(question, context.ids[slice(*window)], title, _inside(answers, window, 0))


def _inside(answers: Sequence[Span], window: Span, place: int) -> list[Span]:
    """The answers that a window has, where it begins at `place`."""
    first, last = window
    shift = place - first
    return [(a + shift, b + shift) for a, b in answers if first <= a and b < last]


def _example(asked: list[int], draft: Draft, special: tuple[int, int]) -> Example:
    cls, sep = special
    pair = len(asked[:QUESTION]) + 2
    head = [cls, *asked[:QUESTION], sep, *draft.title]
    room = LENGTH - len(head) - 1
    first, last = 0, len(draft.ids)
    if last > room:  # one long sentence, or a long context: keep the answer inside
        middle = draft.answers[0][0] - room // 2 if draft.answers else 0
        first = max(0, min(middle, last - room))
        last = min(last, first + room)
    answers = _inside(draft.answers, (first, last), len(head))
    return Example((*head, *draft.ids[first:last], sep), pair, len(head), tuple(answers))


def _nearest(encoder: Encoder, questions: Sequence[Question], work: Path) -> list[list[str]]:
    """For each answerable question the contexts of its set nearest to it, its own left out."""
    kept = work / f"nearest-{digest(''.join(q.text + q.context for q in questions))[:16]}.json"
    texts = list(dict.fromkeys(question.context for question in questions))
    if not kept.exists():
        places = {text: place for place, text in enumerate(texts)}
        found = _search(encoder, questions)
        kept.write_text(json.dumps([[places[text] for text in near] for near in found]))
    return [[texts[place] for place in near] for near in json.loads(kept.read_text())]


def _search(encoder: Encoder, questions: Sequence[Question]) -> list[list[str]]:
    found: list[list[str]] = [[] for _ in questions]
    by_set: dict[str, list[int]] = defaultdict(list)
    for index, question in enumerate(questions):
        if question.answers:
            by_set[question.set_name].append(index)
    for indices in by_set.values():
        contexts = list(dict.fromkeys(questions[i].context for i in indices))
        vectors = encoder.embed(contexts)
        asked = encoder.embed([questions[i].text for i in indices])
        for row, index in enumerate(indices):
            nearest = np.argsort(-(vectors @ asked[row]))[: NEAREST + 1]
            own = questions[index].context
            found[index] = [contexts[i] for i in nearest if contexts[i] != own][:NEAREST]
    return found
