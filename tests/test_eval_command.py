"""`rag eval` as a person meets it: figures, the baseline, other data sets, writing gold."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

from evals import beir
from evals import main as evals_main
from evals.datasets import Dataset
from evals.gate import Verdict
from evals.judging import answers_at
from evals.report import render
from evals.running import Result, evaluate
from rag import GoldError, Rag, SourceError
from rag.cli import main
from rag.gold import read_gold

from .gold_documents import TEXTS, UNANSWERABLE, rows, text_of, write_documents, write_gold


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    """Arguments for the small gold questions and documents."""
    file, documents = write_gold(tmp_path), write_documents(tmp_path)
    return ["--data", str(file), "--docs", str(documents)]


def test_a_run_a_baseline_and_a_report(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The figures, a baseline beside the questions, and the same bytes when it is renewed."""
    baseline = tmp_path / "small.baseline.json"
    assert main(["eval", *small, "--renew"]) == 0
    text = capsys.readouterr()
    assert "44 questions (small 44), threshold 0.5" in text.out
    assert "unanswerable questions left unanswered" in text.out
    assert "small, best on these questions" in text.out
    assert text.err == ""
    recorded = baseline.read_bytes()

    report = tmp_path / "made" / "report"
    assert main(["eval", *small, "--renew", "--json", "--report", str(report)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert baseline.read_bytes() == recorded
    assert result["figures"]["small"]["right_always"]["mean"] > 0.8
    assert result["baseline"]["changed"] == []
    assert len(result["questions"]) == 44
    assert str(tmp_path) not in recorded.decode()  # nothing of this machine
    assert "Gate passed" in (report / "index.html").read_text()


def test_what_is_wrong_is_said(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", *small, "--gate"]) == 1
    assert "There is no baseline" in capsys.readouterr().err
    assert main(["eval", "--data", small[1], "--docs", str(tmp_path / "nowhere")]) == 1
    assert "is not a folder" in capsys.readouterr().err
    (tmp_path / "small.jsonl").write_text("{}\n")
    assert main(["eval", *small]) == 1
    error = capsys.readouterr().err
    assert "small.jsonl:1 is not a gold question" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("arguments", [["--data", "x"], ["--gate", "--renew"], ["--nonsense"]])
def test_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["eval", *arguments])
    assert exited.value.code == 2


def test_ids_are_unique_over_all_files(tmp_path: Path) -> None:
    file = write_gold(tmp_path)
    again = shutil.copy(file, tmp_path / "again.jsonl")
    with pytest.raises(GoldError, match=r"is in .*small\.jsonl and in .*again\.jsonl"):
        list(Dataset((file, Path(again)), tmp_path, tmp_path / "x").questions())


def test_one_pass_knows_what_every_threshold_would_have_done(tmp_path: Path, rag: Rag) -> None:
    """An answer at a threshold of 0 whose confidence is high enough is the answer at a higher one,
    and the others are abstentions there."""
    rag.ingest(write_documents(tmp_path))
    always = Rag(rag.settings.model_copy(update={"threshold": 0.0}))
    strict = Rag(rag.settings.model_copy(update={"threshold": 0.8}))
    answered = 0
    with always, strict:
        for question in [*(row["question"] for row in rows()[::3]), *UNANSWERABLE[:4]]:
            best, answer = always.ask(question), strict.ask(question)
            assert answers_at(best, 0.8) == (answer.status == "answered")
            assert answer.confidence == best.confidence
            if answer.status == "answered":
                answered += 1
                assert (answer.short, answer.text) == (best.short, best.text)
                assert answer.citations == best.citations
    assert 0 < answered < 16


# The report


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Result]]:
    """A report over a document, and a question, with markup in them."""
    folder = tmp_path_factory.mktemp("hostile")
    documents = folder / "documents"
    documents.mkdir()
    text = "The <script>alert(1)</script> ferry is called <b>Grey & Heron</b>.\n"
    (documents / "x.txt").write_text(text)
    row = {
        "id": "<i>", "fact": "f", "question": "What is the <u>ferry</u> called?", "kind": "which",
        "answers": ["Grey & Heron"], "note": "</details>",
        "evidence": [{"source": "x.txt", "start": 0, "end": len(text), "quote": text}],
    }  # fmt: skip
    file = folder / "gold.jsonl"
    file.write_text(json.dumps(row))
    run, results = evaluate(Dataset.own(file, documents))
    return render(run, results, run, Verdict((), 1, 0)), results


def test_the_report_escapes_what_comes_from_documents(hostile: tuple[str, list[Result]]) -> None:
    html, results = hostile
    assert results[0].answer is not None
    assert html.count("<script>") == 1  # its own
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<u>" not in html
    assert "<i>" not in html
    assert "Grey &amp; Heron" in html
    assert html.count("</details>") == 1


def test_the_report_needs_nothing_but_itself(hostile: tuple[str, list[Result]]) -> None:
    html, _ = hostile
    assert "default-src 'none'" in html
    assert "http://" not in html
    assert "https://" not in html
    assert "@import" not in html
    assert "prefers-color-scheme: dark" in html


def test_the_report_highlights_the_evidence(hostile: tuple[str, list[Result]]) -> None:
    html, _ = hostile
    assert "<mark>The &lt;script&gt;" in html
    assert "Risk over coverage" in html
    assert "has the evidence" in html


# rag eval new


def replies(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


@pytest.fixture
def indexed(tmp_path: Path) -> Path:
    """The file that `new` is to write, with the small documents indexed."""
    with Rag.open() as rag:
        rag.ingest(write_documents(tmp_path))
    return tmp_path / "mine.jsonl"


QUESTION = "What is the ferry called?"


def test_a_confirmed_answer_is_appended(
    indexed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replies(monkeypatch, "y", "", "ferry-name", "as painted")
    assert main(["eval", "new", "--data", str(indexed), *QUESTION.split()]) == 0
    output = capsys.readouterr()
    assert "Grey Heron" in output.out
    assert "was added to" in output.err
    (item,) = read_gold(indexed)
    assert (item.question, item.answers) == (QUESTION, ("Grey Heron",))
    assert (item.fact, item.kind, item.note) == ("ferry-name", "which", "as painted")
    support = item.evidence[0]
    assert text_of(support.source)[support.start : support.end] == support.quote


def test_a_corrected_answer_is_appended_with_its_place(
    indexed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "Its captain is Ingrid Solberg"
    lines = ["x", "n", "Ingrid Solberg | Solberg", "not there", "The ", words, "who", "", ""]
    replies(monkeypatch, *lines)
    assert main(["eval", "new", "--data", str(indexed), "Who steers it?"]) == 0
    errors = capsys.readouterr().err
    assert "Answer one of" in errors
    assert "No document has these words" in errors
    assert "give more of the words" in errors
    (item,) = read_gold(indexed)
    assert item.answers == ("Ingrid Solberg", "Solberg")
    assert [one.quote for one in item.evidence] == [words]
    assert TEXTS[item.evidence[0].source]


def test_an_unanswerable_question_is_appended(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies(monkeypatch, "u", "e", "", "", "")
    assert main(["eval", "new", "--data", str(indexed), "Who is the mayor of Aldmoor?"]) == 0
    (item,) = read_gold(indexed)
    assert (item.absent, item.answers, item.kind) == ("entity", (), "who")


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        (["q"], 0, "Nothing was kept"),
        (["y"], 1, "replies ended"),
        ([], 1, "replies ended"),
        (["y", "colour"], 1, "'colour' is not a kind"),
        (["n", "a | "], 1, "is empty"),
    ],
)
def test_nothing_is_kept_of_what_was_not_finished(
    indexed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lines: list[str],
    code: int,
    message: str,
) -> None:
    replies(monkeypatch, *lines)
    assert main(["eval", "new", "--data", str(indexed), QUESTION]) == code
    assert message in capsys.readouterr().err
    assert not indexed.exists()


# Other people's benchmarks


@pytest.fixture
def beir_folder(tmp_path: Path) -> Path:
    def lines(name: str, *found: object) -> None:
        (tmp_path / name).write_text("".join(json.dumps(one) + "\n" for one in found))

    lines(
        "corpus.jsonl",
        *({"_id": f"d/{source}", "title": "", "text": text_of(source)} for source in TEXTS),
    )
    lines(
        "queries.jsonl",
        {"_id": "q1", "text": "When does the ferry to Aldmoor leave Harwick?"},
        {"_id": "q2", "text": "Who founded the Aldmoor Clock Museum?"},
        {"_id": "q3", "text": "not judged"},
    )
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td/ferry.txt\t2\nq1\td/council.txt\t0\n"
        "q2\td/museum.txt\t1\n"
    )
    return tmp_path


def test_a_beir_folder(beir_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "beir", str(beir_folder), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["documents"], figures["queries"]) == (3, 2)
    assert figures["ndcg_at_10"]["mean"] == 1.0
    assert figures["success_at_1"]["mean"] == 1.0


def test_graded_relevance_in_ndcg(beir_folder: Path) -> None:
    (beir_folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td/ferry.txt\t2\nq1\td/council.txt\t1\n"
    )
    benchmark = beir.load(beir_folder, "test")
    found = beir.summarize(benchmark, {"q1": ["d/council.txt", "d/ferry.txt"]})
    log = 0.6309297535714574  # 1 / log2(3)
    ndcg = found["ndcg_at_10"]
    assert not isinstance(ndcg, int)
    assert ndcg.mean == pytest.approx((1 + 2 * log) / (2 + log))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl", '{"_id": 1}\n', "has no _id and text"),
        ("queries.jsonl", "{\n", "cannot be read"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq9\td\t1\n", "the query q9"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td\t0\n", "nothing relevant"),
        ("qrels/test.tsv", "a\tb\n1\t2\n", "cannot be read"),
    ],
)
def test_a_folder_that_is_not_beir(
    beir_folder: Path, name: str, content: str, message: str
) -> None:
    (beir_folder / name).write_text(content)
    with pytest.raises(SourceError, match=message):
        beir.load(beir_folder, "test")


def test_every_command_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    for name in evals_main.COMMANDS:
        with pytest.raises(SystemExit) as exited:
            main(["eval", name, "--help"])
        assert exited.value.code == 0
        assert f"usage: rag eval {name}" in capsys.readouterr().out
