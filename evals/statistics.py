"""Bootstrap intervals over questions. Seeded: the same figures give the same interval."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESAMPLES = 10_000
SEED = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure over questions with its percentile bootstrap interval (95 % unless said otherwise),
    in the values' unit."""

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


def resample(clusters: Sequence[Hashable]) -> Array:
    """How often each question is drawn (RESAMPLES by n) when whole clusters are drawn with
    replacement, as many as there are.

    Args:
        clusters: the cluster of each question.
    """
    return _resample(tuple(clusters))


@lru_cache(maxsize=4)  # every figure of a run is over the same resamples
def _resample(clusters: tuple[Hashable, ...]) -> Array:
    place = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    count = len(place)
    drawn = np.random.default_rng(SEED).multinomial(count, [1 / count] * count, RESAMPLES)
    return drawn[:, [place[cluster] for cluster in clusters]].astype(np.float64)


def swap(clusters: Sequence[Hashable]) -> Array:
    """Which questions change sides (1 or 0, RESAMPLES by n) where it is chance, a coin a cluster,
    which of two runs a result came from: the draws of a paired randomisation test.

    Args:
        clusters: the cluster of each question.
    """
    place = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    coins = np.random.default_rng(SEED).integers(0, 2, (RESAMPLES, len(place)))
    return coins[:, [place[cluster] for cluster in clusters]].astype(np.float64)


def interval(point: float, resampled: Array, level: float = 0.95) -> Estimate | None:
    """A figure with the percentile interval of its resampled values, NaN ones left out; None
    where the figure itself is NaN (there was nothing to take it over)."""
    if np.isnan(point):
        return None
    tail = 50 * (1 - level)
    low, high = np.nanpercentile(resampled, [tail, 100 - tail])
    return Estimate(float(point), float(low), float(high))
