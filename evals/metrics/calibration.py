"""Whether a confidence of 0.8 is right 8 times in 10: ECE with equal-mass bins (Naeini et al. 2015;
Nixon et al. 2019). The Brier score (Brier 1950) is the mean of (confidence - right)², a question
each, and needs no function."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BINS = 10


class Bin(NamedTuple):
    """Questions of near confidence: how many, their mean confidence, and the share right."""

    questions: float
    confidence: float
    right: float


def ece(right: Array, confidence: Array, weights: Array) -> Array:
    """Expected calibration error, 0 to 1, lower is better: the mean over BINS bins of as many
    questions each of |mean confidence - share right|.

    Args:
        right, confidence: n values.
        weights: R by n, how often each question was drawn in each resample.

    Returns:
        R values.
    """
    mass, sure, good = _binned(right, confidence, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = np.abs(sure - good).sum(axis=1)
        return np.asarray(gaps / mass.sum(axis=1), dtype=np.float64)


def reliability(right: Array, confidence: Array) -> list[Bin]:
    """The bins of `ece` on the questions as they are, the least sure first."""
    bins = (sums[0] for sums in _binned(right, confidence, np.ones((1, len(right)))))
    return [
        Bin(float(mass), float(sure / mass), float(good / mass))
        for mass, sure, good in zip(*bins, strict=True)
        if mass
    ]


def _binned(right: Array, confidence: Array, weights: Array) -> tuple[Array, Array, Array]:
    """For each resample and bin: questions, summed confidence and number right (R by BINS)."""
    order = np.argsort(confidence, kind="stable")
    drawn = weights[:, order]
    middle = np.cumsum(drawn, axis=1) - drawn / 2
    place = np.minimum(BINS - 1, (BINS * middle / drawn.sum(axis=1, keepdims=True)).astype(int))
    columns = (np.ones(len(order)), confidence[order], right[order])
    inside = [np.where(place == number, drawn, 0.0) for number in range(BINS)]
    mass, sure, good = (np.stack([one @ column for one in inside], axis=1) for column in columns)
    return mass, sure, good
