"""What abstaining by confidence gains: risk and coverage (El-Yaniv and Wiener 2010; Geifman and
El-Yaniv 2017), with every question counted, also those without an answer.

Each function takes `right` and `confidence` (n values: whether the best candidate is right, and how
sure it is) and `weights` (R by n: how often each question was drawn, a row a resample), and returns
R values, NaN where undefined.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def risk_coverage_curve(right: Array, confidence: Array) -> tuple[Array, Array]:
    """Coverage and risk (share of wrong among the answered) as the threshold falls, each 0 to 1.

    One point for each distinct confidence: questions that are equally sure are answered together.
    """
    coverage, risk, last = _curve(right, confidence, np.ones((1, len(right))))
    points = np.flatnonzero(last)
    return coverage[0, points], risk[0, points]


def aurc(right: Array, confidence: Array, weights: Array) -> Array:
    """The area under the risk-coverage curve: the mean risk over all coverages. Lower is better."""
    _, risk, last = _curve(right, confidence, weights)
    drawn = weights[:, _descending(confidence)]
    # Those that are equally sure share the risk of answering all of them.
    ends = np.flatnonzero(last)[np.searchsorted(np.flatnonzero(last), np.arange(len(last)))]
    return _ratio((drawn * np.nan_to_num(risk[:, ends])).sum(axis=1), drawn.sum(axis=1))


def coverage_at_precision(
    right: Array, confidence: Array, weights: Array, precision: float
) -> Array:
    """The greatest share of questions answered with at least that share of them right, 0 to 1."""
    coverage, risk, last = _curve(right, confidence, weights)
    reached = last & (1 - np.nan_to_num(risk, nan=1.0) >= precision - 1e-12)
    return np.asarray(np.where(reached, coverage, 0.0).max(axis=1), dtype=np.float64)


def auroc(positive: Array, confidence: Array, weights: Array) -> Array:
    """The probability that a positive is surer than a negative, ties by half; 0.5 is chance."""
    order = np.argsort(confidence, kind="stable")
    sure, good, drawn = confidence[order], positive[order], weights[:, order]
    positives, negatives = drawn * good, drawn * (1 - good)
    _, group = np.unique(sure, return_inverse=True)
    firsts = np.flatnonzero(np.diff(group, prepend=-1))
    tied = np.add.reduceat(negatives, firsts, axis=1)
    below = np.cumsum(tied, axis=1) - tied
    won = (positives * (below + tied / 2)[:, group]).sum(axis=1)
    return _ratio(won, positives.sum(axis=1) * negatives.sum(axis=1))


def best_threshold(right: Array, answerable: Array, confidence: Array) -> float:
    """The threshold on these very questions at which most are handled well: answered rightly, or
    left unanswered where the documents do not answer. The highest of those that tie; an upper
    bound on what any threshold would do."""
    candidates = np.unique(np.append(confidence, 1.0))[::-1]
    handled = [np.where(confidence >= one, right, 1 - answerable).sum() for one in candidates]
    return float(candidates[int(np.argmax(handled))])


def _curve(
    right: Array, confidence: Array, weights: Array
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Coverage and risk (R by n) along falling confidence, and where a group of equals ends."""
    order = _descending(confidence)
    drawn = weights[:, order]
    answered = np.cumsum(drawn, axis=1)
    wrong = np.cumsum(drawn * (1 - right[order]), axis=1)
    last = np.append(np.diff(confidence[order]) != 0, True)
    return _ratio(answered, answered[:, -1:]), _ratio(wrong, answered), last


def _descending(confidence: Array) -> NDArray[np.intp]:
    return np.argsort(-confidence, kind="stable")


def _ratio(above: Array, below: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below, dtype=np.float64)
