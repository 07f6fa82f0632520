"""Every test gets a home of its own, and no setting from outside."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from rag import Rag, Settings
from rag.embedding import Embedder, open_embedder

REPOSITORY = Path(__file__).parent.parent
SEEDS = REPOSITORY / "seeds"

# Before any fixture, so that those of the whole session are isolated too.
for name in [name for name in os.environ if name.startswith("RAG_")]:
    del os.environ[name]

# A shell that starts the tests in the background has them, and what they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines that run tests are shared: a slow example says nothing.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return open_embedder(Settings())


@pytest.fixture(autouse=True)
def _load_the_embedder_once(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one, but loaded once a run instead of once a test."""

    def shared(settings: Settings) -> Embedder:
        return embedder if settings.embedding_model == "bundled" else open_embedder(settings)

    monkeypatch.setattr("rag.pipeline.open_embedder", shared)


@pytest.fixture
def rag() -> Iterator[Rag]:
    """A Rag with an empty home."""
    with Rag.open() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for documents."""
    path = tmp_path / "documents"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def seeded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the seeds indexed; copy it before changing it."""
    home = tmp_path_factory.mktemp("seeded") / "home"
    with Rag(Settings(home=home)) as opened:  # not `open`, which would read a .env here
        opened.ingest(SEEDS)
    return home


@pytest.fixture
def seeded(seeded_home: Path, tmp_path: Path) -> Iterator[Rag]:
    """A Rag over a copy of the indexed seeds."""
    shutil.copytree(seeded_home, tmp_path / "home")
    with Rag.open() as opened:
        yield opened
