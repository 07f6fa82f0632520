"""`rag serve` as a process of its own, for tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Served:
    """A page's address, and the process behind it."""

    url: str
    pid: int


@contextmanager
def served(home: Path, *arguments: str, **settings: str) -> Iterator[Served]:
    """Serve a home on a free port. It has to end well when it is told to, and to log nothing."""
    environment = os.environ | {"RAG_HOME": str(home)} | settings
    log = home.parent / "serve.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "rag", "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
            cwd=home.parent,
        )
        assert process.stdout
        try:
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, log.read_text()
            yield Served(found[0], process.pid)
            assert process.poll() is None, log.read_text()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
            process.stdout.close()
    ended = process.returncode, log.read_text()
    assert ended == (0, ""), ended
