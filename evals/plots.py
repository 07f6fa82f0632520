"""The report's plots as geometry: numbers in, SVG coordinates out. The template draws them, so that
colours follow the page's light or dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evals.figures import columns_of
from evals.metrics.abstention import risk_coverage_curve
from evals.metrics.calibration import reliability
from evals.records import Record, Run
from evals.statistics import Estimate

WIDTH, HEIGHT = 300, 210  # of the area inside the axes, in SVG units
LATENCY_BARS = 24
WHISKER = 120  # the width of a difference's drawing, zero in its middle


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, in SVG units, and what is written there."""

    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot with what it stands for."""

    x: float
    y: float
    radius: float
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """A named line as an SVG path, with the dot of the set threshold where it has one."""

    name: str
    path: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar that stands on the x axis."""

    x: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Whisker:
    """A difference with its interval, in SVG units from the left; all between 0 and WHISKER."""

    low: float
    middle: float
    high: float


def share_ticks(length: float, *, flipped: bool = False) -> list[Tick]:
    """Ticks of an axis from 0 to 100 %."""
    return [
        Tick(length * (1 - one / 100 if flipped else one / 100), f"{one} %")
        for one in (0, 25, 50, 75, 100)
    ]


def risk_coverage(run: Run) -> list[Line]:
    """Risk over coverage, a line a split; the dot is the set threshold."""
    lines = []
    for split in run.splits:
        records = run.of(split).records
        columns = columns_of(records)
        coverage, risk = risk_coverage_curve(columns["right"], columns["confidence"])
        points = [
            f"{_x(c):.1f},{_y(r):.1f}"
            for c, r in zip([coverage[0], *coverage], [risk[0], *risk], strict=True)
        ]
        lines.append(Line(split, f"M {' L '.join(points)}", _set_point(records)))
    return lines


def _set_point(records: Sequence[Record]) -> Mark | None:
    said = [record for record in records if record.values.get("answered")]
    if not said:
        return None
    covered = len(said) / len(records)
    wrong = sum(record.outcome == "wrong" for record in said) / len(said)
    title = f"set threshold: {covered:.0%} answered, {wrong:.0%} of them wrong"
    return Mark(_x(covered), _y(wrong), 5, title)


def reliability_marks(records: Sequence[Record]) -> list[Mark]:
    """Share right over mean confidence, a dot a bin."""
    columns = columns_of(records)
    return [
        Mark(
            _x(one.confidence),
            _y(one.right),
            5,
            f"{one.questions:.0f} questions: confidence {one.confidence:.0%}, right"
            f" {one.right:.0%}",
        )
        for one in reliability(columns["right"], columns["confidence"])
    ]


def latency_bars(milliseconds: Sequence[float]) -> tuple[list[Bar], list[Tick]]:
    """A histogram of the answers' times up to the 99th percentile (the last bar has the rest)."""
    top = 100 * float(np.ceil(np.percentile(milliseconds, 99) / 100)) or 100.0
    edges = np.linspace(0, top, LATENCY_BARS + 1)
    counts, _ = np.histogram(np.minimum(milliseconds, top), edges)
    width = WIDTH / LATENCY_BARS
    bars = [
        Bar(
            width * place + 1,
            width - 2,
            HEIGHT * int(count) / int(counts.max()),
            f"{edges[place]:.0f} to {edges[place + 1]:.0f} ms: {count} answers",
        )
        for place, count in enumerate(counts)
    ]
    return bars, [Tick(WIDTH * part, f"{top * part:,.0f}") for part in (0, 0.25, 0.5, 0.75, 1)]


def whisker(difference: Estimate, scale: float) -> Whisker:
    """A difference's drawing; `scale` is the greatest distance from zero that is shown."""

    def place(value: float) -> float:
        return WHISKER * (1 + max(-1.0, min(1.0, value / scale))) / 2

    return Whisker(place(difference.low), place(difference.mean), place(difference.high))


def _x(share: float) -> float:
    return WIDTH * share


def _y(share: float) -> float:
    return HEIGHT * (1 - share)
