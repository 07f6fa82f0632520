"""Ingest: bring the index in step with files, by content.

A file is known by its path and recognised by the SHA-256 of its bytes. What cannot be loaded keeps
what was indexed of it before, and is named in the report.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from rag.catalog import Catalog, Chunk, Entry, Kept
from rag.chunking import CHUNKER, chunk_document
from rag.embedding import Embedder, Vectors
from rag.errors import LoadError, SourceError
from rag.loading import LOADER, Limits, digest, language_warning, load
from rag.matching import TERMS
from rag.settings import Settings
from rag.store import Store
from rag.types import Document, Failure, IngestReport, Notice
from rag.walking import Found, walk

GROUP = 1_000_000  # characters that are embedded and committed together: half a minute's work
SLICE = 256  # chunks between two signs of progress: about four seconds on two cores

Progress = Callable[[int, int], None]
"""Called with (done, total), in bytes of the files to be read."""


def fingerprint(embedder: Embedder) -> str:
    """What makes an index: loader, chunker, lexical terms and embedding model."""
    return f"{LOADER} {CHUNKER} {TERMS} {embedder.fingerprint}"


@dataclass(slots=True)
class _Report:
    """An IngestReport in the making."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)

    def finished(self) -> IngestReport:
        return IngestReport(
            added=tuple(sorted(self.added)),
            updated=tuple(sorted(self.updated)),
            unchanged=tuple(sorted(self.unchanged)),
            deleted=tuple(sorted(self.deleted)),
            failed=tuple(self.failed),
            warnings=tuple(self.warnings),
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """A file to be loaded; `before` is the SHA-256 that is indexed of it, None where it is new."""

    path: Path
    source: str
    before: str | None


class Ingester:
    """Writes documents into one store. The caller holds the write lock."""

    def __init__(self, store: Store, embedder: Embedder, settings: Settings) -> None:
        self._store = store
        self._embedder = embedder
        self._limits = Limits(
            file_bytes=settings.max_file_bytes,
            characters=settings.max_characters,
            pages=settings.max_pages,
            seconds=settings.max_seconds,
        )

    def ingest(self, paths: Sequence[Path], progress: Progress) -> IngestReport:
        """Add, update and delete until the index says what `paths` hold.

        Raises:
            SourceError: a path does not exist; nothing is changed then.
        """
        walks = [self._walk(path) for path in paths]
        found = list({file.path: file for files, _ in walks for file in files}.values())
        report = _Report(failed=[failure for _, failures in walks for failure in failures])
        self._forget_gone(paths, report)
        jobs = self._changed(found, report)
        self._run(jobs, report, progress)
        return report.finished()

    def rebuild(self, old: Catalog, progress: Progress) -> IngestReport:
        """Index all that `old` lists: from its file, or from the kept text where that fails."""
        report = _Report()
        jobs = [
            _Job(Path(listing.path), listing.source, listing.sha256) for listing in old.listings()
        ]
        self._run(jobs, report, progress, instead=old)
        return report.finished()

    def heal(self) -> None:
        """Finish what a killed writer left behind: stray vectors go, missing ones are made."""
        incomplete = (self._store.catalog.kept(source) for source in self._store.repair())
        self._commit([kept.document for kept in incomplete if kept], lambda _share: None)

    def _walk(self, path: Path) -> tuple[list[Found], list[Failure]]:
        try:
            return walk(path)
        except SourceError as error:
            root = path.absolute()
            listings = self._store.catalog.listings()
            left = [one.source for one in listings if Path(one.path).is_relative_to(root)]
            if not left:
                raise
            raise SourceError(
                error.message,
                hint=f"{len(left)} documents from there are indexed: `rag forget {left[0]}` drops"
                " one of them.",
            ) from None

    def _forget_gone(self, paths: Sequence[Path], report: _Report) -> None:
        """Remove documents below `paths` whose files are gone."""
        roots = [path.resolve() for path in paths]
        report.deleted = [
            listing.source
            for listing in self._store.catalog.listings()
            if any(Path(listing.path).is_relative_to(root) for root in roots)
            and _is_gone(Path(listing.path))
        ]
        if report.deleted:
            self._store.remove(report.deleted)

    def _changed(self, found: Sequence[Found], report: _Report) -> list[_Job]:
        """The files whose content is not what is indexed of them."""
        listings = {listing.path: listing for listing in self._store.catalog.listings()}
        taken = {listing.source for listing in listings.values()}
        jobs = []
        for file in found:
            known = listings.get(str(file.path))
            source = known.source if known else _name(file, taken)
            try:
                if known and digest(file.path) == known.sha256:
                    report.unchanged.append(source)
                    continue
            except LoadError as error:
                report.failed.append(Failure(source, error.message, error.hint))
                continue
            taken.add(source)
            jobs.append(_Job(file.path, source, known.sha256 if known else None))
        return jobs

    def _run(
        self,
        jobs: Sequence[_Job],
        report: _Report,
        progress: Progress,
        instead: Catalog | None = None,
    ) -> None:
        """Load, embed and commit, a group of documents at a time.

        The text of what cannot be loaded is taken from the catalog `instead`, if there is one.
        """
        sizes = [_size(job.path) for job in jobs]
        total, done, begun, characters = sum(sizes), 0, 0, 0
        group: list[Document] = []
        for job, size in zip(jobs, sizes, strict=True):
            document = self._load(job, report, instead)
            if document is not None:
                group.append(document)
                characters += len(document.text)
            done += size
            if characters >= GROUP or job is jobs[-1]:
                self._commit(group, partial(_advance, progress, begun, done, total))
                progress(done, total)
                group, begun, characters = [], done, 0

    def _load(self, job: _Job, report: _Report, instead: Catalog | None) -> Document | None:
        """Load one file and note in the report what became of it."""
        try:
            document = load(job.path, job.source, self._limits)
        except LoadError as error:
            kept = instead and instead.kept(job.source)
            if not kept:
                report.failed.append(Failure(job.source, error.message, error.hint))
                return None
            report.unchanged.append(job.source)
            message = f"{error.message} The text that was indexed before is kept."
            report.warnings.append(Notice(job.source, message))
            return kept.document
        if job.before is None:
            report.added.append(job.source)
        elif job.before != document.sha256:
            report.updated.append(job.source)
        else:
            report.unchanged.append(job.source)
        messages = list(document.warnings)
        if self._embedder.english and (warning := language_warning(document.text)):
            messages.append(warning)
        report.warnings += [Notice(job.source, message) for message in messages]
        return document

    def _commit(self, documents: Sequence[Document], progress: Callable[[float], None]) -> None:
        """Cut, embed and write documents together; `progress` takes the share done (0 to 1)."""
        if not documents:
            return
        entries = [self._entry(document) for document in documents]
        texts = [
            entry.kept.document.text[chunk.start : chunk.end]
            for entry in entries
            for chunk in entry.chunks
        ]
        self._store.put(entries, self._embed(texts, progress))

    def _entry(self, document: Document) -> Entry:
        text = document.text
        sentences, spans = chunk_document(
            text, self._embedder.count_tokens, self._embedder.max_tokens
        )
        chunks = [
            Chunk(
                id=_digest(document.source, document.sha256, str(start), str(end)).hex(),
                ordinal=ordinal,
                start=start,
                end=end,
                content=_digest(text[start:end]),
            )
            for ordinal, (start, end) in enumerate(spans)
        ]
        return Entry(Kept(document, tuple(sentences)), tuple(chunks))

    def _embed(self, texts: Sequence[str], progress: Callable[[float], None]) -> Vectors:
        """Embed sorted by length, so that a batch holds texts that need little padding."""
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        parts = []
        for first in range(0, len(order), SLICE):
            chosen = order[first : first + SLICE]
            parts.append(self._embedder.embed([texts[i] for i in chosen]))
            progress((first + len(chosen)) / len(order))
        vectors = np.concatenate(parts)
        result = np.empty_like(vectors)
        result[order] = vectors
        return result


def _advance(progress: Progress, begun: int, done: int, total: int, share: float) -> None:
    """Report a share (0 to 1) of the way between two byte counts."""
    progress(begun + int(share * (done - begun)), total)


def _digest(*parts: str) -> bytes:
    """16 bytes that the same words always get."""
    return hashlib.sha256("\0".join(parts).encode()).digest()[:16]


def _name(file: Found, taken: set[str]) -> str:
    """The path inside the ingested folder, with more of its folders where that is taken."""
    name = file.relative
    folders = list(file.path.parts[: -len(Path(name).parts)])
    while name in taken and folders:
        name = f"{folders.pop()}/{name}"
    return name


def _is_gone(path: Path) -> bool:
    """Whether there is no such file any more; one that cannot be looked at may still be there."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
