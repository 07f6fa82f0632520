"""One index, opened: the catalog and the vectors, kept in step.

Order is what makes it crash-safe. Vectors are written first, the catalog second (in one
transaction, which is the moment the change happens), and vectors that nothing lists any more are
deleted last. A process killed in between leaves vectors that no question sees; `repair` removes
them, and names documents whose vectors are missing.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.catalog import Catalog, Entry
from rag.home import Home

if TYPE_CHECKING:
    from rag.index import VectorIndex

CATALOG = "catalog.sqlite3"


class Store:
    """The catalog and vectors of the index `name` under `home`."""

    def __init__(
        self, home: Home, name: str, fingerprint: str, url: str | None, *, create: bool = False
    ) -> None:
        """Open an index. `fingerprint` is of what makes vectors now; `url` a Chroma server."""
        self.name = name
        self._folder = home.index_folder(name)
        self._fingerprint = fingerprint
        self._url = url
        self.catalog = Catalog(self._folder / CATALOG, create=create)
        self._seen = self.catalog.generation
        self._vectors: VectorIndex | None = None
        self._lock = threading.Lock()

    @property
    def vectors(self) -> VectorIndex:
        """The Chroma collection; chromadb is imported when it is first used."""
        with self._lock:
            if self._vectors is None:
                from rag.index import VectorIndex

                self._vectors = VectorIndex(
                    self._folder / "chroma", f"seed-rag-{self.name}", url=self._url
                )
            return self._vectors

    @classmethod
    def create(cls, home: Home, fingerprint: str, url: str | None) -> Store:
        """Make an empty index that is not in use yet."""
        store = cls(home, home.new_index(), fingerprint, url, create=True)
        store.vectors.create(fingerprint)
        return store

    def check(self) -> None:
        """Raises FingerprintError where the vectors were made by something else."""
        self.vectors.check(self._fingerprint)

    def refresh(self) -> None:
        """Reopen the vectors where another process has changed the index since."""
        with self._lock:
            generation = self.catalog.generation
            if generation != self._seen:
                if self._vectors is not None:
                    self._vectors.reopen()
                self._seen = generation

    def put(self, entries: Sequence[Entry], vectors: NDArray[np.float32]) -> None:
        """Add documents or replace those of the same source, all or none of them.

        `vectors` has shape (chunks of all entries, width), in order.
        """
        self.catalog.writing = True
        superseded = {
            id_ for entry in entries for id_ in self.catalog.chunk_ids(entry.kept.document.source)
        }
        self.vectors.upsert(entries, vectors)
        self.catalog.put(entries)
        kept = {chunk.id for entry in entries for chunk in entry.chunks}
        self._finish(sorted(superseded - kept))

    def remove(self, sources: Sequence[str]) -> None:
        """Remove documents with all that belongs to them."""
        ids = [id_ for source in sources for id_ in self.catalog.chunk_ids(source)]
        self.catalog.writing = True
        self.catalog.remove(sources)
        self._finish(ids)

    def _finish(self, superseded: Sequence[str], *, incomplete: bool = False) -> None:
        if superseded:
            self.vectors.delete(superseded)
            self.catalog.advance()  # whoever reopened in between still holds what is deleted now
        self.catalog.writing = incomplete
        self._seen = self.catalog.generation

    def repair(self) -> list[str]:
        """After a writer was ended in mid-write: delete vectors that nothing lists.

        Returns:
            The sources whose vectors are not all there; they have to be put again.
        """
        if not self.catalog.writing:
            return []
        stored = self.vectors.ids()
        incomplete = [
            listing.source
            for listing in self.catalog.listings()
            if not stored.issuperset(self.catalog.chunk_ids(listing.source))
        ]
        strays = sorted(stored.difference(self.catalog.chunk_ids()))
        self._finish(strays, incomplete=bool(incomplete))  # until they are put again, all together
        return incomplete

    def close(self) -> None:
        """Release files and memory."""
        if self._vectors is not None:
            self._vectors.close()
        self.catalog.close()

    @staticmethod
    def drop(home: Home, name: str, url: str | None) -> None:
        """Give up the vectors of an index whose folder is gone: a server has to be told."""
        if url:
            from rag.index import VectorIndex

            vectors = VectorIndex(home.index_folder(name), f"seed-rag-{name}", url=url)
            vectors.drop()
            vectors.close()
