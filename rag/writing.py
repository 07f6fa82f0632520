"""Answers that a language model writes, where one is set; it is opened when it is first asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

from rag.answering import Answerer, Library, Shelf
from rag.deciding import Candidate
from rag.embedding import Embedder
from rag.errors import LanguageModelError
from rag.following import stand_alone
from rag.settings import Settings, is_loopback
from rag.supporting import PASSAGES, SentenceScorer
from rag.types import Answer, Generation, Reading

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from rag.generating import Author
    from rag.lines import Chosen


@dataclass(frozen=True, slots=True)
class Material:
    """What an answer is written from: the reader's answer and candidates, the lines that the model
    is given, and what is known of their sources."""

    base: Answer
    candidates: Sequence[Candidate]
    chosen: Chosen
    shelf: Shelf


class Writing:
    """The language model of one `Rag`. Safe to use from several threads where the model is."""

    def __init__(
        self, settings: Settings, embedder: Embedder, scorer: SentenceScorer, llm: LLM | None
    ) -> None:
        """Note what is set; nothing is opened yet.

        Args:
            settings: name the model, unless one is handed over.
            embedder: compares sentences.
            scorer: says which sentences support an answer.
            llm: a model that is handed over.
        """
        self._settings = settings
        self._embedder = embedder
        self._scorer = scorer
        self._llm = llm
        self._author: Author | None = None
        self._lock = threading.Lock()

    @property
    def is_set(self) -> bool:
        """Whether there is a model at all."""
        return any((self._llm is not None, self._settings.llm_url, self._settings.llm_path))

    def described(self) -> str:
        """The model that is set, and where it is."""
        if self._llm is not None:
            from rag.llm import name_of

            return f"{name_of(self._llm)}, handed over"
        if self._settings.llm_url:
            return f"{self._settings.llm_model} at {self._settings.llm_url}"
        return f"the model in {self._settings.llm_path}"

    def reachable(self) -> bool | None:
        """Whether the model's server answers, or its folder holds one; None where neither is
        set."""
        if self._llm is not None:
            return None
        if self._settings.llm_url:
            from rag.reaching import reachable

            return reachable(self._settings.llm_url)
        if self._settings.llm_path:
            return (self._settings.llm_path.expanduser() / "config.json").is_file()
        return None

    def network(self) -> tuple[str, ...]:
        """What leaves this machine by it."""
        url = self._settings.llm_url
        if url is None or self._llm is not None or is_loopback(url):
            return ()
        return (
            f"documents leave the machine: the model server {url} is sent the questions and"
            " what the documents say about them",
        )

    def alone(self, question: str, after: Answer) -> tuple[str, LanguageModelError | None]:
        """A follow-up as a question that stands alone, and why the model could not be asked.

        Raises:
            LanguageModelError: that, where no fallback is set.
        """
        try:
            return self._opened().rewrite(question, after), None
        except LanguageModelError as error:
            return stand_alone(question, after), self.tolerated(error)

    def tolerated(self, error: LanguageModelError) -> LanguageModelError:
        """The error, where the reader's answer is wanted instead; else it is raised."""
        if self._settings.llm_fallback != "reader":
            raise error
        return error

    def material(
        self,
        base: Answer,
        candidates: Sequence[Candidate],
        readings: Sequence[Reading],
        library: Library,
    ) -> Material:
        """What the model is to write from, taken out of the library: it may take its time.

        Raises:
            LanguageModelError: the model cannot be opened.
        """
        from rag.lines import choose_lines

        passages = [reading.passage for reading in readings[:PASSAGES]]
        leader = candidates[0].members[0].passage
        passages += [] if leader in passages else [leader]
        sources = list(dict.fromkeys(passage.source for passage in passages))
        documents = {s: kept for s in sources if (kept := library.kept(s)) is not None}
        chosen = choose_lines(
            base.question,
            self._scorer.score(base.question, passages),
            readings,
            documents,
            self._opened().room,
            self._embedder.count_tokens,
        )
        return Material(base, candidates, chosen, Shelf(documents, library.copies(sources)))

    def write(self, material: Material, started: float) -> Iterator[Answer]:
        """The model's answer as it grows, or the reader's where nothing of it has support.

        Args:
            material: what it is written from.
            started: when the question was asked, by `perf_counter`.

        Raises:
            LanguageModelError: the model cannot be reached, or does not reply as it should.
        """
        author, base, candidates = self._opened(), material.base, material.candidates
        answerer = Answerer(author.name, material.shelf)
        show = self._settings.llm_unsupported == "show"
        begun = perf_counter()
        generation: Generation | None = None
        answer = replace(
            base, answered_by=author.name, text="", short=None, citations=(), conflicts=()
        )
        with closing(author.write(base.question, material.chosen)) as states:
            for state in states:
                if state.claims and (generation is None or state.claims is not generation.claims):
                    partial = answerer.compose(base, candidates, state, show=show)
                    answer = partial if partial.citations else answer
                generation = state
                yield answer
        assert generation is not None
        answer = answerer.compose(base, candidates, generation, show=show)
        if answer.status == "abstained" and self._settings.llm_fallback == "reader":
            answer = instead(base, answer.reason or "")
        timings = {
            **base.timings_ms,
            "write": 1000 * (perf_counter() - begun),
            "total": 1000 * (perf_counter() - started),
        }
        trace = replace(base.trace, generation=generation)
        yield replace(answer, timings_ms=timings, trace=trace)

    def _opened(self) -> Author:
        """The model with its prompts and checks, opened where it is not yet."""
        with self._lock:
            if self._author is None:
                from rag.generating import Author
                from rag.grounding import Grounder
                from rag.llm import open_writer

                writer = open_writer(self._settings, self._llm)
                self._author = Author(writer, Grounder(self._embedder))
            return self._author


def instead(answer: Answer, reason: str) -> Answer:
    """The reader's answer in place of the model's, with the reason said."""
    return replace(answer, note=f"{reason} This is the bundled reader's answer.")
