"""The same code on a Chroma server (a real one, on loopback)."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import IndexUnusable, Rag

from .test_ingesting import NOTES, stored, write

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _collect_what_chroma_leaves() -> Iterator[None]:
    """Its HTTP client leaves sockets to the garbage collector, which then warns."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [Path(sys.executable).parent / "chroma", "run", "--port", str(port), "--path",
         tmp_path_factory.mktemp("server")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait()


def test_documents_come_and_go_on_a_server(url: str, folder: Path) -> None:
    write(folder, NOTES)
    with Rag.open(chroma_url=url) as rag, Rag.open(chroma_url=url) as other:
        rag.ingest(folder)
        assert rag.retrieve("Which tin is the tea in?", k=1)[0].source == "tea.txt"
        assert stored(rag) == NOTES
        assert not list(rag.settings.home.glob("index-*/chroma"))
        other.forget("tea.txt")
        assert {hit.source for hit in rag.ask("blue tin").trace.dense} == set(NOTES) - {"tea.txt"}
        assert rag.ingest(folder).added == ("tea.txt",)
        rag.rebuild()
        assert stored(other) == NOTES
        assert rag.status().network == ()


def test_a_proxy_in_the_environment_is_not_asked_for_loopback(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    write(folder, NOTES)
    with Rag.open(chroma_url=url) as rag:
        assert rag.ingest(folder).added


def test_what_a_killed_rebuild_left_on_the_server_is_swept(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, NOTES)
    with Rag.open(chroma_url=url) as rag:
        rag.ingest(folder)
        before = len(rag._open().vectors._client.list_collections())
        with monkeypatch.context() as patch:
            patch.setattr("rag.pipeline.Rag._sweep", lambda _: None)
            rag.rebuild()
        assert len(rag._open().vectors._client.list_collections()) == before + 1
        rag.ingest(folder)
        assert len(rag._open().vectors._client.list_collections()) == before


def test_a_server_elsewhere_is_said_to_see_the_documents() -> None:
    with Rag.open(chroma_url="http://chroma.example:8000") as rag:
        assert "http://chroma.example:8000" in rag.status().network[0]


def test_a_server_that_is_not_there_is_an_error_with_a_hint(folder: Path) -> None:
    write(folder, NOTES)
    with Rag.open(chroma_url="http://127.0.0.1:9") as rag:
        with pytest.raises(IndexUnusable, match="could not be reached") as caught:
            rag.ingest(folder)
        assert caught.value.hint
