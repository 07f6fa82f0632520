"""The vectors of the chunks, in a Chroma collection; the only file that imports chromadb.

Chroma directly rather than LlamaIndex's ChromaVectorStore, whose `add` keeps the old vector of an
id that is added again without a word. What is stored is readable through that class all the same:
text as the document, source and offsets as metadata.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import chromadb
import numpy as np
from chromadb.api.client import Client
from chromadb.api.types import Where
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError
from httpx import HTTPError
from numpy.typing import NDArray

from rag.catalog import Entry
from rag.errors import FingerprintError, IndexUnusable
from rag.settings import is_loopback

FINGERPRINT = "fingerprint"
EF_SEARCH = 200  # candidates that HNSW keeps while searching; at least the most we ever ask for
PAGE = 5_000  # rows a call: SQLite bounds the parameters of one statement (32,766)

_open_numbers: set[int] = set()
_open_lock = threading.Lock()


class VectorIndex:
    """One collection. Calls from several threads are taken one at a time."""

    def __init__(self, folder: Path, name: str, *, url: str | None = None) -> None:
        """Connect; nothing is made or read yet.

        Args:
            folder: where the embedded store lies; unused with a server.
            name: the collection's name.
            url: a Chroma server instead of the embedded store.
        """
        self._folder, self._name, self._url = folder, name, url
        self._lock = threading.RLock()
        self._number: int | None = None
        self._client = self._connect()
        self._collection: chromadb.Collection | None = None

    def _connect(self) -> Client:
        # Said one by one, as Chroma would otherwise take them from the environment and any .env.
        settings = ChromaSettings(
            _env_file=None,  # type: ignore[call-arg]
            anonymized_telemetry=False,
            chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
            chroma_otel_collection_endpoint="",
            chroma_server_headers=None,
            chroma_client_auth_provider=None,
            migrations="apply",
        )
        if self._url:
            parts = urlsplit(self._url)
            if is_loopback(self._url):  # Chroma's client takes a proxy from the environment
                exempt = os.environ.get("NO_PROXY"), parts.hostname
                os.environ["NO_PROXY"] = ",".join(filter(None, exempt))
            with self._explained("reached"):
                client = chromadb.HttpClient(
                    host=parts.hostname or "",
                    port=parts.port or (443 if parts.scheme == "https" else 80),
                    ssl=parts.scheme == "https",
                    settings=settings,
                )
            return cast("Client", client)
        # Clients of one process that name the same path share one system, which does not see what
        # other processes write; closing one leaves it alive for the rest. A spelling of the path
        # that is not in use gets a system of its own.
        with _open_lock:
            self._number = next(n for n in itertools.count() if n not in _open_numbers)
            _open_numbers.add(self._number)
        try:
            with self._explained("opened"):
                client = chromadb.PersistentClient(
                    str(self._folder) + "/." * self._number, settings=settings
                )
        except BaseException:
            self._release_number()
            raise
        return cast("Client", client)  # declared as an interface that lacks `close`

    def create(self, fingerprint: str) -> None:
        """Make the collection, empty, for vectors made by `fingerprint`."""
        with self._lock, self._explained("written"):
            self._collection = self._client.create_collection(
                self._name,
                metadata={FINGERPRINT: fingerprint},
                configuration={"hnsw": {"space": "cosine", "ef_search": EF_SEARCH}},
                embedding_function=None,
            )

    def check(self, fingerprint: str) -> None:
        """Refuse a collection whose vectors were made by something else.

        Raises:
            FingerprintError: loader, chunker or embedding model differ from the set ones.
            IndexUnusable: the collection is missing or unreadable.
        """
        with self._lock:
            found = (self._get().metadata or {}).get(FINGERPRINT)
        if found != fingerprint:
            raise FingerprintError(
                f"The index was made by {found}; the settings and this version say {fingerprint}.",
                hint="Run `rag rebuild`, or restore the settings it was made with.",
            )

    def close(self) -> None:
        """Release files and memory; only `reopen` may follow."""
        with self._lock:
            self._client.close()
            self._release_number()

    def _release_number(self) -> None:
        with _open_lock:
            if self._number is not None:
                _open_numbers.discard(self._number)
                self._number = None

    def drop(self) -> None:
        """Delete the collection with all its vectors."""
        with self._lock, suppress(NotFoundError), self._explained("written"):
            self._client.delete_collection(self._name)

    def reopen(self) -> None:
        """Drop what is held in memory, and see what other processes have written."""
        with self._lock:
            self._collection = None
            if not self._url:  # a server's client holds nothing in memory
                self.close()
                self._client = self._connect()

    def upsert(self, entries: Sequence[Entry], vectors: NDArray[np.float32]) -> None:
        """Write all chunks of documents; `vectors` has shape (chunks, width), normalised."""
        chunks = [(entry.kept.document, chunk) for entry in entries for chunk in entry.chunks]
        with self._lock, self._explained("written"):
            for first in range(0, len(chunks), PAGE):
                page = chunks[first : first + PAGE]
                self._get().upsert(
                    ids=[chunk.id for _, chunk in page],
                    embeddings=vectors[first : first + PAGE],
                    documents=[doc.text[chunk.start : chunk.end] for doc, chunk in page],
                    metadatas=[
                        {"source": doc.source, "start": chunk.start, "end": chunk.end}
                        for doc, chunk in page
                    ],
                )

    def delete(self, ids: Sequence[str]) -> None:
        """Delete chunks by id; ids that are not there are ignored."""
        with self._lock, self._explained("written"):
            for first in range(0, len(ids), PAGE):
                self._get().delete(ids=list(ids[first : first + PAGE]))

    def ids(self) -> set[str]:
        """The ids of all vectors."""
        with self._lock, self._explained("read"):
            return set(self._get().get(include=[])["ids"])

    def search(
        self, vector: NDArray[np.float32], k: int, sources: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """The `k` nearest chunks as (id, cosine similarity), best first; of `sources` or of all."""
        where = None if sources is None else cast("Where", {"source": {"$in": list(sources)}})
        with self._lock, self._explained("read"):
            found = self._get().query(
                query_embeddings=vector[None, :],
                n_results=k,
                where=where,
                include=["distances"],
            )
        distances = found["distances"] or [[]]
        return [
            (id_, 1 - distance) for id_, distance in zip(found["ids"][0], distances[0], strict=True)
        ]

    def _get(self) -> chromadb.Collection:
        if self._collection is None:
            with self._explained("read"):
                self._collection = self._client.get_collection(self._name, embedding_function=None)
        return self._collection

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        """Turn Chroma's errors into ours, with what to do."""
        where = f"Chroma server at {self._url}" if self._url else f"vector store in {self._folder}"
        try:
            yield
        except IndexUnusable:
            raise
        except NotFoundError:
            raise IndexUnusable(
                f"The {where} has no collection {self._name}.", hint="Run `rag rebuild`."
            ) from None
        except (ChromaError, HTTPError, ValueError, OSError) as error:
            raise IndexUnusable(
                f"The {where} could not be {doing}: {error}",
                hint="Check RAG_CHROMA_URL, and that the server runs."
                if self._url
                else "Run `rag rebuild`.",
            ) from error
