"""The command line as a whole process: output, exit codes, messages."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from rag import Agreement, Answer, Citation, Conflict
from rag.cli import _print_answer

from .conftest import SEEDS

QUESTION = "Who is the US Commerce Secretary?"


def run(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rag", *arguments], capture_output=True, text=True, input=stdin
    )


def test_the_main_job(tmp_path: Path) -> None:
    """The first question indexes the seeds and says so; the second does not."""
    first = run("ask", QUESTION)
    assert first.returncode == 0
    assert "seed articles" in first.stderr
    assert "Lutnick" in first.stdout
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    second = run("ask", QUESTION, "--json")
    assert second.stderr == ""
    answer = json.loads(second.stdout)
    assert answer["status"] == "answered"
    citation = answer["citations"][0]
    text = (SEEDS / citation["source"]).read_bytes().decode()
    assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_ingest_sources_forget_status_rebuild(folder: Path) -> None:
    (folder / "tea.txt").write_text("The tea is kept in the blue tin on the top shelf.")
    (folder / "song.mp3").write_text("la")
    ingested = run("ingest", str(folder))
    assert ingested.returncode == 0
    assert "1 added" in ingested.stdout
    assert "song.mp3" in ingested.stderr
    assert json.loads(run("ingest", str(folder), "--json").stdout)["unchanged"] == ["tea.txt"]
    (source,) = json.loads(run("sources", "--json").stdout)
    assert source["source"] == "tea.txt"
    assert source["path"] == str(folder / "tea.txt")
    assert "tea.txt" in run("sources").stdout
    status = json.loads(run("status", "--json").stdout)
    assert (status["documents"], status["index_matches"], status["network"]) == (1, True, [])
    assert "nothing leaves this machine" in run("status").stdout
    assert run("rebuild").returncode == 0
    assert run("forget", "tea.txt").returncode == 0
    assert json.loads(run("sources", "--json").stdout) == []


def test_an_abstention_is_done_and_shows_what_is_closest() -> None:
    done = run("ask", "Which enzyme unwinds the double helix during replication?")
    assert done.returncode == 0
    assert "do not answer" in done.stdout
    assert "Closest passages" in done.stdout


def test_a_person_sees_the_words_who_agrees_and_who_differs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sentences = "Ada Berg signed it.", "It was signed by Ada Berg.", "Carl Dahl signed it."
    ours = [
        Citation(n, f"{n}.txt", 0, 8, "Ada Berg", context)
        for n, context in enumerate(sentences[:2], 1)
    ]
    other = Citation(1, "3.txt", 5, 14, "Carl Dahl", sentences[2], page=7)
    answer = Answer(
        question="Who signed it?",
        status="answered",
        answered_by="reader",
        short="Ada Berg",
        text="It was signed by Ada Berg. [1][2]",
        confidence=0.8,
        citations=tuple(ours),
        agreement=Agreement(1, ("1.txt", "2.txt")),
        conflicts=(Conflict("Carl Dahl", (other,)),),
    )
    _print_answer(answer)
    assert capsys.readouterr().out.splitlines() == [
        "Ada Berg",
        "",
        "It was signed by Ada Berg. [1][2]",
        "",
        "[1] 1.txt, characters 0-8",
        "    Ada Berg signed it.",
        "[2] 2.txt, characters 0-8",
        "    It was signed by Ada Berg.",
        "",
        "A source says otherwise: Carl Dahl",
        "[1] 3.txt, page 7, characters 5-14",
        "    Carl Dahl signed it.",
        "",
        "Independent sources: 1 (of 2: some share their text)",
        "Probability of being right: 0.80",
    ]


def test_a_batch_keeps_order_and_other_keys(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "question": QUESTION, "tags": ["a"]},
        {"id": 8, "question": "Where did the talks take place?"},
        {"id": 9, "question": "  "},
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    done = run("ask", "--batch", str(file))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [7, 8, 9]
    assert answers[0]["tags"] == ["a"]
    assert answers[0]["status"] == "answered"
    assert "empty" in answers[2]["error"]
    assert done.returncode == 1
    assert "1 of 3" in done.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json\n", "line 1"),
        ('{"question": "Who?"}\n["Who?"]\n', "line 2"),
        ('{"id": 1}\n', "line 1"),
        (b"\xff\xfe\xff", "not UTF-8"),
    ],
)
def test_a_bad_batch_is_refused_before_the_first_question(
    content: str | bytes, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = run("ask", "--batch", str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["ingest", "nowhere"], {}, "does not exist"),
        (["ask", ""], {}, "empty"),
        (["ask", "--batch", "nowhere.jsonl"], {}, "cannot be read"),
        (["forget", "nothing.txt"], {}, "nothing.txt"),
        (["rebuild"], {}, "ever ingested"),
        (["status"], {"RAG_THRESHOLD": "2"}, "RAG_THRESHOLD"),
        (["status"], {"RAG_EMBEDDING_MODEL": "nowhere"}, "not a folder"),
        (["status"], {"RAG_CHROMA_URL": "http://me:secret@localhost:8000"}, "RAG_CHROMA_URL"),
        (["ask", "Who?"], {"RAG_HOME": "/proc/nowhere"}, "cannot be used"),
        (["ask", "Who?"], {"RAG_CHROMA_URL": "http://127.0.0.1:9"}, "could not be reached"),
    ],
)
def test_an_expected_failure_is_a_message_and_a_hint(
    arguments: list[str], environment: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = run(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert 2 <= len(done.stderr.splitlines()) <= 3


@pytest.mark.parametrize("arguments", [[], ["sing"], ["ask"], ["ask", "a", "--batch", "b"]])
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_nothing_readable_is_a_failure(folder: Path) -> None:
    (folder / "empty.txt").write_text("")
    done = run("ingest", str(folder / "empty.txt"))
    assert done.returncode == 1
    assert "is empty" in done.stderr


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps({"question": QUESTION, "pad": "x" * 100_000}) + "\n")
    command = f"{sys.executable} -m rag ask --batch {file} | head -c 10"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_document_cannot_drive_the_terminal(folder: Path) -> None:
    (folder / "evil.txt").write_text("The tea is \x1b[2J\x1b]0;owned\x07 kept in the blue tin.")
    run("ingest", str(folder))
    done = run("ask", "Where is the tea kept?")
    assert "blue tin" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout


def test_odd_characters_in_a_batch_stop_nothing(tmp_path: Path) -> None:
    """JSON may hold half a surrogate pair, and line separators other than the newline."""
    file = tmp_path / "questions.jsonl"
    rows = ['{"question": "\\ud800", "id": 1}', '{"question": "Who?\u2028", "id": "\\udc00"}']
    file.write_text("\n".join(rows), encoding="utf-8")
    done = run("ask", "--batch", str(file))
    first, second = map(json.loads, done.stdout.splitlines())
    assert "not valid" in first["error"]
    assert second["id"] == "\udc00"
    assert "status" in second


def test_output_that_is_not_utf8_loses_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run("ask", "What did Christopher Wood say about rare earths?")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_names_that_are_not_utf8_are_an_error(folder: Path) -> None:
    odd = folder / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    (odd / "tea.txt").write_text("The tea is kept in the blue tin.")
    for arguments in (["ingest", str(odd)], ["forget", "caf\udce9"]):
        done = run(*arguments)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr


def test_progress_is_drawn_on_a_terminal_only(folder: Path) -> None:
    (folder / "tea.txt").write_text("The tea is kept in the blue tin on the top shelf.")
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, 80))
    process = subprocess.Popen(
        [sys.executable, "-m", "rag", "ingest", str(folder), "--json"],
        stdout=subprocess.PIPE,
        stderr=child,
    )
    os.close(child)
    drawn = b""
    with suppress(OSError):  # how a terminal says that nobody holds its other end any more
        while block := os.read(parent, 1024):
            drawn += block
    os.close(parent)
    output, _ = process.communicate()
    assert b"Ingesting" in drawn
    assert json.loads(output)["added"] == ["tea.txt"]
