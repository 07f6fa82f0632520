"""The gate: it trips on a product that was broken on purpose, and on nothing else."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.datasets import Dataset
from evals.gate import Change as Pair
from evals.gate import compare, worse
from evals.records import Record, Run, read_run, write_run
from evals.running import evaluate
from rag import Citation, GoldError, Reading
from rag.cli import main
from rag.cpu import use_bf16
from rag.embedding import open_embedder
from rag.reading import SpanReader

from .conftest import SEEDS
from .gold_documents import write_documents, write_gold


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with gold questions, documents and a recorded baseline; copy before changing it."""
    folder = tmp_path_factory.mktemp("trial")
    dataset = Dataset.own(write_gold(folder), write_documents(folder))
    run, _ = evaluate(dataset)
    write_run(dataset.baseline, run)
    return folder


@pytest.fixture
def gate(trial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    """Runs `rag eval --gate` over a copy of `trial`: exit code, standard error, parsed output."""
    shutil.copytree(trial, tmp_path / "trial")

    def run() -> tuple[int, str, dict[str, Any]]:
        folder = tmp_path / "trial"
        code = main([
            "eval", "--gate", "--json",
            "--data", str(folder / "small.jsonl"), "--docs", str(folder / "documents"),
        ])  # fmt: skip
        captured = capsys.readouterr()
        return code, captured.err, json.loads(captured.out)

    return run


def tripped(result: dict[str, Any]) -> set[str]:
    return {trip["name"] for trip in result["gate"]["trips"]}


def test_it_holds_on_an_unchanged_product(gate: Callable[[], Any]) -> None:
    code, errors, result = gate()
    assert (code, tripped(result)) == (0, set())
    assert "the gate holds" in errors
    assert result["baseline"]["changed"] == []
    assert all(not d or d["mean"] == 0 for d in result["baseline"]["differences"].values())


def test_a_reader_that_picks_the_second_best_span(
    gate: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SpanReader.read

    def second_best(
        self: SpanReader, question: str, passages: Any, spans: int = 5
    ) -> list[Reading]:
        readings = read(self, question, passages, spans)
        return [replace(one, spans=one.spans[1:]) for one in readings]

    monkeypatch.setattr(SpanReader, "read", second_best)
    code, errors, result = gate()
    assert code == 1
    assert "f1" in tripped(result)
    assert "the gate trips on f1" in errors
    assert "before  answered '" in errors
    assert "after " in errors
    assert "Traceback" not in errors


def test_a_missing_document(gate: Callable[[], Any], tmp_path: Path) -> None:
    (tmp_path / "trial" / "documents" / "museum.txt").unlink()
    code, errors, result = gate()
    assert code == 1
    assert {"evidence_loaded", "document_recall_at_5", "answered_right"} <= tripped(result)
    assert "the gate trips on evidence_loaded: gold evidence is not in the index" in errors
    assert "the gate trips on document_recall_at_5" in errors
    failed = {one["id"]: one["failed_at"] for one in result["questions"]}
    assert failed["museum.txt-0"] == "not loaded"
    assert result["baseline"]["data_is_the_same"] is False


def test_a_threshold_of_0(gate: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_THRESHOLD", "0")
    code, errors, result = gate()
    assert code == 1
    assert tripped(result) == {"silent"}
    assert "the gate trips on silent (unanswerable questions left unanswered)" in errors
    assert "Who is the mayor of Aldmoor?" in errors
    assert result["baseline"]["settings_are_the_same"] is False


def test_a_shifted_citation(gate: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from rag import answering

    right = answering.cite

    def shifted(*arguments: Any) -> Citation | None:
        found = right(*arguments)
        return found and replace(found, start=found.start + 1, end=found.end + 1)

    monkeypatch.setattr(answering, "cite", shifted)
    code, errors, result = gate()
    assert code == 1
    assert "verified" in tripped(result)
    assert "the gate trips on verified: a citation is not what its source says" in errors
    assert "Traceback" not in errors


def test_a_crash_and_a_missing_answer(
    gate: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rag.pipeline import Rag

    ask = Rag.ask

    def flaky(self: Rag, question: str) -> Any:
        if "captain" in question:
            raise RuntimeError("no captain")
        answer = ask(self, question)
        return replace(answer, text="") if "mayor" in question else answer

    monkeypatch.setattr(Rag, "ask", flaky)
    code, errors, result = gate()
    assert code == 1
    assert tripped(result) == {"crash", "missing_answer"}
    assert "RuntimeError: no captain" in errors
    assert "Traceback" not in errors
    outcomes = {one["question"]: one["outcome"] for one in result["questions"]}
    assert outcomes["Who is the captain of the ferry?"] == "failed"


# What the gate makes of stored results


@pytest.fixture(scope="module")
def stored(trial: Path) -> Run:
    return read_run(trial / "small.baseline.json")


def test_a_run_is_read_as_it_was_written(stored: Run, tmp_path: Path) -> None:
    write_run(tmp_path / "run.json", stored)
    assert read_run(tmp_path / "run.json") == stored
    assert len((tmp_path / "run.json").read_text().splitlines()) > len(stored.records)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 0}', '{"schema": 1, "records": [{}]}'])
def test_what_is_no_baseline_is_an_error(tmp_path: Path, content: str) -> None:
    file = tmp_path / "run.json"
    with pytest.raises(GoldError, match="There is no baseline"):
        read_run(file)
    file.write_text(content)
    with pytest.raises(GoldError, match="is not a baseline"):
        read_run(file)


def with_values(record: Record, **values: float) -> Record:
    return replace(record, values={**record.values, **values})


def test_questions_whose_gold_changed_are_left_out(stored: Run) -> None:
    first, *others = stored.records
    verdict = compare(replace(stored, records=(replace(first, gold="other"), *others)), stored)
    assert (verdict.passed, verdict.compared, verdict.left_out) == (True, len(others), 1)
    with pytest.raises(GoldError, match="none of these questions"):
        compare(replace(stored, records=(replace(first, id="other"),)), stored)


def test_one_lost_question_is_chance_many_are_not(stored: Run) -> None:
    answerable = [record for record in stored.records if record.answerable]

    def lose(count: int) -> set[str]:
        lost = {record.id for record in answerable[:count]}
        records = [with_values(r, right_always=0.0) if r.id in lost else r for r in stored.records]
        trips = worse([Pair(b, a) for b, a in zip(stored.records, records, strict=True)])
        assert all({change.after.id for change in trip.changes} == lost for trip in trips if
                   trip.name == "right_always")  # fmt: skip
        return {trip.name for trip in trips}

    assert lose(1) == set()
    assert "right_always" in lose(18)


def test_getting_better_does_not_trip(stored: Run) -> None:
    before = [
        with_values(r, right_always=0.0, f1=0.0, brier=1.0) if r.answerable else r
        for r in stored.records
    ]
    assert worse([Pair(b, a) for b, a in zip(before, stored.records, strict=True)]) == []


@pytest.mark.parametrize("share", [0.05, 0.15])
def test_unchanged_runs_trip_it_in_fewer_than_one_of_a_hundred(share: float) -> None:
    """From the stored results two runs are made that are equally good: in a share of the questions
    the second has another question's result, and for each fact it is chance which run is before."""
    records = read_run(Dataset.seeds().baseline).records
    rng = random.Random(0)
    trials, trips = 200, 0
    for _ in range(trials):
        other = [_exchanged(one, records, rng) if rng.random() < share else one for one in records]
        swapped = {one.fact: rng.random() < 0.5 for one in records}
        pairs = [
            Pair(b, a) if swapped[a.fact] else Pair(a, b)
            for a, b in zip(records, other, strict=True)
        ]
        trips += bool(worse(pairs))
    assert trips < trials / 100


def _exchanged(record: Record, records: tuple[Record, ...], rng: random.Random) -> Record:
    """The record with the result of another of its sort."""
    sort = _sort(record)
    other = rng.choice([one for one in records if _sort(one) == sort])
    return replace(record, values=other.values, confidence=other.confidence)


def _sort(record: Record) -> tuple[bool, ...]:
    return tuple(record.values[name] is None for name in ("right_always", "f1", "fact_recall"))


# Over the seeds, as CI runs it


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_it_holds_over_the_seeds_with_and_without_bf16(
    precision: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAG_PRECISION", precision)
    monkeypatch.setattr("rag.pipeline.open_embedder", open_embedder)  # not the shared one
    dataset = Dataset.seeds()
    if precision == "bf16" and not use_bf16("auto"):  # emulated, which takes six times as long
        dataset = every_fifth(dataset, tmp_path)
    run, _ = evaluate(dataset)
    verdict = compare(run, read_run(Dataset.seeds().baseline))
    assert run.settings["precision"] == precision
    assert verdict.passed, [trip.name for trip in verdict.trips]
    assert verdict.compared == len(list(dataset.questions())) >= 38


def every_fifth(dataset: Dataset, folder: Path) -> Dataset:
    """Every fifth question of each file."""
    files = []
    for file in dataset.files:
        lines = file.read_text().splitlines(keepends=True)
        files.append(folder / file.name)
        files[-1].write_text("".join(lines[::5]))
    return replace(dataset, files=tuple(files))


@pytest.mark.full
@pytest.mark.parametrize("article", sorted(path.name for path in SEEDS.iterdir()))
def test_it_trips_over_the_seeds_without_an_article(
    article: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    others = shutil.copytree(SEEDS, tmp_path / "seeds", ignore=shutil.ignore_patterns(article))
    monkeypatch.setattr("evals.datasets.SEEDS", Path(others))
    assert main(["eval", "--gate"]) == 1
    assert "the gate trips on evidence_loaded" in capsys.readouterr().err
