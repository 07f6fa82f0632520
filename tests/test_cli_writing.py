"""The command line where a language model writes: streams, errors, what is imported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from rag import Rag

from . import scripted
from .scripted import serving
from .test_cli import run

QUESTION = "Who is the US Commerce Secretary?"
FACT = "Howard Lutnick is the US Commerce Secretary."


@pytest.fixture(autouse=True)
def _seeds(seeded: Rag) -> None:
    """The home of every test has the seeds."""
    seeded.close()


@pytest.fixture
def model() -> Iterator[scripted.Script]:
    """Two lines of .env, as for Ollama."""
    with serving(lambda _: f"{FACT} He is 99 years old.") as script:
        Path(".env").write_text(f"RAG_LLM_URL={script.url}\nRAG_LLM_MODEL=tiny\n")
        yield script


def test_two_lines_of_env_are_enough(model: scripted.Script) -> None:
    done = run("ask", QUESTION)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{FACT} [1]\n")
    assert "1 of the 2 sentences" in done.stdout
    assert "99" not in done.stdout
    answer = json.loads(run("ask", QUESTION, "--json").stdout)
    assert (answer["text"], answer["answered_by"]) == (f"{FACT} [1]", "tiny")
    assert len(model.requests) == 2


def test_an_answer_is_printed_while_it_is_written(model: scripted.Script) -> None:
    seen = threading.Event()

    def slow(handler: BaseHTTPRequestHandler, _: str) -> None:
        scripted.begin(handler)
        handler.wfile.write(scripted.chunk(f"{FACT} Howard Lutnick "))
        assert seen.wait(60)
        handler.wfile.write(scripted.chunk("told reporters this."))
        handler.wfile.write(scripted.chunk(" Howard Lutnick spoke to reporters after meetings."))
        handler.wfile.write(scripted.DONE)

    model.send = slow
    with subprocess.Popen(
        [sys.executable, "-m", "rag", "ask", QUESTION], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        first = process.stdout.read(len(FACT))
        seen.set()
        rest = process.stdout.read()
    assert first == FACT
    assert rest.startswith(" [1]")
    assert (first + rest).count(FACT) == 1
    assert process.returncode == 0


def test_an_interrupt_hangs_up(model: scripted.Script) -> None:
    model.reply = lambda _: f"{FACT} And so on."
    model.send = scripted.unhurried
    with subprocess.Popen(
        [sys.executable, "-m", "rag", "ask", QUESTION],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"RAG_LLM_MAX_SECONDS": "100"},
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(len(FACT))
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
    assert process.returncode == 130
    assert errors == "rag: stopped.\n"
    assert model.broken.wait(30)


def test_a_server_that_is_down_is_an_error_or_the_reader() -> None:
    Path(".env").write_text("RAG_LLM_URL=http://127.0.0.1:9/v1\nRAG_LLM_MODEL=tiny\n")
    done = run("ask", QUESTION)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "rag: The model server at http://127.0.0.1:9/v1 could not be reached.\n"
    )
    assert "Traceback" not in done.stderr
    with Path(".env").open("a") as file:
        file.write("RAG_LLM_FALLBACK=reader\n")
    done = run("ask", QUESTION)
    assert done.returncode == 0
    assert "Howard Lutnick" in done.stdout
    assert "could not be reached. This is the bundled reader's answer." in done.stdout
    assert "model      cannot be reached" in run("status").stdout


def test_the_status_says_what_answers(model: scripted.Script) -> None:
    said = run("status").stdout
    assert f"answers    tiny at {model.url}" in said
    assert "model      reachable" in said
    assert "nothing leaves this machine" in said
    Path(".env").write_text("RAG_LLM_URL=https://models.example/v1\nRAG_LLM_MODEL=large\n")
    assert "documents leave the machine" in run("status").stdout


def test_without_a_model_none_is_imported() -> None:
    heavy = "llama_index.llms", "llama_index.core", "transformers", "openai", "rag.llm"
    ask = f"rag.Rag.open().ask({QUESTION!r})"
    code = f"import sys, rag; {ask}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
