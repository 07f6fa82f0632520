"""A real ingest killed at many moments: the next run repairs it, nothing is lost or doubled.

The moments are spread over the whole run, so they fall into every step. A few by default;
`pytest -m full` kills at 60.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from rag import Rag

from .test_ingesting import stored

INGEST = """
import sys
import chromadb, nltk, py3langid  # kills are to fall into the ingest, not into imports
import rag.ingesting
from rag import Rag

rag.ingesting.GROUP = 400  # characters: many commits, so that kills fall between and into them
documents = Rag.open()
documents._embedder.embed(["warm"])
print("ready", flush=True)
documents.ingest(sys.argv[1])
print("done", flush=True)
"""


def start(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", INGEST, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def contents(round_: int) -> dict[str, str]:
    """Thirty notes; every round changes a third, drops one and adds one."""
    numbers = [n for n in range(31) if n != round_ % 31]
    return {
        f"{n:02}.txt": f"Note {n}, version {round_ if n % 3 == round_ % 3 else 0}. " * 12
        for n in numbers
    }


def write(folder: Path, files: dict[str, str]) -> None:
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)


def kill_at(share: float, duration: float, folder: Path, rag: Rag) -> None:
    """Kill an ingest after that share of its usual duration; look at what is left; repair."""
    process = start(folder)
    time.sleep(share * duration)
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    known = {path.name for path in folder.iterdir()}
    for passage in rag.retrieve("Which version is note 7?", k=5):
        assert rag.document(passage.source).text[passage.start : passage.end] == passage.text
    rag.ingest(folder)
    assert set(stored(rag)) == known
    assert stored(rag) == {path.name: path.read_text() for path in folder.iterdir()}


def kill_many_times(folder: Path, rag: Rag, times: int) -> None:
    write(folder, contents(0))
    process = start(folder)
    begun = time.monotonic()
    assert process.wait(timeout=120) == 0
    duration = time.monotonic() - begun
    assert process.stdout is not None
    process.stdout.close()
    for round_ in range(1, times + 1):
        write(folder, contents(round_))
        kill_at(round_ / times, duration, folder, rag)


def test_a_killed_ingest_is_repaired_by_the_next(rag: Rag, folder: Path) -> None:
    kill_many_times(folder, rag, times=4)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_an_ingest_killed_at_60_moments_is_repaired_each_time(rag: Rag, folder: Path) -> None:
    kill_many_times(folder, rag, times=60)


def test_two_ingests_at_once_lose_and_double_nothing(rag: Rag, folder: Path) -> None:
    files = contents(0)
    half = {name: text for name, text in files.items() if name < "15"}
    one, two = folder / "one", folder / "two"
    for path, part in ((one, half), (two, {n: t for n, t in files.items() if n not in half})):
        path.mkdir()
        write(path, part)
    processes = [start(one), start(two), start(folder)]
    for process in processes:
        assert process.wait(timeout=120) == 0
        assert process.stdout is not None
        process.stdout.close()
    rag.ingest(folder)
    assert sorted(stored(rag).values()) == sorted(files.values())
    assert len(stored(rag)) == len(files)


def test_an_ask_during_another_process_ingest_is_answered(rag: Rag, folder: Path) -> None:
    write(folder, contents(0))
    rag.ingest(folder)
    write(folder, contents(1))
    process = start(folder)
    asked = 0
    while process.poll() is None:
        answer = rag.ask("Which version is note 7?")
        assert answer.passages
        assert len(answer.trace.dense) >= 29  # of 30; one is dropped, and one is added
        asked += 1
    assert asked
    assert process.stdout is not None
    process.stdout.close()
    assert {hit.source for hit in rag.ask("What is note 30?").trace.lexical} >= {"30.txt"}


def test_a_waiting_writer_says_for_whom(folder: Path, tmp_path: Path) -> None:
    (folder / "tea.txt").write_text("The tea is kept in the blue tin.")
    hold = (
        "import time; from pathlib import Path; from rag.home import Home\n"
        f"with Home(Path({str(tmp_path / 'home')!r})).writing(1): print('held', flush=True);"
        " time.sleep(4)"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    waiter = subprocess.run(
        [sys.executable, "-m", "rag", "ingest", str(folder)], capture_output=True, text=True
    )
    assert waiter.returncode == 0
    assert f"Waiting for process {holder.pid}" in waiter.stderr
    holder.wait()
    holder.stdout.close()


def test_a_writer_that_waits_too_long_is_an_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rag.home import Home

    monkeypatch.setenv("RAG_LOCK_TIMEOUT", "0.2")
    with Home(tmp_path / "home").writing(1):
        waiter = subprocess.run(
            [sys.executable, "-m", "rag", "ingest", str(folder)], capture_output=True, text=True
        )
    assert waiter.returncode == 1
    assert "RAG_LOCK_TIMEOUT" in waiter.stderr
