"""The facade, and the one place that knows all the stages.

path -> Document -> Chunk -> Store                                  (ingest)
question -> search -> Passage -> Reader -> decide -> cite & verify -> Answer     (ask)
                                            -> lines -> model -> check -> cite & verify -> Answer
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import rag
from rag.answering import Answerer
from rag.citing import is_stale
from rag.deciding import Candidate, decide
from rag.embedding import BundledEmbedder, open_embedder
from rag.errors import (
    IndexUnusable,
    LanguageModelError,
    NothingIndexed,
    SourceError,
    UsageError,
)
from rag.following import stand_alone
from rag.home import Home
from rag.ingesting import Ingester, Progress, fingerprint
from rag.kinds import Query, understand
from rag.reading import SpanReader
from rag.retrieval import Retrieval, search
from rag.settings import Settings, is_loopback
from rag.store import Store
from rag.supporting import PASSAGES, Sentence, SentenceScorer, choose
from rag.types import (
    Answer,
    Document,
    IngestReport,
    Passage,
    Reading,
    SourceInfo,
    StatusReport,
    Trace,
)
from rag.writing import Writing, instead

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from rag.llama import RagQueryEngine, RagRetriever

logger = logging.getLogger(__name__)

SEEDS = Path(rag.__file__).parent.parent / "seeds"
SEARCHES = 10  # at most, where others write faster than one is done (30 ms)
MAX_QUESTION = 2_000  # characters; past this, tokens are not even counted


def _silent(_done: int, _total: int) -> None:
    pass


class Rag:
    """Questions over a person's documents. Safe to use from several threads."""

    def __init__(self, settings: Settings, *, llm: LLM | None = None) -> None:
        """Assemble the stages; nothing is made yet. Most callers want `Rag.open`."""
        self.settings = settings
        self._home = Home(settings.home)
        self._embedder = open_embedder(settings)
        bundled = self._embedder
        if not isinstance(bundled, BundledEmbedder):
            bundled = BundledEmbedder(settings.precision)  # whose embeddings the reader shares
        self._reader = SpanReader(bundled)
        self._scorer = SentenceScorer(self._embedder)
        self._model = Writing(settings, self._embedder, self._scorer, llm)
        self._store: Store | None = None
        self._lock = threading.RLock()

    @classmethod
    def open(cls, *, llm: LLM | None = None, **overrides: Any) -> Rag:
        """Open with the settings of the environment and `.env`; keyword arguments win over both.

        Args:
            llm: a LlamaIndex model that writes the answers, in place of one that settings name.
            overrides: settings by their names.

        Raises:
            SettingsError: a setting is unknown or out of its bounds.
            ModelError: the embedding model is missing or not the one expected.
        """
        return cls(Settings.load(**overrides), llm=llm)

    def close(self) -> None:
        """Release files and memory. Using the object again opens them again."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def __enter__(self) -> Rag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Documents

    def ingest(self, *paths: str | Path, progress: Progress = _silent) -> IngestReport:
        """Bring the index in step with files and folders.

        Args:
            paths: files, or folders that are walked. What is gone from a folder is forgotten.
            progress: called with (done, total) in bytes.

        Returns:
            What was added, updated, unchanged, deleted, and what failed and why.

        Raises:
            SourceError: a path does not exist.
            LockTimeout: another process went on writing for too long.
            FingerprintError: the index was made by something else; see `rebuild`.
        """
        if not paths:
            raise UsageError("There is nothing to ingest.", hint="Give a file or a folder.")
        with self._writing() as store:
            ingester = Ingester(store, self._embedder, self.settings)
            return ingester.ingest([Path(path).expanduser() for path in paths], progress)

    def forget(self, source: str) -> None:
        """Remove one document from the index; its file is not touched.

        Raises:
            SourceError: no document of that name is indexed.
        """
        with self._writing() as store:
            if store.catalog.kept(_name(source)) is None:
                raise _unknown(source)
            store.remove([source])

    def rebuild(self, *, progress: Progress = _silent) -> IngestReport:
        """Index everything again, with the settings and version of now.

        Asking goes on over the old index until the new one is whole. A document whose file cannot
        be loaded any more is indexed from the text that was kept.
        """
        with self._home.writing(self.settings.lock_timeout):
            self._sweep()
            old = self._open()
            new = self._create()
            try:
                ingester = Ingester(new, self._embedder, self.settings)
                report = ingester.rebuild(old.catalog, progress)
                new.catalog.advance()  # something was ingested once, even if it is empty now
            finally:
                new.close()
            with self._lock:  # no question is under way in this process
                self._home.switch(new.name)
                self.close()
            self._sweep()
        return report

    def sources(self) -> list[SourceInfo]:
        """Every indexed document, by source name."""
        if self._home.current is None:
            return []
        with self._lock:
            listings = self._open().catalog.listings()
        return [
            SourceInfo(
                source=listing.source,
                path=listing.path,
                kind=listing.kind,
                title=listing.title,
                characters=listing.characters,
                chunks=listing.chunks,
                pages=listing.pages or None,
                sha256=listing.sha256,
                ingested_at=listing.ingested_at,
                stale=is_stale(listing.path, listing.sha256),
                warnings=listing.warnings,
                copies=listing.copies,
            )
            for listing in listings
        ]

    def document(self, source: str) -> Document:
        """One document as it was kept at ingest. Raises SourceError for an unknown name."""
        with self._lock:
            kept = self._open().catalog.kept(_name(source))
        if kept is None:
            raise _unknown(source)
        return kept.document

    def status(self) -> StatusReport:
        """What is indexed, what answers, and what of it leaves the machine."""
        documents, chunks, matches, problem = 0, 0, None, None
        try:
            if self._home.current is not None:
                with self._lock:
                    store = self._open()
                    documents, chunks = store.catalog.counts()
                    store.check()
                matches = True
        except IndexUnusable as error:
            matches, problem = False, f"{error.message} {error.hint or ''}".strip()
        return StatusReport(
            version=rag.__version__,
            home=str(self._home.folder),
            documents=documents,
            chunks=chunks,
            index_matches=matches,
            problem=problem,
            answered_by=self._model.described() if self.writes else self._reader.name,
            embedding_model=self._embedder.name,
            threshold=self.settings.threshold,
            network=(*self._chroma(), *self._model.network()),
            reachable=self._model.reachable(),
        )

    def _chroma(self) -> tuple[str, ...]:
        """What leaves this machine for a Chroma server."""
        url = self.settings.chroma_url
        if url is None or is_loopback(url):
            return ()
        return (f"the Chroma server {url} holds the documents' text",)

    # Questions

    def retrieve(
        self, question: str, k: int = 10, *, sources: Sequence[str] | None = None
    ) -> list[Passage]:
        """The best passages for a question, at most `k`, best first; retrieval alone.

        A clear question gets few: what scores far below the best passage is left out. `sources`
        keeps the search to documents of these names.

        Raises:
            UsageError: the question is empty or too long, `k` is below 1, or `sources` is empty.
            SourceError: no document of one of these names is indexed.
        """
        if k < 1:
            raise UsageError(f"k is {k}; it has to be at least 1.")
        with self._asking(question, k, sources) as (_, _, found):
            return list(found.passages)

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """Read passages for a question; reading alone.

        Returns:
            One reading a passage, in order: its spans, best first, and the evidence for none.
        """
        return self._reader.read(self._checked(question), passages)

    def ask(
        self,
        question: str,
        *,
        sources: Sequence[str] | None = None,
        after: Answer | None = None,
        reader_only: bool = False,
    ) -> Answer:
        """Answer a question, or abstain. See `Answer`.

        Args:
            question: in words, as a person would ask.
            sources: names of the documents to keep to; all by default.
            after: the answer that this question follows. "Who was with him?" is then understood
                from it; the answer's `question` is the one that stands alone.
            reader_only: answer without the language model, where one is set.

        Raises:
            UsageError: the question is empty or too long, or `sources` is empty.
            SourceError: no document of one of these names is indexed.
            NothingIndexed: nothing was ever ingested and there is no seeds folder.
            LanguageModelError: the language model that is set cannot be reached, or does not reply
                as it should, and no fallback is set.
        """
        *_, answer = self.stream(question, sources=sources, after=after, reader_only=reader_only)
        return answer

    def stream(
        self,
        question: str,
        *,
        sources: Sequence[str] | None = None,
        after: Answer | None = None,
        reader_only: bool = False,
    ) -> Generator[Answer, None, None]:
        """The answer as it grows, where a language model writes it; the last is what `ask` returns.

        Each is whole as far as it goes: its sentences are checked and cited. One comes with every
        piece of the model's reply, the same object where no sentence is added; closing the iterator
        ends the request. Arguments and errors are those of `ask`.
        """
        started = perf_counter()
        writes = self.writes and not reader_only
        failure: LanguageModelError | None = None
        if after is not None:
            text = self._checked(question)
            question, failure = (
                self._model.alone(text, after) if writes else (stand_alone(text, after), None)
            )
        with self._asking(question, self.settings.passages, sources) as (query, store, found):
            retrieved = perf_counter()
            readings = [] if query.refused else self._reader.read(query.text, found.passages)
            candidates = decide(query, readings, self._reader.read)
            sentences = self._sentences(query, readings, candidates)
            read = perf_counter()
            answerer = Answerer(self._reader.name, store.catalog)
            answer = (
                answerer.abstain(query.asked, 0.0, found.passages, query.refused)
                if query.refused
                else answerer.answer(
                    query, candidates, found.passages, self.settings.threshold, sentences
                )
            )
            timings = {
                "retrieve": 1000 * (retrieved - started),
                "read": 1000 * (read - retrieved),
                "total": 1000 * (perf_counter() - started),
            }
            trace = Trace(found.dense, found.lexical, tuple(readings))
            answer = replace(answer, timings_ms=timings, trace=trace)
            # The evidence decides first: where it is no answer, the model is not asked.
            wanted = writes and answer.status == "answered" and failure is None
            material = (
                self._model.material(answer, candidates, readings, store.catalog)
                if wanted
                else None
            )
        if material is not None:
            try:
                yield from self._model.write(material, started)
                return
            except LanguageModelError as error:
                failure = self._model.tolerated(error)
        yield instead(answer, failure.message) if failure else answer

    @property
    def writes(self) -> bool:
        """Whether a language model writes the answers."""
        return self._model.is_set

    def _sentences(
        self, query: Query, readings: Sequence[Reading], candidates: Sequence[Candidate]
    ) -> list[Sentence]:
        """The sentences that an answer is made of, for a question that wants more than a span."""
        if not candidates or not query.in_sentences:
            return []
        passages = [reading.passage for reading in readings[:PASSAGES]]
        scored = self._scorer.score(query.text, passages)
        return choose(query, scored, readings, candidates[0].members[0])

    def _checked(self, question: str) -> str:
        """The question, stripped. Raises UsageError where it cannot be asked."""
        text = question.strip()
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError(
                "The question is not valid text.", hint="Check the terminal's encoding."
            ) from None
        if not text:
            raise UsageError("The question is empty.", hint="Ask something.")
        if len(text) > MAX_QUESTION or (
            self._embedder.count_tokens([text])[0] > self._embedder.max_tokens
        ):
            raise UsageError(
                f"The question is too long ({len(text):,} characters): the model takes"
                f" {self._embedder.max_tokens} tokens, about 1,000 characters.",
                hint="Ask a shorter question.",
            )
        return text

    # LlamaIndex

    def as_retriever(self, k: int = 10) -> RagRetriever:
        """This pipeline's retrieval as a LlamaIndex `BaseRetriever`."""
        from rag.llama import RagRetriever

        return RagRetriever(self, k)

    def as_query_engine(self) -> RagQueryEngine:
        """This pipeline as a LlamaIndex `CustomQueryEngine`."""
        from rag.llama import RagQueryEngine

        return RagQueryEngine(rag=self)

    # The store

    @contextmanager
    def _asking(
        self, question: str, k: int, sources: Sequence[str] | None
    ) -> Iterator[tuple[Query, Store, Retrieval]]:
        """The question, checked and understood, the store as it is now for as long as it is
        answered, and what is found in it."""
        query = understand(self._checked(question))
        if sources is not None and not sources:
            raise UsageError(
                "No source is chosen.",
                hint="Name at least one; without `sources` all are searched.",
            )
        self.seed()
        with self._lock:
            store = self._open()
            store.check()
            vector = self._embedder.embed_question(query.text)
            for left in reversed(range(SEARCHES)):
                with store.catalog.snapshot():
                    store.refresh()
                    for source in sources or ():
                        if store.catalog.kept(_name(source)) is None:
                            raise _unknown(source)
                    found = search(store.catalog, store.vectors, query.text, vector, k, sources)
                    # A writer may have deleted vectors that this snapshot still lists.
                    if left and store.catalog.outdated:
                        continue
                    yield query, store, found
                    return

    @contextmanager
    def _writing(self) -> Iterator[Store]:
        """The store under the write lock, made where there is none, repaired where need be."""
        with self._home.writing(self.settings.lock_timeout):
            self._sweep()
            if self._home.current is None:
                new = self._create()
                new.close()
                self._home.switch(new.name)
            store = self._open()
            store.check()
            store.refresh()
            Ingester(store, self._embedder, self.settings).heal()
            yield store

    def seed(self) -> bool:
        """Ingest the seeds where nothing was ever ingested, as `ask` does by itself.

        Returns:
            Whether they were ingested now.
        """
        # Not under `_lock`: who holds the write lock may be waiting for that.
        if not (self._is_new() and SEEDS.is_dir()):
            return False
        logger.info("Nothing was ingested yet: indexing the seed articles in %s.", SEEDS)
        with self._writing() as store:
            new = store.catalog.generation == 0  # another process may have been first
            if new:
                Ingester(store, self._embedder, self.settings).ingest([SEEDS], _silent)
        return new

    def _is_new(self) -> bool:
        """Whether nothing was ever ingested."""
        with self._lock:
            return self._home.current is None or self._open().catalog.generation == 0

    def _sweep(self) -> None:
        """Remove what a rebuild has replaced, or an ended one left behind."""
        for name in self._home.sweep():
            Store.drop(self._home, name, self.settings.chroma_url)

    def _create(self) -> Store:
        """A new, empty index that is not in use yet."""
        return Store.create(self._home, fingerprint(self._embedder), self.settings.chroma_url)

    def _open(self) -> Store:
        """The store in use, as it is on disk. Raises NothingIndexed where there is none."""
        name = self._home.current
        if name is None:
            raise NothingIndexed(
                "Nothing was ever ingested.", hint="Run `rag ingest PATH` with a file or a folder."
            )
        with self._lock:
            if self._store is None or self._store.name != name:
                self.close()
                self._store = Store(
                    self._home, name, fingerprint(self._embedder), self.settings.chroma_url
                )
            return self._store


def _name(source: str) -> str:
    """A source's name as it can be looked up. Raises SourceError for one that cannot exist."""
    try:
        source.encode()
    except UnicodeEncodeError:
        raise _unknown(source) from None
    return source


def _unknown(source: str) -> SourceError:
    return SourceError(
        f"No document named {source!r} is indexed.", hint="`rag sources` lists the names."
    )
