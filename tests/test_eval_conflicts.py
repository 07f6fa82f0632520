"""Conflicts are scored by the answers that a question's documents are labelled with."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from evals import conflicts
from evals.main import main
from rag import Answer, Citation, Conflict

ROW = {
    "question": "How many people live in Norvik?",
    "documents": [
        {"text": "Norvik has 3,559 inhabitants by the last census.", "type": "correct",
         "answer": "3,559 people"},
        {"text": "Norvik has 10,000 inhabitants by the last census.", "type": "misinfo",
         "answer": "10,000 people"},
        {"text": "The weather is fine.", "type": "noise", "answer": "unknown"},
    ],
}  # fmt: skip


def cases(tmp_path: Path, count: int = 1) -> Path:
    file = tmp_path / "ramdocs.jsonl.gz"
    file.write_bytes(gzip.compress("".join(f"{json.dumps(ROW)}\n" for _ in range(count)).encode()))
    return file


def answer(short: str | None, *others: str) -> Answer:
    cited = (Citation(1, "a.txt", 0, 1, "x", "x"),)
    found = tuple(Conflict(other, cited) for other in others)
    status = "answered" if short else "abstained"
    return Answer("?", status, "reader", short, "x", 0.5, conflicts=found)


@pytest.mark.parametrize(
    ("given", "shown", "right"),
    [
        (answer("3,559 people"), 1, ()),
        (answer("3,559 people", "10,000"), 2, (True,)),
        (answer("3,559 people", "3,559"), 1, (False,)),  # the same answer is no conflict
        (answer("3,559 people", "Oslo", "10,000"), 2, (False, True)),
        (answer(None), 0, ()),
    ],
)
def test_shown_answers_are_counted_once(
    tmp_path: Path, given: Answer, shown: int, right: tuple[bool, ...]
) -> None:
    [case] = conflicts.load_cases(cases(tmp_path))
    assert case.answers == ("3,559 people", "10,000 people")
    outcome = conflicts.score(case, given)
    assert (outcome.shown, outcome.labelled, outcome.conflicts) == (shown, 2, right)


def test_the_command_asks_each_question_over_its_own_documents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conflicts", str(cases(tmp_path, 2)), "--half", "even", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["questions"] == figures["with several answers"] == 1
    assert figures["share of their answers shown"]["mean"] >= 0.5


@pytest.mark.parametrize("content", [b"", b"{", b"{}\n", b"\x00\xff"])
def test_another_file_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(content)
    assert main(["conflicts", str(file)]) == 1
    assert "cannot be read" in capsys.readouterr().err
