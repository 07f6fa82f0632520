"""Fit the sentence scorer's weights on question sets in SQuAD 2.0 format.

    python -m rag.training.sentences dev-v2.0.json.gz

Every title becomes one document; the questions are asked through the product's own retrieval, the
answerable ones a second time without the passages of their own document: so the unanswerable are
near misses (the file's own) and questions on something else. Half of the titles teach which
sentence is right, the other half how likely the best one is. Titles whose SHA-256 starts with 0 to
3 are left out: they are for measuring.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.pipeline import Rag
from rag.supporting import FEATURES, SentenceScorer, SentenceWeights
from rag.training.command import exit_code
from rag.training.questions import digest, split_of
from rag.types import Passage

OUTPUT = Path(__file__).parent.parent / "models" / "sentences.json"
SEPARATOR = "\n\n"
QUESTIONS = 1_500  # enough for half a dozen weights; five minutes on two cores


@dataclass(frozen=True, slots=True)
class Question:
    """A question on one document; `answers` are (start, end) in its text, empty for none."""

    text: str
    title: str
    answers: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """FEATURES of each sentence that a question retrieved, and which of them hold an answer."""

    title: str
    rows: NDArray[np.float64]
    right: NDArray[np.bool_]


def read_squad(file: Path) -> tuple[dict[str, str], list[Question]]:
    """Documents by title and the questions on them, held-out titles left out."""
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    documents: dict[str, str] = {}
    questions: list[Question] = []
    for article in json.loads(raw)["data"]:
        title = article["title"]
        if split_of("", title) == "test":
            continue
        offset, texts = 0, []
        for paragraph in article["paragraphs"]:
            questions += _questions(title, paragraph["qas"], offset)
            texts.append(paragraph["context"])
            offset += len(paragraph["context"]) + len(SEPARATOR)
        documents[title] = SEPARATOR.join(texts)
    return documents, questions


def _questions(title: str, items: Sequence[dict[str, Any]], offset: int) -> Iterator[Question]:
    for item in items:
        answers = [] if item.get("is_impossible") else item["answers"]
        yield Question(
            item["question"],
            title,
            tuple(
                (offset + a["answer_start"], offset + a["answer_start"] + len(a["text"]))
                for a in answers
            ),
        )


def collect(documents: dict[str, str], questions: Sequence[Question]) -> list[Example]:
    """Ask each question over all documents and note what the reader would see."""
    from tqdm import tqdm

    with tempfile.TemporaryDirectory() as folder:
        for title, text in documents.items():
            (Path(folder) / f"{title}.txt").write_text(text, newline="")
        with Rag.open(home=Path(folder) / ".home") as rag:
            rag.ingest(folder)
            reader = SentenceScorer(rag._embedder)
            return [
                example
                for question in tqdm(questions, disable=None)
                for example in _examples(rag, reader, question)
            ]


def _examples(rag: Rag, reader: SentenceScorer, question: Question) -> Iterator[Example]:
    passages = rag.retrieve(question.text, k=rag.settings.passages)
    yield _example(reader, question, passages)
    elsewhere = [passage for passage in passages if passage.source != f"{question.title}.txt"]
    if question.answers and elsewhere:
        yield _example(reader, question, elsewhere)


def _example(reader: SentenceScorer, question: Question, passages: Sequence[Passage]) -> Example:
    right = [
        passage.source == f"{question.title}.txt"
        and any(start <= a and b <= end for a, b in question.answers)
        for passage in passages
        for start, end in passage.sentences
    ]
    return Example(
        question.title,
        reader.features(question.text, passages),
        np.array(right, dtype=bool),
    )


def fit(examples: Sequence[Example]) -> tuple[SentenceWeights, dict[str, float]]:
    """Weights whose sum is the logit of the best sentence being right, and figures on the fit."""
    from sklearn.linear_model import LogisticRegression

    teaching = [e for e in examples if digest(e.title)[1] in "01234567" and len(e.rows)]
    calibrating = [e for e in examples if digest(e.title)[1] not in "01234567" and len(e.rows)]
    model = LogisticRegression(C=10, max_iter=1000).fit(
        np.concatenate([e.rows for e in teaching]), np.concatenate([e.right for e in teaching])
    )
    weights = model.coef_[0]
    logits = [e.rows @ weights for e in calibrating]
    best = np.array([logit.max() for logit in logits])
    right = np.array([e.right[x.argmax()] for e, x in zip(calibrating, logits, strict=True)])
    platt = LogisticRegression(C=1e6).fit(best[:, None], right)
    scale, bias = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    answerable = np.array([e.right.any() for e in calibrating])
    confident = scale * best + bias > 0
    return (
        SentenceWeights(bias, tuple(float(w) for w in scale * weights)),
        {
            "teaching_questions": len(teaching),
            "calibrating_questions": len(calibrating),
            "calibrating_with_a_right_sentence": int(answerable.sum()),
            "right_of_these": round(float(right[answerable].mean()), 3),
            "answered_at_one_half": round(float(confident.mean()), 3),
            "right_of_answered": round(float(right[confident].mean()), 3),
        },
    )


def main() -> None:
    """Fit and write the model file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path, help="questions in SQuAD 2.0 format, .json or .json.gz")
    file: Path = parser.parse_args().file
    documents, questions = read_squad(file)
    chosen = sorted(questions, key=lambda question: digest(question.text))[:QUESTIONS]
    weights, figures = fit(collect(documents, chosen))
    model = {
        "bias": round(weights.bias, 4),
        "weights": {n: round(w, 4) for n, w in zip(FEATURES, weights.weights, strict=True)},
        "made_by": f"python -m rag.training.sentences {file.name}",
        "data": {
            "name": "SQuAD 2.0 format, held-out titles left out",
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "titles": sorted(documents),
        },
        "figures": figures,
        "packages": {n: version(n) for n in ("sentence-transformers", "scikit-learn", "torch")},
    }
    OUTPUT.write_text(json.dumps(model, indent=2) + "\n")
    print(json.dumps(model, indent=2))


if __name__ == "__main__":
    sys.exit(exit_code(main))
