"""Fit what turns evidence into the probability of being right: rag/models/calibration.json.

    python -m rag.training.calibration FILE... --news FOLDER --work DIR

FILEs are question sets (see rag.training.questions): their contexts become documents, and the
questions of their 'tune' split, which the reader never saw, are asked through the product's own
retrieval; each answerable one a second time without the passages that its context overlaps, so
that what is left are near misses. FOLDER is RealTimeQA 2022: the even lines of its questions are
asked over its articles, and the even later ones (`unanswerable_2025_26.jsonl`), to which nothing
is right. The work folder keeps the indexes for the next run.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from rag.deciding import FEATURES, rank
from rag.grouping import normal_form, same
from rag.pipeline import Rag
from rag.training.questions import Question, digest, read_questions
from rag.types import Passage

OUTPUT = Path(__file__).parent.parent / "models" / "calibration.json"
PASSAGES = 10
OVERLAP = 60  # characters that a passage shares with a context that it overlaps
LONGEST = 12  # words of an answer that may contain an accepted one
FOLDS = 10
STRENGTH = 1.0  # scikit-learn's C: the inverse of the penalty's weight


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the passages to be read, and what is right; `accepted` is empty for none."""

    text: str
    passages: tuple[Passage, ...]
    accepted: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Example:
    """The best candidate's FEATURES, and whether it is right."""

    question: str
    origin: str
    features: tuple[float, ...]
    right: bool


def ask_sets(files: Sequence[Path], work: Path) -> Iterator[Asked]:
    """The 'tune' questions of the sets over all their contexts."""
    questions = [question for file in files for question in read_questions(file)]
    documents = work / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    for context in dict.fromkeys(question.context for question in questions):
        (documents / f"{digest(context)[:20]}.txt").write_text(context, newline="")
    with Rag.open(home=work / "sets") as rag:
        rag.ingest(documents)
        for question in _bar([q for q in questions if q.split == "tune"]):
            passages = tuple(rag.retrieve(question.text, k=PASSAGES))
            accepted = tuple(question.context[a:b] for a, b in question.answers)
            yield Asked(question.text, passages, accepted, question.set_name)
            elsewhere = tuple(p for p in passages if not _overlaps(p, question))
            said = any(a.lower() in p.text.lower() for a in accepted for p in elsewhere)
            if accepted and elsewhere and not said:
                yield Asked(
                    question.text, elsewhere, (), f"{question.set_name}, without its context"
                )


def ask_news(folder: Path, work: Path) -> Iterator[Asked]:
    """The even lines of RealTimeQA's questions and of its later ones."""
    articles = work / "articles"
    articles.mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(_rows(folder / "corpus.jsonl.gz")):
        text = f"{row['title']}\n\n{row['text']}" if row["title"] else row["text"]
        (articles / f"{number:05}.txt").write_text(text, newline="")
    with Rag.open(home=work / "news") as rag:
        rag.ingest(articles)
        for name, origin in (
            ("answerable.jsonl", "news"),
            ("unanswerable_2025_26.jsonl", "later news"),
        ):
            for row in _bar(list(_rows(folder / name))[::2]):
                passages = tuple(rag.retrieve(row["question"], k=PASSAGES))
                accepted = tuple(row["answers"]) if origin == "news" else ()
                yield Asked(row["question"], passages, accepted, origin)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    yield from (json.loads(line) for line in text.split("\n") if line)


def _bar(items: Sequence[Any]) -> Iterable[Any]:
    return tqdm(items, desc="Asking", disable=None, leave=False)


def _overlaps(passage: Passage, question: Question) -> bool:
    starts = range(0, max(1, len(passage.text) - OVERLAP), OVERLAP)
    return any(passage.text[start : start + OVERLAP] in question.context for start in starts)


def read(rag: Rag, asked: Iterable[Asked]) -> list[Example]:
    """What the decision would be made on, and whether it would be right."""
    examples = []
    for one in asked:
        ranked = rank(one.text, rag.read(one.text, one.passages))
        if ranked:
            best, _, features = ranked[0]
            right = is_right(best.members[0].span.text, one.accepted)
            examples.append(Example(one.text, one.origin, features, right))
    return examples


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
    """The logistic model, and how good it is on folds of questions that it was not fitted on."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import brier_score_loss, roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.array([example.features for example in examples])
    right = np.array([example.right for example in examples])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH))
    probability = cross_val_predict(
        model,
        rows,
        right,
        groups=[example.question for example in examples],
        cv=GroupKFold(FOLDS),
        method="predict_proba",
    )[:, 1]
    model.fit(rows, right)
    scaler, logistic = model[0], model[1]
    weights = logistic.coef_[0] / scaler.scale_
    return {
        "bias": round(float(logistic.intercept_[0] - weights @ scaler.mean_), 5),
        "weights": {n: round(float(w), 5) for n, w in zip(FEATURES, weights, strict=True)},
        "cross_validated": {
            "folds": FOLDS,
            "auc": round(float(roc_auc_score(right, probability)), 4),
            "brier": round(float(brier_score_loss(right, probability)), 4),
            "ece": round(expected_calibration_error(probability, right), 4),
        },
        "questions": dict(Counter(example.origin for example in examples)),
        "right": dict(Counter(example.origin for example in examples if example.right)),
    }


def expected_calibration_error(
    probability: np.ndarray[Any, np.dtype[np.float64]],
    right: np.ndarray[Any, np.dtype[np.bool_]],
    bins: int = 10,
) -> float:
    """Mean distance of confidence and accuracy over bins of equal mass (0 to 1)."""
    parts = np.array_split(np.argsort(probability), bins)
    return float(
        sum(len(part) * abs(probability[part].mean() - right[part].mean()) for part in parts)
        / len(probability)
    )


def main() -> None:
    """Fit and write the model file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", type=Path, help="question sets")
    parser.add_argument("--news", type=Path, required=True, help="RealTimeQA 2022")
    parser.add_argument("--work", type=Path, required=True, help="keeps the indexes")
    given = parser.parse_args()
    asked = [*ask_sets(given.files, given.work), *ask_news(given.news, given.work)]
    with Rag.open(home=given.work / "sets") as rag:
        model = fit(read(rag, _bar(asked)))
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
    main()
