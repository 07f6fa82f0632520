"""Fit what turns evidence into the probability of being right: rag/models/calibration.json.

    python -m rag.training.calibration FILE... --news FOLDER --work DIR

FILEs are question sets (see rag.training.questions): their contexts become documents, and a
quarter of the questions of their 'tune' split, which the reader never saw, are asked through the
product's own retrieval. FOLDER has RealTimeQA 2022's articles: the questions of the 'tune' stories
(rag.training.stories) are asked over the five articles of each, and those of the 'tune' stories
that were invented (rag.training.texts) over their three.

Of every title of those contexts, and of a name in each, it is also asked to be told about it ("Tell
me about Baltic Sea."), which sentences of a text that has that title or name do.

Each question of the sets is asked over all documents and over a few that stand next to its own,
which are mostly about the same thing; and each answerable one again without its own document, so
that what is left are near misses. Being told about something has a model of its own. Examples are
weighted so that ANSWERABLE of the questions have an answer, and the sets, the stories and the
invented ones count the same. The work folder keeps the indexes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from rag import supporting
from rag.deciding import FEATURES, Model, model_of, rank
from rag.embedding import BundledEmbedder
from rag.extending import extend
from rag.grouping import Member, normal_form, same
from rag.kinds import understand
from rag.pipeline import Rag
from rag.reading import Reader, SpanReader
from rag.training.command import exit_code
from rag.training.questions import Question, digest, read_questions
from rag.training.stories import open_story, read_articles, read_stories
from rag.training.texts import read_texts
from rag.types import Passage, Span

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

OUTPUT = Path(__file__).parent.parent / "models" / "calibration.json"
PASSAGES = 10
ANSWERABLE = 2 / 3  # share of a person's questions that their documents answer: an assumption
SIZES = (4, 12, 40)  # documents of a small collection
LONGEST = 12  # words of an answer that may contain an accepted one
FOLDS = 10
STORIES, INVENTED = "stories", "invented stories"  # origins of examples
_BRACKETS = re.compile(r"\s*\([^)]*\)$")  # of a title: "Beauty and the Beast (2017 film)"
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)+")
STRENGTH = 1.0  # scikit-learn's C: the inverse of the penalty's weight


Flags = np.ndarray[Any, np.dtype[np.bool_]]


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


@dataclass(frozen=True, slots=True)
class Example:
    """The best candidate's FEATURES, whether there is an answer, and whether this is it."""

    question: str
    origin: str
    features: tuple[float, ...]
    answerable: bool
    right: bool


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
        for question in _bar([q for q in questions if q.split == "tune" and _some(q.text)]):
            accepted = tuple(question.context[a:b] for a, b in question.answers)
            own = names[question.context]
            yield from library.ask(question.text, accepted, own, question.set_name)
        for topic, found in _bar([item for item in topics(questions).items() if _some(item[0])]):
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
    for number, story in enumerate(_bar([s for s in read_stories() if s.split == "tune"])):
        texts = [articles[name] for name in story.documents]
        with open_story(texts, work / f"story-{number}") as (rag, sources):
            names = dict(zip(story.documents, sources, strict=True))
            for question in story.questions:
                passages = tuple(rag.retrieve(question.text, k=PASSAGES))
                evidence = tuple((names[name], span) for name, span in question.evidence)
                accepted = () if question.kind == "yes_no" else question.accepted
                yield Asked(question.text, passages, accepted, STORIES, evidence)


def ask_invented(work: Path) -> Iterator[Asked]:
    """The same of the 'tune' stories that were invented."""
    stories = [t for t in read_texts() if t.split == "tune" and len(t.articles) > 1]
    for number, story in enumerate(_bar(stories)):
        texts = [article.text for article in story.articles]
        with open_story(texts, work / f"invented-{number}") as (rag, sources):
            for question, answers in story.questions:
                passages = tuple(rag.retrieve(question, k=PASSAGES))
                evidence = tuple((sources[place], span) for place, span in answers)
                accepted = tuple(texts[place][slice(*span)] for place, span in answers)
                yield Asked(question, passages, accepted, INVENTED, evidence)


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


def _bar(items: Sequence[Any]) -> Iterable[Any]:
    return tqdm(items, desc="Asking", disable=None, leave=False)


def read(reader: Reader, asked: Iterable[Asked]) -> list[Example]:
    """What the decision would be made on, and whether what a person would see would be right."""
    scorer = supporting.SentenceScorer(BundledEmbedder("auto"))
    examples = []
    for one in asked:
        query = understand(one.text)
        readings = reader.read(query.text, one.passages)
        if ranked := rank(query, readings, reader.read):
            best, _, features = ranked[0]
            answerable = bool(one.accepted or one.evidence)
            if query.in_sentences:
                passages = one.passages[: supporting.PASSAGES]
                chosen = supporting.choose(query, scorer.score(query.text, passages), readings)
                right = says(" ".join(map(_words, chosen)), one.accepted) or any(
                    _stands_in(sentence, one.evidence) for sentence in chosen
                )
            else:
                right = is_right(_widened(best.members[0]), one.accepted)
            examples.append(Example(one.text, one.origin, features, answerable, right))
    return examples


def _stands_in(sentence: supporting.Sentence, evidence: Sequence[tuple[str, Span]]) -> bool:
    return any(
        sentence.passage.source == source and sentence.start < end and start < sentence.end
        for source, (start, end) in evidence
    )


def _words(sentence: supporting.Sentence) -> str:
    start = sentence.passage.start
    return sentence.passage.text[sentence.start - start : sentence.end - start]


def _widened(member: Member) -> str:
    span, passage = member.span, member.passage
    start, end = extend(passage.text, span.start - passage.start, span.end - passage.start)
    return passage.text[start:end]


def says(text: str, accepted: Sequence[str]) -> bool:
    """Whether an answer in sentences has all the words of an accepted one."""
    words = normal_form(text)
    return any(wanted <= words for one in accepted if (wanted := normal_form(one)))


def is_right(answer: str, accepted: Sequence[str]) -> bool:
    """Whether an answer shares most words with an accepted one, or holds it in few words."""
    found = normal_form(answer)
    for one in accepted:
        wanted = normal_form(one)
        shared = len(found & wanted)
        if shared and 2 * shared >= (len(found) + len(wanted)) / 2:
            return True
        if wanted and wanted <= found and len(answer.split()) <= LONGEST:
            return True
    return any(same(answer, one) for one in accepted if not normal_form(one))


def fit(examples: Sequence[Example]) -> dict[str, Any]:
    """The logistic models, and how good they are on folds of questions that
    they were not fitted on."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import brier_score_loss, roc_auc_score
    from sklearn.model_selection import GroupKFold
    from sklearn.preprocessing import StandardScaler

    rows = np.array([example.features for example in examples])
    right = np.array([example.right for example in examples])
    answerable = np.array([example.answerable for example in examples])
    origins = [example.origin for example in examples]
    collections = np.array([o if o in (STORIES, INVENTED) else "sets" for o in origins])
    model_names = np.array([model_of(understand(example.question)) for example in examples])
    parts: dict[Model, Flags] = {"about": model_names == "about", "other": model_names == "other"}
    parts = {name: part for name, part in parts.items() if part.any()}
    weight = np.zeros(len(examples))
    for part in parts.values():
        weight[part] = weights_of(answerable[part], collections[part])

    def fitted(some: np.ndarray[Any, Any]) -> tuple[StandardScaler, LogisticRegression]:
        scaler = StandardScaler().fit(rows[some])
        model = LogisticRegression(C=STRENGTH)
        return scaler, model.fit(scaler.transform(rows[some]), right[some], weight[some])

    probability = np.zeros(len(examples))
    groups = [example.question for example in examples]
    for some, others in GroupKFold(FOLDS).split(rows, right, groups):
        for part in parts.values():
            if len(asked := others[part[others]]):
                scaler, model = fitted(some[part[some]])
                probability[asked] = model.predict_proba(scaler.transform(rows[asked]))[:, 1]
    return {name: _linear(*fitted(np.flatnonzero(part))) for name, part in parts.items()} | {
        "answerable": round(ANSWERABLE, 4),
        "cross_validated": {
            "folds": FOLDS,
            "auc": round(float(roc_auc_score(right, probability, sample_weight=weight)), 4),
            "brier": round(float(brier_score_loss(right, probability, sample_weight=weight)), 4),
            "ece": round(expected_calibration_error(probability, right, weight), 4),
            "right_at_half": round(float((right & (probability >= 0.5))[answerable].mean()), 4),
            "silent_at_half": round(float((probability < 0.5)[~answerable].mean()), 4),
        },
        "questions": dict(Counter(example.origin for example in examples)),
        "right": dict(Counter(example.origin for example in examples if example.right)),
    }


def _linear(scaler: StandardScaler, model: LogisticRegression) -> dict[str, Any]:
    """The bias and weights of a model, for features that are not scaled."""
    coefficients = model.coef_[0] / scaler.scale_
    return {
        "bias": round(float(model.intercept_[0] - coefficients @ scaler.mean_), 5),
        "weights": {n: round(float(w), 5) for n, w in zip(FEATURES, coefficients, strict=True)},
    }


def weights_of(
    answerable: Flags, collections: np.ndarray[Any, np.dtype[np.str_]]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A weight for each example, 1 on average: every sort of collections that they were asked over
    weighs the same, and of each ANSWERABLE have an answer."""
    weight = np.zeros(len(answerable))
    for collection in set(collections):
        part = collections == collection
        for some, share in ((answerable, ANSWERABLE), (~answerable, 1 - ANSWERABLE)):
            weight[part & some] = share / max(1, (part & some).sum())
    scaled: np.ndarray[Any, np.dtype[np.float64]] = weight / weight.mean()
    return scaled


def expected_calibration_error(
    probability: np.ndarray[Any, np.dtype[np.float64]],
    right: np.ndarray[Any, np.dtype[np.bool_]],
    weight: np.ndarray[Any, np.dtype[np.float64]],
    bins: int = 10,
) -> float:
    """Mean distance of confidence and accuracy over bins of equal weight (0 to 1)."""
    order = np.argsort(probability)
    bin_of = np.ceil(np.cumsum(weight[order]) / weight.sum() * bins - 1e-9)
    total = 0.0
    for number in range(1, bins + 1):
        part = order[bin_of == number]
        if len(part):
            gap = np.average(probability[part] - right[part], weights=weight[part])
            total += abs(float(gap)) * float(weight[part].sum())
    return total / float(weight.sum())


def main() -> None:
    """Fit and write the model file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", type=Path, help="question sets")
    parser.add_argument(
        "--news", type=Path, required=True, help="folder with RealTimeQA's corpus.jsonl.gz"
    )
    parser.add_argument("--work", type=Path, required=True, help="keeps the indexes")
    given = parser.parse_args()
    asked = [
        *ask_sets(given.files, given.work),
        *ask_stories(given.news, given.work),
        *ask_invented(given.work),
    ]
    model = fit(read(SpanReader(BundledEmbedder("auto")), _bar(asked)))
    reader = json.loads((OUTPUT.parent / "reader.json").read_text())["sha256"]
    names = [file.name for file in given.files]
    model |= {
        "made_by": f"python -m rag.training.calibration {' '.join(names)} --news FOLDER --work DIR",
        "reader": reader,
        "data": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in given.files},
        "packages": {name: version(name) for name in ("scikit-learn", "torch")},
    }
    OUTPUT.write_text(json.dumps(model, indent=2) + "\n")
    print(json.dumps(model, indent=2))


if __name__ == "__main__":
    sys.exit(exit_code(main))
