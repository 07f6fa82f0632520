"""Claims are judged by the product's own check, and by weights that did not see them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from evals import wice
from evals.statistics import Estimate
from evals.wice import Outcome
from rag.cli import main

TOWNS = ("Norvik", "Aldmoor", "Harwick", "Selby", "Torpin", "Lundeby", "Ostrava", "Velden")


def claims(town: str) -> list[dict[str, Any]]:
    """A supported claim over a page, and two that are not."""
    evidence = [
        f"(meta data) TITLE: {town}",
        f"{town} has a lighthouse that was built in 1887.",
        "The weather is fine.",
    ]
    return [
        {"claim": claim, "label": label, "supporting_sentences": places, "evidence": evidence}
        for claim, label, places in (
            (f"The lighthouse of {town} was built in 1887.", "supported", [[1], [0, 1]]),
            (f"The lighthouse of {town} was built in 1912.", "partially_supported", [[1]]),
            ("A famous painter lived here for many happy years.", "not_supported", [[]]),
        )
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "claims.jsonl.gz"
    lines = (json.dumps(claim) + "\n" for town in TOWNS for claim in claims(town))
    path.write_bytes(gzip.compress("".join(lines).encode()))
    return path


@pytest.mark.parametrize("flags", [[], ["--without-keys"], ["--held-out"]])
def test_supported_claims_are_told_from_others(
    file: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    assert main(["eval", "wice", str(file), "--json", *flags]) == 0
    output = capsys.readouterr()
    figures = json.loads(output.out)
    assert (figures["claims"], figures["supported"]) == (24, 8)
    assert figures["supported_with_problem"] == 0
    assert figures["others_with_problem"] >= 8  # 1912
    assert figures["auc"]["mean"] > 0.9
    assert figures["precision_set"]["mean"] == figures["recall_set"]["mean"] == 1
    assert output.err == ""


def test_what_the_weights_were_fitted_on_is_said(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not wice.was_fitted_on(file)
    assert wice.was_fitted_on(wice.FACTS)  # evals/lies.jsonl
    monkeypatch.setattr(wice, "was_fitted_on", lambda _: True)
    assert main(["eval", "wice", str(file)]) == 0
    assert "were fitted on this very file" in capsys.readouterr().err


def test_claims_of_one_page_are_in_one_half() -> None:
    halves = [{wice.half_of(claim) for claim in claims(town)} for town in TOWNS]
    assert all(len(half) == 1 for half in halves)
    assert set.union(*halves) == {0, 1}


def test_too_few_claims_to_hold_a_half_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps(claims("Norvik")[0]))
    assert main(["eval", "wice", str(file), "--held-out"]) == 1
    assert "too few claims" in capsys.readouterr().err
    assert main(["eval", "wice", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["auc"] is None


def test_the_figures() -> None:
    """At 0.6 two of four are found, at the best threshold, 0.4, three of four."""
    outcomes = [
        Outcome("a", True, 0.9, False),
        Outcome("b", False, 0.8, False),
        Outcome("c", True, 0.7, False),
        Outcome("d", True, 0.4, False),
        Outcome("e", True, 0.0, True),
        Outcome("f", False, 0.0, True),
    ]
    figures = wice.summarize(outcomes, 0.6)
    means = {n: f.mean if isinstance(f, Estimate) else f for n, f in figures.items()}
    assert means == {
        "claims": 6,
        "supported": 4,
        "supported_with_problem": 1,
        "others_with_problem": 1,
        "threshold_set": 0.6,
        "precision_set": pytest.approx(2 / 3),
        "recall_set": 0.5,
        "f1_set": pytest.approx(4 / 7),
        "caught_set": 0.5,
        "threshold_best": 0.4,
        "precision_best": 0.75,
        "recall_best": 0.75,
        "f1_best": 0.75,
        "caught_best": 0.5,
        # Each supported claim against both others; 0.0 ties with 0.0.
        "auc": pytest.approx((1 + 0.5 + 0.5 + 0.25) / 4),
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]\n",
        b"{}\n",
        b"\x00\xff",
        json.dumps(claims("Norvik")[0] | {"label": "true"}).encode(),
        json.dumps(claims("Norvik")[0] | {"supporting_sentences": [[9]]}).encode(),
        json.dumps(claims("Norvik")[0] | {"supporting_sentences": []}).encode(),
        json.dumps(claims("Norvik")[0] | {"evidence": []}).encode(),
    ],
)
def test_another_file_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(content)
    assert main(["eval", "wice", str(file)]) == 1
    error = capsys.readouterr().err
    assert "cannot be read" in error
    assert "FILE is a file of claims of WiCE" in error


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "wice", str(tmp_path / "none.jsonl")]) == 1
    assert "No such file" in capsys.readouterr().err
