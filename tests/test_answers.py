"""Exact match and F1 as SQuAD's own script computes them."""

from __future__ import annotations

import pytest

from evals.metrics.answers import exact_match, f1


@pytest.mark.parametrize(
    ("answer", "accepted", "em", "overlap"),
    [
        # Worked by the official script's definitions (evaluate-v2.0.py).
        ("the Denver Broncos", ["Denver Broncos"], 1.0, 1.0),
        ("Denver Broncos!", ["the denver broncos"], 1.0, 1.0),
        ("Broncos", ["Denver Broncos", "The Broncos"], 1.0, 1.0),
        ("in the city of Denver", ["Denver"], 0.0, 0.4),
        ("to be or to be", ["to be"], 0.0, 2 * 2 / 7),
        ("a cat sat", ["the dog"], 0.0, 0.0),
        ("", [], 1.0, 1.0),
        ("something", [], 0.0, 0.0),
        ("", ["something"], 0.0, 0.0),
    ],
)
def test_official_cases(answer: str, accepted: list[str], em: float, overlap: float) -> None:
    assert exact_match(answer, accepted) == em
    assert f1(answer, accepted) == pytest.approx(overlap)
