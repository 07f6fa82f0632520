"""The nouns of the pipeline as frozen dataclasses; standard library only.

Offsets are code points into `Document.text`, half open: `document.text[start:end]`.
Scores say their name and range; a score that was not computed is None, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Span = tuple[int, int]
"""Half-open character range (start, end) in a document's text."""

Status = Literal["answered", "abstained"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a paginated document: its 1-based number and its range in the text."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A source file as extracted text.

    `source` is the name shown in citations; `path` the absolute file. `sha256` is of the file's
    bytes, in hex. For plain text and Markdown `text` is the decoded file itself, newlines
    untouched. `warnings` are things to know about the extraction (a guessed encoding, say).
    """

    source: str
    path: str
    kind: str
    title: str
    text: str
    sha256: str
    pages: tuple[Page, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one document that retrieval found.

    `text` is `document.text[start:end]`. `dense_score` is a cosine similarity (-1 to 1) and
    `bm25_score` a BM25 weight (above 0), each the best among the chunks that the passage is made
    of, or None where that retriever did not return one. `fused_score` orders passages; higher is
    better. `sentences` are the document's sentence spans inside the passage, `title` is the
    document's, "" where it is unknown.
    """

    source: str
    start: int
    end: int
    text: str
    fused_score: float
    dense_score: float | None = None
    bm25_score: float | None = None
    sentences: tuple[Span, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span that a reader proposes as an answer, in document offsets.

    `span_score` says how probable the span is, over all passages of a question; higher is better.
    """

    start: int
    end: int
    text: str
    span_score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in one passage: its spans, best worded first, and the evidence for none.

    `no_answer_score` is on the scale of `span_score`: the passage answers where one of
    its spans scores above it.
    """

    passage: Passage
    spans: tuple[Evidence, ...]
    no_answer_score: float


@dataclass(frozen=True, slots=True)
class Citation:
    """Exact characters of a source: `document.text[start:end] == quote`, checked when made.

    `context` is the sentence around the quote. `page` is the 1-based page, or None where the source
    has none. `stale` says that the file has changed or gone since it was indexed.
    """

    marker: int
    source: str
    start: int
    end: int
    quote: str
    context: str
    page: int | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many independent sources support the answer, and which."""

    independent: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another answer that the sources also support."""

    short: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """One chunk in a retriever's own ranking: where it is, and that retriever's score."""

    source: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a source as a language model is given it, under an opaque key.

    `text` is the sentence on one line; `document.text[start:end]` is what is cited.
    """

    key: str
    source: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that a language model wrote, and what was found of it in the sources.

    `text` is without keys; `keys` are those that it gave, `lines` those of the evidence that it was
    found in. `support` is the probability (0 to 1) that these say so. `problems` are what speaks
    against it whatever the support: a number, a name or a date that stands in none of them, say.
    """

    text: str
    keys: tuple[str, ...]
    supported: bool
    support: float
    lines: tuple[Line, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """What a language model was given and what came back.

    `trimmed` is evidence that was left out, each with the reason; `reply` the model's text as it
    came, `cut` why not all of it was taken, None where it was.
    """

    lines: tuple[Line, ...]
    trimmed: tuple[tuple[Line, str], ...]
    reply: str
    claims: tuple[Claim, ...]
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The intermediate steps of one answer, for evals and for the curious.

    `dense` (score: cosine similarity) and `lexical` (score: BM25 weight) are each retriever's own
    ranking, best first. `generation` is None where no language model was asked.
    """

    dense: tuple[Hit, ...] = ()
    lexical: tuple[Hit, ...] = ()
    readings: tuple[Reading, ...] = ()
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. Abstaining is a value: see `status` and `reason`.

    `short` is the answer in as few of the source's words as answer it, None when abstaining.
    `confidence` is the probability (0 to 1) that the best candidate is right, also when abstaining.
    `note` is what to know of how it was made: sentences of a language model that were removed, or a
    fallback. `unsupported` are a language model's sentences that stand in `text` struck through,
    as `struck` writes them; empty unless a setting asks to see them.
    `timings_ms` are milliseconds by step. `trace` is not part of the JSON.
    """

    question: str
    status: Status
    answered_by: str
    short: str | None
    text: str
    confidence: float
    citations: tuple[Citation, ...] = ()
    agreement: Agreement = Agreement(0, ())
    conflicts: tuple[Conflict, ...] = ()
    passages: tuple[Passage, ...] = ()
    reason: str | None = None
    note: str | None = None
    unsupported: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    trace: Trace = field(default=Trace(), repr=False, compare=False)

    @staticmethod
    def struck(sentence: str) -> str:
        """A sentence as it stands in `text` where no source supports it."""
        return f"~~{sentence}~~ (unsupported)"

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON-ready data, in the shape that README documents; `note` and
        `unsupported` are there where they say something."""
        told: dict[str, Any] = {"note": self.note} if self.note else {}
        told |= {"unsupported": list(self.unsupported)} if self.unsupported else {}
        return {
            "question": self.question,
            "status": self.status,
            "answered_by": self.answered_by,
            "short": self.short,
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "citations": [asdict(c) for c in self.citations],
            "agreement": {
                "independent": self.agreement.independent,
                "sources": list(self.agreement.sources),
            },
            "conflicts": [
                {"short": c.short, "citations": [asdict(x) for x in c.citations]}
                for c in self.conflicts
            ],
            "passages": [
                {
                    "source": p.source,
                    "start": p.start,
                    "end": p.end,
                    "fused_score": round(p.fused_score, 6),
                }
                for p in self.passages
            ],
            "reason": self.reason,
            "timings_ms": {name: round(ms, 2) for name, ms in self.timings_ms.items()},
            **told,
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be ingested. What was indexed of it before stays."""

    source: str
    reason: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know about a file that was ingested all the same."""

    source: str
    message: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did, by source name."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()
    warnings: tuple[Notice, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data."""
        return {
            "added": list(self.added),
            "updated": list(self.updated),
            "unchanged": list(self.unchanged),
            "deleted": list(self.deleted),
            "failed": [asdict(f) for f in self.failed],
            "warnings": [asdict(w) for w in self.warnings],
        }


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """One indexed document as `rag sources` lists it; `ingested_at` is UTC, ISO 8601.

    `copies` names the documents that share their text with it.
    """

    source: str
    path: str
    kind: str
    title: str
    characters: int
    chunks: int
    pages: int | None
    sha256: str
    ingested_at: str
    stale: bool
    warnings: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The listing entry as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What `rag status` says.

    `index_matches` is None where nothing is indexed, and False where the index cannot be used:
    `problem` says why. `network` names what a setting sends elsewhere, empty by default.
    `reachable` is whether the language model's server replies, or its folder holds a model; None
    where neither is set.
    """

    version: str
    home: str
    documents: int
    chunks: int
    index_matches: bool | None
    problem: str | None
    answered_by: str
    embedding_model: str
    threshold: float
    network: tuple[str, ...]
    reachable: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data."""
        return asdict(self)
