"""Many people at once: every answer is to its own question, none is an error, memory stays flat."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from time import monotonic

import httpx
import pytest

from .serving import served

QUESTIONS = (
    "Who is the US Commerce Secretary?",
    "How many bottles are in the wine cellar?",
    "Which enzyme unwinds the double helix during replication?",
    "Who is the Treasury Secretary?",
)


def ask(client: httpx.Client, question: str) -> dict[str, object]:
    data = {"data": [question, None]}
    event = client.post("/gradio_api/call/ask", json=data).json()["event_id"]
    text = client.get(f"/gradio_api/call/ask/{event}").text
    *_, name, value = [line.partition(": ")[2] for line in text.splitlines() if line]
    assert name == "complete", text
    answer: dict[str, object] = json.loads(value)[0]
    return answer


def session(url: str, number: int, seconds: float) -> list[float]:
    """One person who asks and asks; the seconds that each answer took."""
    times: list[float] = []
    questions = islice(cycle(QUESTIONS), number, None)
    end = monotonic() + seconds
    with httpx.Client(base_url=url, timeout=300) as client:
        while not times or monotonic() < end:
            question, started = next(questions), monotonic()
            assert ask(client, question)["question"] == question
            times.append(monotonic() - started)
    return times


def resident(pid: int) -> int:
    """Memory of a process, in kilobytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.parametrize(
    ("sessions", "seconds", "growth"),  # growth: times the memory after a quarter of the time
    [
        (4, 2.0, 2.0),
        pytest.param(32, 120.0, 1.1, marks=[pytest.mark.full, pytest.mark.timeout(1200)]),
    ],
)
def test_people_do_not_get_in_each_others_way(
    sessions: int,
    seconds: float,
    growth: float,
    seeded_home: Path,
    tmp_path: Path,
) -> None:
    home = Path(shutil.copytree(seeded_home, tmp_path / "served" / "home"))
    with served(home) as page, ThreadPoolExecutor(sessions) as pool:
        list(pool.map(lambda number: session(page.url, number, seconds / 4), range(sessions)))
        before = resident(page.pid)
        runs = pool.map(lambda number: session(page.url, number, seconds), range(sessions))
        times = sorted(time for run in runs for time in run)
        after = resident(page.pid)
    assert len(times) >= sessions
    p95 = times[int(0.95 * len(times))]
    print(f"{len(times)} answers, median {times[len(times) // 2]:.2f} s, p95 {p95:.2f} s,")
    print(f"memory {before:,} to {after:,} kB")
    assert after < growth * before
