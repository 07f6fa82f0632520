"""Bootstrap intervals over questions. Seeded: the same figures give the same interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
SEED = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over questions with its 95 % percentile bootstrap interval, in the values' unit."""

    mean: float
    low: float
    high: float


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of one value a question, and how far it may be chance.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("there is no mean of nothing")
    array = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(SEED).integers(0, len(array), (RESAMPLES, len(array)))
    low, high = np.percentile(array[drawn].mean(axis=1), [2.5, 97.5])
    return Estimate(float(array.mean()), float(low), float(high))


def difference(ours: Sequence[float], others: Sequence[float]) -> Estimate:
    """The mean of `ours - others`, paired: both have one value a question, in the same order.

    Raises:
        ValueError: the two differ in length, or are empty.
    """
    return estimate([one - other for one, other in zip(ours, others, strict=True)])
