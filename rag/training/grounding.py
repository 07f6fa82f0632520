"""Fit what tells supported sentences from others: rag/models/grounding.json.

    python -m rag.training.grounding WICE.jsonl[.gz] LIES.jsonl [--check]

WICE is the claims of WiCE's dev set: sentences of Wikipedia with the web page that they cite and
the sentences there that support them, where any do; the two most similar stand for them where none
do. Only 'supported' counts as true. LIES is evals/lies.jsonl, of which the 'tune' half is used:
true and false sentences over the seeds. Both sets weigh the same. The threshold is the least at
which CAUGHT of the false sentences of the tune half are caught. `--check` prints the figures and
writes nothing.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.embedding import BundledEmbedder
from rag.grounding import FEATURES, compare, problems
from rag.training.command import exit_code

OUTPUT = Path(__file__).parent.parent / "models" / "grounding.json"
CAUGHT = 0.97  # of the tune half's false sentences
BEFORE = 2  # sentences before a line, for names
NEAREST = 2  # sentences that stand for the evidence of a claim that has none
FOLDS = 10
STRENGTH = 1.0  # scikit-learn's C: the inverse of the penalty's weight

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence, the text that it is said to rest on, what stands before that, and the truth."""

    sentence: str
    text: str
    before: str
    true: bool
    origin: str


def wice(rows: Iterable[Row], embedder: BundledEmbedder) -> Iterator[Example]:
    """Claims of WiCE."""
    for row in rows:
        evidence, chosen = row["evidence"], evidence_places(row, embedder)
        before = [i for place in chosen for i in places_before(place) if i not in chosen]
        yield Example(
            row["claim"],
            " ".join(evidence[i] for i in chosen),
            " ".join(evidence[i] for i in before),
            row["label"] == "supported",
            "wice",
        )


def evidence_places(row: Row, embedder: BundledEmbedder) -> list[int]:
    """The places of the sentences that a claim of WiCE rests on, ascending."""
    chosen = sorted(row["supporting_sentences"][0])
    if chosen:
        return chosen
    claim, *vectors = embedder.embed([row["claim"], *row["evidence"]])
    return sorted(np.argsort(-(np.array(vectors) @ claim))[:NEAREST].tolist())


def places_before(place: int) -> range:
    """The places of the sentences before one, which may name what it speaks of."""
    return range(max(0, place - BEFORE), place)


def lies(file: Path) -> Iterator[Example]:
    """The tune half of the sentences over the seeds."""
    for row in rows_of(file):
        if row["half"] == "tune":
            for text in (row["evidence"], *row["true"], *row["loose"]):
                yield Example(text, row["evidence"], "", True, "lies")
            for lie in row["false"]:
                yield Example(lie["text"], row["evidence"], "", False, "lies")


def rows_of(path: Path) -> Iterator[Row]:
    """The objects of a JSON Lines file, packed or not."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    yield from (json.loads(line) for line in text.split("\n") if line)


def fit(examples: Sequence[Example], embedder: BundledEmbedder) -> dict[str, Any]:
    """The logistic model, its threshold, and how good both are on folds they were not fitted on."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sentences = embedder.embed([one.sentence for one in examples])
    texts = embedder.embed([one.text for one in examples])
    rows = np.array(
        [
            compare(one.sentence, one.text, float(a @ b))
            for one, a, b in zip(examples, sentences, texts, strict=True)
        ]
    )
    true = np.array([one.true for one in examples])
    of_wice = np.array([one.origin == "wice" for one in examples])
    clean = np.array([not problems(one.sentence, one.text, one.before) for one in examples])
    weight = np.where(of_wice, 0.5 / (clean & of_wice).sum(), 0.5 / (clean & ~of_wice).sum())
    weight *= clean.sum()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH))
    probability = np.zeros(len(examples))
    probability[clean] = cross_val_predict(
        model,
        rows[clean],
        true[clean],
        cv=FOLDS,
        method="predict_proba",
        params={"logisticregression__sample_weight": weight[clean]},
    )[:, 1]
    model.fit(rows[clean], true[clean], logisticregression__sample_weight=weight[clean])
    scaler, logistic = model[0], model[1]
    weights = logistic.coef_[0] / scaler.scale_
    false = probability[~of_wice & ~true]
    threshold = float(np.ceil(100 * np.quantile(false, CAUGHT)) / 100)
    return {
        "bias": round(float(logistic.intercept_[0] - weights @ scaler.mean_), 5),
        "weights": {n: round(float(w), 5) for n, w in zip(FEATURES, weights, strict=True)},
        "threshold": threshold,
        "cross_validated": {
            "folds": FOLDS,
            "wice": _figures(probability, true, of_wice, threshold)
            | {"auc_without_problems": round(float(roc_auc_score(
                true[clean & of_wice], probability[clean & of_wice])), 3)},
            "lies": _figures(probability, true, ~of_wice, threshold),
        },
    }  # fmt: skip


def _figures(
    probability: NDArray[np.float64],
    true: NDArray[np.bool_],
    part: NDArray[np.bool_],
    threshold: float,
) -> dict[str, float]:
    """Precision and recall of 'supported' on a part, and the share of its false that is caught."""
    said = part & (probability >= threshold)
    return {
        "sentences": int(part.sum()),
        "precision": round(float(true[said].mean()), 3),
        "recall": round(float(said[part & true].mean()), 3),
        "caught": round(float(1 - said[part & ~true].mean()), 3),
    }


def main() -> None:
    """Fit and write the model file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("wice", type=Path, help="claims of WiCE's dev set")
    parser.add_argument("lies", type=Path, help="evals/lies.jsonl")
    parser.add_argument("--check", action="store_true", help="print the figures, write nothing")
    given = parser.parse_args()
    embedder = BundledEmbedder("auto")
    model = fit([*wice(rows_of(given.wice), embedder), *lies(given.lies)], embedder)
    model |= {
        "made_by": f"python -m rag.training.grounding {given.wice.name} {given.lies.name}",
        "data": {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in (given.wice, given.lies)
        },
        "packages": {name: version(name) for name in ("scikit-learn", "torch")},
    }
    if not given.check:
        OUTPUT.write_text(json.dumps(model, indent=2) + "\n")
    print(json.dumps(model, indent=2))


if __name__ == "__main__":
    sys.exit(exit_code(main))
