"""`rag eval --llm-url`: a language model's answers beside the reader's, over a real protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.judging import says_it
from rag import Answer
from rag.cli import main
from rag.gold import GoldItem, read_gold
from rag.prompts import NOTHING

from . import scripted
from .gold_documents import rows, write_documents
from .scripted import Asked, serving

# LlamaIndex's own code warns of what it depends on.
pytestmark = pytest.mark.filterwarnings("default")

WANTED = ("ferry.txt-2", "museum.txt-5", "council.txt-6", "none-0")  # one of them a why, one absent
LIE = "The mayor of Harwick was arrested by Olaf Brandt in 1999."


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    """Arguments for four gold questions over the small documents."""
    file = tmp_path / "four.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows() if row["id"] in WANTED))
    return ["eval", "--data", str(file), "--docs", str(write_documents(tmp_path))]


def good(asked: Asked) -> str:
    """The sentence that answers, in its own words, or that there is none."""
    said = {
        "What is the ferry called?": "The ferry is called the Grey Heron.",
        "Who is the director of the museum?": "The director of the museum is Paula Okafor.",
        "Why was the old bridge torn down?": "It was torn down because its piers had cracked.",
    }.get(asked.question)
    if said is None:
        return NOTHING
    return f"{said} [{asked.key(said.split()[-1])}]"


def liar(asked: Asked) -> str:
    """The same with a lie beside it, or the lie alone."""
    return f"{LIE} [{next(iter(asked.lines))}]\n{good(asked)}"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_good_model_beside_the_reader(
    small: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(good) as script:
        found = run(capsys, *small, "--llm-url", script.url, "--llm-model", "tiny")
        assert len(script.requests) == 4  # each question once
    figures = found["figures"]["four"]
    assert found["settings"]["answered_by"] == f"tiny at {script.url}"
    model = {name: value and value["mean"] for name, value in figures["model"].items()}
    assert model["right_always"] == model["fact_recall"] == model["verified"] == 1
    assert model["citation_precision"] == model["citation_recall"] == 1
    assert model["silent"] == 1
    assert "f1" not in model  # of the short answer, which a model does not write
    assert figures["left_out"]["mean"] == 0
    assert figures["differences"]["right_always"]["low"] >= 0
    assert figures["latency_ms"]["model"]["p50"] > figures["latency_ms"]["reader"]["p50"] > 0
    assert [one["model"]["id"] for one in found["questions"]] == list(WANTED)
    assert all(one["reader"]["confidence"] == one["model"]["confidence"] for one in
               found["questions"])  # fmt: skip


def test_a_lying_model_is_measured_by_what_is_left_of_it(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report"
    with serving(liar) as script:
        arguments = [*small, "--llm-url", script.url, "--llm-model", "tiny"]
        found = run(capsys, *arguments, "--report", str(report))
    figures = found["figures"]["four"]
    assert figures["left_out"]["mean"] == pytest.approx((3 * 0.5 + 1) / 4)
    assert figures["model"]["right_always"]["mean"] == 1  # the rest stands
    assert all(LIE not in one["model"]["text"] for one in found["questions"])
    html = (report / "index.html").read_text()
    assert LIE in html  # as what was left out
    assert "Model − reader" in html
    assert "<mark>" in html
    assert html.count("<script>") == 1
    assert "https://" not in html


def test_the_tables(small: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with serving(good) as script:
        assert main([*small, "--llm-url", script.url, "--llm-model", "tiny"]) == 0
    output = capsys.readouterr()
    assert "beside the bundled reader" in output.out
    assert "left out as unsupported" in output.out
    assert output.err == ""  # loopback: nothing leaves the machine


def test_a_model_of_the_environment_is_compared_too(
    small: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(good) as script:
        monkeypatch.setenv("RAG_LLM_URL", script.url)
        monkeypatch.setenv("RAG_LLM_MODEL", "tiny")
        monkeypatch.setenv("RAG_LLM_FALLBACK", "reader")  # would hide the model's silence
        found = run(capsys, *small)
    [absent] = [one["model"] for one in found["questions"] if one["model"]["id"] == "none-0"]
    assert absent["text"].startswith("The documents do not answer")
    assert main([*small, "--gate"]) == 1
    assert "RAG_LLM_URL" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--llm-model", "tiny"], "RAG_LLM_URL is not set"),
        (["--llm-url", "http://127.0.0.1:9/v1"], "not RAG_LLM_MODEL"),
        (["--llm-url", "nonsense", "--llm-model", "tiny"], "is not usable"),
        (["--llm-url", "http://127.0.0.1:9/v1", "--llm-model", "x"], "could not be reached"),
        (["--llm-path", "nowhere"], "nowhere"),
        (["--llm-path", "nowhere", "--gate"], "the bundled reader's"),
        (["--llm-path", "nowhere", "--renew"], "the bundled reader's"),
    ],
)
def test_what_does_not_work_is_said(
    small: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main([*small, *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_model_that_fails_on_a_question_ends_the_run(
    small: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(good, scripted.status(500, "out of memory")) as script:
        assert main([*small, "--llm-url", script.url, "--llm-model", "tiny"]) == 1
    assert "out of memory" in capsys.readouterr().err


# What is right


def item(tmp_path: Path, **row: Any) -> GoldItem:
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps(rows()[2] | row))
    (found,) = read_gold(file)
    return found


@pytest.mark.parametrize(
    ("kind", "text", "right"),
    [
        ("which", "It has long been called the Grey Heron. [1]", True),
        ("which", "It has long been called the Heron. [1]", False),
        ("yes_no", "Yes, it has. [1]", True),
        ("yes_no", "It has not, yes. [1]", False),
    ],
)
def test_a_text_is_right_where_it_says_so(
    tmp_path: Path, kind: str, text: str, right: bool
) -> None:
    answers = ["yes"] if kind == "yes_no" else ["Grey Heron"]
    answer = Answer("?", "answered", "tiny", None, text, 0.9)
    assert says_it(item(tmp_path, kind=kind, answers=answers), answer) == right
    assert not says_it(item(tmp_path, kind=kind, answers=answers), Answer("?", "abstained", "tiny",
                       None, text, 0.9))  # fmt: skip
