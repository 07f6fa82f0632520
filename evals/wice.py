"""Whether the check of a model's sentences tells what is supported, on WiCE (Kamoi et al. 2023).

    rag eval wice FILE.jsonl[.gz] [--held-out] [--without-keys] [--json]

FILE has sentences of Wikipedia, as claims, with the sentences of the web page that they cite. Each
claim is put to the product's check as a sentence that a model wrote, with the sentences that the
annotators chose as its lines (the two most similar to it where they chose none) under their keys,
or `--without-keys` as one of a model that forgets them. Only 'supported' counts as supported.
Scored is what the check says at the `set` threshold, and at the one that is `best` by F1 on these
very claims, so an upper bound. AUC is of the probability, 0 where the check has found a problem: a
number, a name or a date that stands nowhere in the lines, or a word that says otherwise.

The shipped weights were fitted on all of WiCE's dev set. With --held-out a claim is judged by
weights that never saw its page: the pages are halved by their titles' SHA-256, and each half is
judged by weights that were fitted like the shipped ones, but on the other half.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from tqdm import tqdm

from evals.command import exit_code, parser_of, print_figures, print_json, reason
from evals.lies import FACTS
from evals.metrics.abstention import auroc
from evals.statistics import Array, Estimate, interval, resample
from rag import Line, Settings, SourceError
from rag.embedding import BundledEmbedder
from rag.grounding import FEATURES, Ground, Grounder, Weights
from rag.replies import Written
from rag.training.grounding import Row, evidence_places, fit, lies, places_before, rows_of, wice

LABELS = ("supported", "partially_supported", "not_supported")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the check says of a claim: the probability (0 to 1) that it is supported, 0 where it has
    a problem. `page` is the title of the page that the claim cites."""

    page: str
    supported: bool
    probability: float
    problem: bool


def load_rows(file: Path) -> list[Row]:
    """The claims in file order. Raises SourceError where the file cannot be read."""
    try:
        rows = list(rows_of(file))
        if not rows:
            raise ValueError("it is empty")
        for number, row in enumerate(rows, 1):
            if not _is_claim(row):
                raise ValueError(f"line {number} is not a claim with its evidence")
        return rows
    except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
        raise SourceError(
            f"{file} cannot be read: {reason(error)}.", hint="FILE is a file of claims of WiCE."
        ) from None


def _is_claim(row: Row) -> bool:
    evidence = row["evidence"]
    return (
        isinstance(row["claim"], str)
        and row["label"] in LABELS
        and bool(evidence)
        and all(isinstance(one, str) for one in evidence)
        and all(place in range(len(evidence)) for place in row["supporting_sentences"][0])
    )


def half_of(row: Row) -> int:
    """The half, 0 or 1, of a claim: by its page."""
    return int(hashlib.sha256(_page(row).encode()).hexdigest()[0], 16) % 2


def _page(row: Row) -> str:
    """The first sentence of the evidence, which is the page's title."""
    return str(row["evidence"][0])


def check(
    rows: Sequence[Row], embedder: BundledEmbedder, weights: Weights, *, with_keys: bool
) -> list[Outcome]:
    """Put every claim to the product's check."""
    grounder = Grounder(embedder, weights)
    outcomes = []
    for row in tqdm(rows, desc="Checking", disable=None, leave=False):
        grounds = _grounds(row, embedder)
        keys = tuple(ground.line.key for ground in grounds) if with_keys else ()
        [claim] = grounder.check([Written(row["claim"], keys)], grounds)
        outcomes.append(
            Outcome(
                _page(row),
                row["label"] == "supported",
                0.0 if claim.problems else claim.support,
                bool(claim.problems),
            )
        )
    return outcomes


def _grounds(row: Row, embedder: BundledEmbedder) -> list[Ground]:
    evidence, places = row["evidence"], evidence_places(row, embedder)
    return [
        Ground(
            Line(f"L{place}", _page(row), 0, len(evidence[place]), evidence[place]),
            " ".join(evidence[before] for before in places_before(place)),
            vector,
        )
        for place, vector in zip(places, embedder.embed([evidence[i] for i in places]), strict=True)
    ]


def check_held_out(
    rows: Sequence[Row], embedder: BundledEmbedder, *, with_keys: bool
) -> list[Outcome]:
    """The same, each half by weights that were fitted on the other; the threshold is the set one.

    Raises:
        SourceError: a half has not both supported and other claims.
    """
    halves = [[row for row in rows if half_of(row) == half] for half in (0, 1)]
    if any(len({row["label"] == "supported" for row in half}) < 2 for half in halves):
        raise SourceError(
            "There are too few claims to hold a half out.", hint="Leave --held-out away."
        )
    outcomes = []
    for judged, fitted in (halves, reversed(halves)):
        model = fit([*wice(fitted, embedder), *lies(FACTS)], embedder)
        numbers = tuple(model["weights"][name] for name in FEATURES)
        weights = Weights(model["bias"], numbers, Weights.load().threshold)
        outcomes += check(judged, embedder, weights, with_keys=with_keys)
    return outcomes


def was_fitted_on(file: Path) -> bool:
    """Whether the shipped weights were fitted on a file of these very bytes."""
    model = json.loads(files("rag.models").joinpath("grounding.json").read_text())
    return hashlib.sha256(file.read_bytes()).hexdigest() in model["data"].values()


def summarize(outcomes: Sequence[Outcome], threshold: float) -> dict[str, Estimate | float | None]:
    """Precision, recall and F1 of 'supported', and the share of the other claims that is caught, at
    a threshold and at the best; AUC. Shares (0 to 1) with intervals, for which whole pages are
    drawn; None where undefined."""
    true = np.array([float(one.supported) for one in outcomes])
    sure = np.array([one.probability for one in outcomes])
    problem = np.array([float(one.problem) for one in outcomes])
    best = _best_threshold(true, sure)
    drawn = resample([one.page for one in outcomes])
    whole = np.ones((1, len(outcomes)))
    said = {"set": sure >= threshold, "best": (sure >= best) & (sure > 0)}
    found: dict[str, Estimate | float | None] = {
        "claims": len(outcomes),
        "supported": int(true.sum()),
        "supported_with_problem": int((true * problem).sum()),
        "others_with_problem": int(((1 - true) * problem).sum()),
    }
    for name, one in said.items():
        found[f"threshold_{name}"] = threshold if name == "set" else best
        points, resampled = (_shares(true, one.astype(float), w) for w in (whole, drawn))
        for figure, point in points.items():
            found[f"{figure}_{name}"] = interval(point[0], resampled[figure])
    found["auc"] = interval(auroc(true, sure, whole)[0], auroc(true, sure, drawn))
    return found


def _shares(true: Array, said: Array, weights: Array) -> dict[str, Array]:
    """Each figure for R resamples (`weights`, R by n) of n claims, NaN where undefined."""
    hits, called, wanted = weights @ (true * said), weights @ said, weights @ true
    passed = weights @ ((1 - true) * said)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "precision": hits / called,
            "recall": hits / wanted,
            "f1": 2 * hits / (called + wanted),
            "caught": 1 - passed / (weights @ (1 - true)),
        }


def _best_threshold(true: Array, sure: Array) -> float:
    """The highest of the thresholds with the best F1 on these claims."""
    candidates = np.unique(sure)[::-1]
    whole = np.ones((1, len(true)))
    f1 = [_shares(true, (sure >= one) * (sure > 0.0), whole)["f1"][0] for one in candidates]
    return float(candidates[int(np.argmax(f1))])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = parser_of("rag eval wice", __doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--without-keys", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)

    def run() -> None:
        rows = load_rows(given.file)
        embedder = BundledEmbedder(Settings.load().precision)
        with_keys = not given.without_keys
        if given.held_out:
            outcomes = check_held_out(rows, embedder, with_keys=with_keys)
        else:
            outcomes = check(rows, embedder, Weights.load(), with_keys=with_keys)
            if was_fitted_on(given.file):
                print(
                    "evals: the shipped weights were fitted on this very file; --held-out judges"
                    " each claim by weights that never saw its page.",
                    file=sys.stderr,
                )
        figures = summarize(outcomes, Weights.load().threshold)
        if given.json:
            print_json(figures)
            return
        print_figures(given.file.name, figures)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
