"""The figures of a run: which there are, over which questions, with intervals.

A figure is computed for all resamples of the questions at once: from columns (one value a question,
NaN where a metric does not apply) and weights (resamples by questions, see `resample`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evals.metrics.abstention import aurc, auroc, best_threshold, coverage_at_precision
from evals.metrics.calibration import ece
from evals.records import Record, Run
from evals.statistics import Array, Estimate, interval, resample, swap

Columns = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: its name, what it says to a reader, and how it is computed (R values).

    `gain` is 1 where higher is better, -1 where lower is, 0 where neither. `gated` ones are those
    that the gate watches.
    """

    name: str
    group: str
    label: str
    gain: int
    of: Callable[[Columns, Array], Array]
    gated: bool = False


def mean_of(name: str) -> Callable[[Columns, Array], Array]:
    """The mean of a column over the questions that have a value."""

    def of(columns: Columns, weights: Array) -> Array:
        values = columns[name]
        there = ~np.isnan(values)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = weights @ np.where(there, values, 0.0)
            return np.asarray(total / (weights @ there.astype(np.float64)), dtype=np.float64)

    return of


def _mean(name: str, group: str, label: str, gain: int = 1, *, gated: bool = False) -> Metric:
    return Metric(name, group, label, gain, mean_of(name), gated)


def _coverage(precision: float) -> Callable[[Columns, Array], Array]:
    return lambda columns, weights: coverage_at_precision(
        columns["right"], columns["confidence"], weights, precision
    )


SET, ALWAYS, ABSTAINING = "At the set threshold", "Always answering", "Abstaining"
RETRIEVAL, CITATIONS = "Retrieval", "Citations"

METRICS: tuple[Metric, ...] = (
    _mean("handled", SET, "handled well: right, or silent where there is no answer"),
    _mean("answered_right", SET, "answerable questions answered rightly", gated=True),
    _mean("silent", SET, "unanswerable questions left unanswered", gated=True),
    _mean("right_of_answered", SET, "right among the answers given"),
    _mean("answered", SET, "questions answered", 0),
    _mean("right_always", ALWAYS, "best candidate right (answerable questions)", gated=True),
    _mean("exact_match", ALWAYS, "exact match of the short answer (SQuAD)"),
    _mean("f1", ALWAYS, "F1 of the short answer (SQuAD)", gated=True),
    _mean("fact_recall", ALWAYS, "facts that a longer answer says", gated=True),
    _mean("extraneous_sentences", ALWAYS, "sentences of it beside the point", -1),
    _mean("citation_precision", CITATIONS, "citations that support (ALCE)", gated=True),
    _mean("citation_recall", CITATIONS, "statements supported by a citation (ALCE)", gated=True),
    _mean("span_iou", CITATIONS, "best overlap with gold evidence (IoU)"),
    _mean("source_cited", CITATIONS, "answers given that cite a document with gold evidence"),
    _mean("verified", CITATIONS, "citations that are what their source says"),
    _mean("evidence_loaded", RETRIEVAL, "gold evidence that is in the index at its place"),
    _mean("passage_recall_at_5", RETRIEVAL, "evidence in the first 5 passages"),
    _mean("passage_recall_at_10", RETRIEVAL, "evidence in the first 10 passages", gated=True),
    _mean("passage_success_at_1", RETRIEVAL, "any evidence in the first passage"),
    _mean("passage_success_at_5", RETRIEVAL, "any evidence in the first 5"),
    _mean("passage_mrr", RETRIEVAL, "MRR@10, passages"),
    _mean("passage_ndcg_at_10", RETRIEVAL, "nDCG@10, passages"),
    _mean("document_recall_at_5", RETRIEVAL, "documents with evidence in the first 5", gated=True),
    _mean("document_success_at_1", RETRIEVAL, "the first document has evidence"),
    _mean("document_mrr", RETRIEVAL, "MRR@10, documents"),
    _mean("document_ndcg_at_10", RETRIEVAL, "nDCG@10, documents"),
    Metric(
        "aurc",
        ABSTAINING,
        "area under risk-coverage (lower is better)",
        -1,
        lambda columns, weights: aurc(columns["right"], columns["confidence"], weights),
    ),
    Metric("coverage_at_95", ABSTAINING, "coverage at 95 % precision", 1, _coverage(0.95)),
    Metric("coverage_at_99", ABSTAINING, "coverage at 99 % precision", 1, _coverage(0.99)),
    Metric(
        "auroc",
        ABSTAINING,
        "AUROC: right candidates against wrong",
        1,
        lambda columns, weights: auroc(columns["right"], columns["confidence"], weights),
        gated=True,
    ),
    Metric(
        "auroc_answerable",
        ABSTAINING,
        "AUROC: answerable against unanswerable",
        1,
        lambda columns, weights: auroc(columns["answerable"], columns["confidence"], weights),
    ),
    Metric(
        "ece",
        ABSTAINING,
        "expected calibration error (lower is better)",
        -1,
        lambda columns, weights: ece(columns["right"], columns["confidence"], weights),
    ),
    _mean("brier", ABSTAINING, "Brier score (lower is better)", -1, gated=True),
)
TOLERANCE = 1e-9  # sums of the same numbers in another order
GATED = tuple(metric for metric in METRICS if metric.gated)


def columns_of(records: Sequence[Record]) -> Columns:
    """One value a question for every metric that has one, and `right` (0 for a question without an
    answer), `confidence`, `answerable`. What crashed counts as wrong with a confidence of 0."""
    means = [metric.name for metric in METRICS]
    columns = {
        name: np.array([_number(record.values.get(name)) for record in records]) for name in means
    }
    columns["right"] = np.array([record.values.get("right_always") or 0.0 for record in records])
    columns["confidence"] = np.array([record.confidence for record in records])
    columns["answerable"] = np.array([float(record.answerable) for record in records])
    return columns


def figures(records: Sequence[Record]) -> dict[str, Estimate | None]:
    """Every metric with its 95 % interval, resampled by fact; None where it applies to nothing."""
    columns = columns_of(records)
    drawn = resample([record.fact for record in records])
    whole = np.ones((1, len(records)))
    return {
        metric.name: interval(metric.of(columns, whole)[0], metric.of(columns, drawn))
        for metric in METRICS
    }


def differences(
    ours: Sequence[Record], others: Sequence[Record], metrics: Sequence[Metric], level: float = 0.95
) -> dict[str, Estimate | None]:
    """Ours minus others, paired: both have the same questions in the same order, and each resample
    draws the same ones of both.

    Raises:
        ValueError: the questions are not the same.
    """
    if [one.id for one in ours] != [one.id for one in others]:
        raise ValueError("only runs over the same questions can be compared")
    mine, theirs = columns_of(ours), columns_of(others)
    drawn = resample([record.fact for record in ours])
    whole = np.ones((1, len(ours)))
    return {
        metric.name: interval(
            metric.of(mine, whole)[0] - metric.of(theirs, whole)[0],
            metric.of(mine, drawn) - metric.of(theirs, drawn),
            level,
        )
        for metric in metrics
    }


def chance(ours: Sequence[Record], others: Sequence[Record], metric: Metric) -> float:
    """How often chance alone makes ours that much worse than the others: the p-value of a paired
    randomisation test, by fact (Smucker, Allan and Carterette 2007).

    It asks which run each fact's results came from, so that it is exact for any metric and however
    few questions changed, where a bootstrap's far tails are not.
    """
    mine, theirs = columns_of(ours), columns_of(others)
    both = {name: np.concatenate([mine[name], theirs[name]]) for name in mine}
    moved = swap([record.fact for record in ours])

    def gained(moved: Array) -> Array:
        here, there = np.hstack([1 - moved, moved]), np.hstack([moved, 1 - moved])
        return metric.gain * (metric.of(both, here) - metric.of(both, there))

    seen = gained(np.zeros((1, len(ours))))[0]
    as_bad = int((gained(moved) <= seen + TOLERANCE).sum())
    return (as_bad + 1) / (len(moved) + 1)


@dataclass(frozen=True, slots=True)
class Operating:
    """What one threshold makes of the questions: shares from 0 to 1, NaN where undefined."""

    name: str
    threshold: float
    handled: float
    answered_right: float
    silent: float
    right_of_answered: float
    answered: float


def operating_points(run: Run) -> list[Operating]:
    """The set threshold, the best one on these very questions, and always answering."""
    columns = columns_of(run.records)
    right, sure, answerable = (columns[n] for n in ("right", "confidence", "answerable"))
    best = best_threshold(right, answerable, sure)
    points = (("set", run.threshold), ("best on these questions", best), ("always answering", 0.0))
    return [_operating(name, one, right, sure, answerable) for name, one in points]


def _operating(
    name: str, threshold: float, right: Array, sure: Array, answerable: Array
) -> Operating:
    # A question without any candidate has a confidence of 0 and is never answered.
    said = ((sure >= threshold) & (sure > 0)).astype(float)
    none = 1 - answerable

    def share(part: Array, whole: Array) -> float:
        return float((part * whole).sum() / whole.sum()) if whole.sum() else float("nan")

    return Operating(
        name,
        threshold,
        handled=float(np.where(answerable == 1, said * right, 1 - said).mean()),
        answered_right=share(said * right, answerable),
        silent=share(1 - said, none),
        right_of_answered=share(right, said),
        answered=float(said.mean()),
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
