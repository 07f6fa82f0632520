"""Fit what turns evidence into the probability of being right: rag/models/calibration.json.

    python -m rag.training.calibration FILE... --news FOLDER --work DIR

FILEs are question sets (see rag.training.questions), FOLDER has RealTimeQA 2022's articles, of
which the stories are made; rag.training.asking has what is asked of them. The examples are weighted
so that ANSWERABLE of the questions have an answer, and the sets, the stories and the invented ones
count the same. Being told about something has a model of its own. The work folder keeps the
indexes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag import supporting
from rag.deciding import FEATURES, Model, model_of, rank
from rag.embedding import BundledEmbedder
from rag.extending import extend
from rag.grouping import Member, normal_form, same
from rag.kinds import understand
from rag.reading import Reader, SpanReader
from rag.training.asking import (
    INVENTED,
    STORIES,
    Asked,
    ask_invented,
    ask_sets,
    ask_stories,
    bar,
)
from rag.training.command import exit_code
from rag.types import Span

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

OUTPUT = Path(__file__).parent.parent / "models" / "calibration.json"
ANSWERABLE = 2 / 3  # share of a person's questions that their documents answer: an assumption
LONGEST = 12  # words of an answer that may contain an accepted one
FOLDS = 10
STRENGTH = 1.0  # scikit-learn's C: the inverse of the penalty's weight


Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Example:
    """The best candidate's FEATURES, whether there is an answer, and whether this is it."""

    question: str
    origin: str
    features: tuple[float, ...]
    answerable: bool
    right: bool


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
                scored = scorer.score(query.text, passages)
                chosen = supporting.choose(query, scored, readings, best.members[0])
                right = says(" ".join(map(_words, chosen)), one.accepted) or any(
                    _stands_in(sentence, one.evidence) for sentence in chosen
                )
            else:
                words = _widened(best.members[0], several=query.several)
                right = is_right(words, one.accepted)
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


def _widened(member: Member, *, several: bool) -> str:
    span, passage = member.span, member.passage
    start, end = span.start - passage.start, span.end - passage.start
    start, end = extend(passage.text, start, end, several=several)
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
    model = fit(read(SpanReader(BundledEmbedder("auto")), bar(asked, "Reading")))
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
