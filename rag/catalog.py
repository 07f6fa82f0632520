"""The catalog: documents, their chunks and the BM25 index, in one SQLite file.

The catalog says what is indexed. A vector in Chroma whose chunk is not listed here does not exist
for a question; writing here last, in one transaction, is what makes an ingest crash-safe.
Connections are one a thread; the file is in WAL mode, so that questions are answered during an
ingest.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakSet

from rag.copies import SHARE, sketch
from rag.errors import IndexUnusable
from rag.matching import TOKENIZER, indexed_terms
from rag.types import Document, Page, Span

# Each entry takes the schema one version forward; `PRAGMA user_version` is the number applied.
MIGRATIONS = (
    f"""
    CREATE TABLE state (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO state VALUES ('generation', 0), ('writing', 0);
    CREATE TABLE documents (
        id INTEGER PRIMARY KEY,
        source TEXT NOT NULL UNIQUE,
        path TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        title TEXT NOT NULL,
        text TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        pages TEXT NOT NULL,
        warnings TEXT NOT NULL,
        sentences BLOB NOT NULL,
        ingested_at TEXT NOT NULL
    );
    CREATE TABLE chunks (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
        ordinal INTEGER NOT NULL,
        start INTEGER NOT NULL,
        end INTEGER NOT NULL,
        content BLOB NOT NULL
    );
    CREATE INDEX chunks_by_document ON chunks (document);
    CREATE VIRTUAL TABLE terms USING fts5 (text, tokenize = '{TOKENIZER}');
    CREATE TRIGGER terms_follow_chunks AFTER DELETE ON chunks
        BEGIN DELETE FROM terms WHERE rowid = old.number; END;
    """,  # noqa: S608 - the tokenizer is a constant
    """
    CREATE TABLE sketches (
        document INTEGER PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
        size INTEGER NOT NULL
    );
    CREATE TABLE shingles (
        hash INTEGER NOT NULL,
        document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
        PRIMARY KEY (hash, document)
    ) WITHOUT ROWID;
    CREATE INDEX shingles_by_document ON shingles (document);
    CREATE TABLE copies (
        document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
        other INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
        PRIMARY KEY (document, other)
    ) WITHOUT ROWID;
    CREATE INDEX copies_by_other ON copies (other);
    """,
)
SKETCHED = 2  # the schema from which on every document has its shingles

# A shingle leads to this many documents at most, the oldest: boilerplate, which is in very many,
# would make ingest quadratic.
CARRIERS = 100


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a document that was embedded, the `ordinal`-th (from 0).

    `id` derives from source, content and place; `content` is a digest of the words alone, by which
    the same words elsewhere are recognised.
    """

    id: str
    ordinal: int
    start: int
    end: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A document as it is kept, with its sentence spans in order."""

    document: Document
    sentences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A document to be kept, with its chunks."""

    kept: Kept
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """A chunk and the source that it is from."""

    chunk: Chunk
    source: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A catalog row without its text."""

    source: str
    path: str
    kind: str
    title: str
    characters: int
    chunks: int
    pages: int
    sha256: str
    ingested_at: str
    warnings: tuple[str, ...]
    copies: tuple[str, ...]


class _Connection(sqlite3.Connection):
    """A connection that goes with its thread (the base class takes no weak references), and whose
    errors are ours."""

    def execute(self, *args: Any) -> sqlite3.Cursor:
        """As the base class. Raises IndexUnusable for what SQLite reports."""
        try:
            return super().execute(*args)
        except sqlite3.DatabaseError as error:
            raise _unusable(error) from error

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        """As the base class. Raises IndexUnusable for what SQLite reports."""
        try:
            return super().executemany(*args)
        except sqlite3.DatabaseError as error:
            raise _unusable(error) from error


def _unusable(error: sqlite3.DatabaseError) -> IndexUnusable:
    name = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_")
    hints = {
        "FULL": "Free some space on the disk; what was indexed before is whole.",
        "CANTOPEN": "Check that you may write to RAG_HOME and everything in it.",
        "READONLY": "Check that you may write to RAG_HOME and everything in it.",
        "BUSY": "Another process holds the catalog; try again.",
    }
    hint = hints.get(name.partition("_")[0], "Restore RAG_HOME from a backup, or ingest anew.")
    return IndexUnusable(f"The catalog cannot be used: {error}.", hint=hint)


class Catalog:
    """One SQLite file; see the module's docstring."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the file, migrating it forward; `create` makes it.

        Raises:
            IndexUnusable: the file is missing, made by a newer version, or not a catalog.
        """
        if not create and not path.exists():
            raise IndexUnusable(
                f"The catalog {path} is missing.",
                hint="Restore RAG_HOME from a backup, or set it to another folder and ingest.",
            )
        self._path = path
        self._local = threading.local()
        self._connections: WeakSet[_Connection] = WeakSet()
        self._migrate()

    def _migrate(self) -> None:
        if _version(self._db) > len(MIGRATIONS):
            raise IndexUnusable(
                f"The catalog {self._path} was made by a newer version of seed-rag.",
                hint="Upgrade seed-rag, or set RAG_HOME to another folder.",
            )
        if _version(self._db) == len(MIGRATIONS):
            return
        with self._transaction() as db:
            # Read again, because another process may have been first.
            version = _version(db)
            for script in MIGRATIONS[version:]:
                for statement in _statements(script):
                    db.execute(statement)
            if version < SKETCHED:
                documents = db.execute("SELECT id, text FROM documents ORDER BY id")
                while batch := documents.fetchmany(100):
                    _compare(db, batch)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    @property
    def _db(self) -> sqlite3.Connection:
        db: _Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._connect()
            self._local.db = db
            self._connections.add(db)
        return db

    def _connect(self) -> _Connection:
        # Only `close` uses a connection from a thread that did not open it.
        db = sqlite3.connect(
            self._path,
            timeout=60,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA foreign_keys = ON")
        return db

    def close(self) -> None:
        """Close every thread's connection."""
        for db in list(self._connections):
            db.close()
        self._connections.clear()
        self._local = threading.local()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads within see the catalog as it is now."""
        db = self._db
        db.execute("BEGIN")
        try:
            _ = self.generation  # the first read is what fixes the snapshot
            yield
        finally:
            if db.in_transaction:
                db.execute("COMMIT")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # SQLite may have rolled back itself, on a full disk for one
                db.execute("ROLLBACK")
            raise

    # State

    @property
    def generation(self) -> int:
        """A number that grows with every change to what is indexed."""
        return _state(self._db, "generation")

    @property
    def outdated(self) -> bool:
        """Whether the index has changed since this thread's snapshot was taken."""
        with closing(self._connect()) as db:  # the thread's own sees nothing newer
            return _state(db, "generation") != self.generation

    @property
    def writing(self) -> bool:
        """Whether a writer is at work, or was ended before it was done."""
        return bool(_state(self._db, "writing"))

    @writing.setter
    def writing(self, value: bool) -> None:
        self._db.execute("UPDATE state SET value = ? WHERE key = 'writing'", (int(value),))

    def advance(self) -> None:
        """Say that the vectors have changed though the catalog has not."""
        with self._transaction() as db:
            _advance(db)

    # Writing

    def put(self, entries: Iterable[Entry]) -> None:
        """Add documents, or replace those of the same path, in one transaction."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        texts = []
        with self._transaction() as db:
            for entry in entries:
                document = entry.kept.document
                db.execute("DELETE FROM documents WHERE path = ?", (document.path,))
                number: int = db.execute(
                    "INSERT INTO documents (source, path, kind, title, text, sha256, pages,"
                    " warnings, sentences, ingested_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                    " RETURNING id",
                    (
                        document.source,
                        document.path,
                        document.kind,
                        document.title,
                        document.text,
                        document.sha256,
                        json.dumps([asdict(page) for page in document.pages]),
                        json.dumps(document.warnings),
                        _pack(entry.kept.sentences),
                        now,
                    ),
                ).fetchone()[0]
                for chunk in entry.chunks:
                    row = db.execute(
                        "INSERT INTO chunks (id, document, ordinal, start, end, content)"
                        " VALUES (?, ?, ?, ?, ?, ?)",
                        (
                            chunk.id,
                            number,
                            chunk.ordinal,
                            chunk.start,
                            chunk.end,
                            chunk.content,
                        ),
                    ).lastrowid
                    db.execute(
                        "INSERT INTO terms (rowid, text) VALUES (?, ?)",
                        (row, indexed_terms(document.text[chunk.start : chunk.end])),
                    )
                texts.append((number, document.text))
            _compare(db, texts)
            _advance(db)

    def remove(self, sources: Sequence[str]) -> None:
        """Remove documents with their chunks, in one transaction; unknown names are ignored."""
        with self._transaction() as db:
            for source in sources:
                db.execute("DELETE FROM documents WHERE source = ?", (source,))
            _advance(db)

    # Reading

    def listings(self) -> list[Listing]:
        """Every document without its text, by source."""
        rows = self._db.execute(
            "SELECT source, path, kind, title, length(text),"
            " (SELECT count(*) FROM chunks WHERE document = documents.id),"
            " json_array_length(pages), sha256, ingested_at, warnings,"
            " (SELECT json_group_array(o.source) FROM copies c JOIN documents o ON o.id = c.other"
            " WHERE c.document = documents.id)"
            " FROM documents ORDER BY source"
        )
        return [
            Listing(*[*row, tuple(json.loads(warnings)), tuple(sorted(json.loads(copies)))])
            for *row, warnings, copies in rows
        ]

    def copies(self, sources: Sequence[str]) -> list[tuple[str, str]]:
        """The pairs of near-copies among some documents, each pair once and in order."""
        rows = self._db.execute(
            "WITH given AS (SELECT id, source FROM documents"
            " WHERE source IN (SELECT value FROM json_each(?)))"
            " SELECT a.source, b.source FROM copies c"
            " JOIN given a ON a.id = c.document JOIN given b ON b.id = c.other"
            " WHERE a.source < b.source ORDER BY a.source, b.source",
            (json.dumps(sources),),
        )
        return [(one, other) for one, other in rows]

    def counts(self) -> tuple[int, int]:
        """How many documents and chunks there are."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks)"
        ).fetchone()
        return int(row[0]), int(row[1])

    def kept(self, source: str) -> Kept | None:
        """One document with its text and sentences."""
        row = self._db.execute(
            "SELECT source, path, kind, title, text, sha256, pages, warnings, sentences"
            " FROM documents WHERE source = ?",
            (source,),
        ).fetchone()
        if row is None:
            return None
        source, path, kind, title, text, sha256, pages, warnings, sentences = row
        document = Document(
            source=source,
            path=path,
            kind=kind,
            title=title,
            text=text,
            sha256=sha256,
            pages=tuple(Page(**page) for page in json.loads(pages)),
            warnings=tuple(json.loads(warnings)),
        )
        return Kept(document, _unpack(sentences))

    def chunk_ids(self, source: str | None = None) -> list[str]:
        """The ids of one document's chunks, or of all."""
        if source is None:
            return [row[0] for row in self._db.execute("SELECT id FROM chunks")]
        return [
            row[0]
            for row in self._db.execute(
                "SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document"
                " WHERE d.source = ?",
                (source,),
            )
        ]

    def locate(self, ids: Sequence[str]) -> dict[str, Located]:
        """Chunks by id; ids that are not indexed are left out."""
        rows = self._db.execute(
            f"SELECT d.source, {_CHUNK} FROM chunks c"  # noqa: S608
            " JOIN documents d ON d.id = c.document WHERE c.id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        )
        return {chunk[0]: Located(Chunk(*chunk), source) for source, *chunk in rows}

    def search(
        self, match: str, k: int, sources: Sequence[str] | None = None
    ) -> list[tuple[Located, float]]:
        """The `k` chunks that an FTS5 expression fits best, with their BM25 weight (above 0).

        `sources` keeps them to some documents; how rare a term is counts in all of them.
        """
        kept = (
            ""
            if sources is None
            else " AND rowid IN (SELECT c.number FROM chunks c JOIN documents d ON d.id ="
            " c.document WHERE d.source IN (SELECT value FROM json_each(:sources)))"
        )
        rows = self._db.execute(
            f"SELECT -found.rank, d.source, {_CHUNK} FROM"  # noqa: S608
            f" (SELECT rowid, rank FROM terms WHERE terms MATCH :match{kept}"
            " ORDER BY rank LIMIT :k) AS found"
            " JOIN chunks c ON c.number = found.rowid JOIN documents d ON d.id = c.document"
            " ORDER BY found.rank, c.id",
            {"match": match, "k": k, "sources": json.dumps(sources)},
        )
        return [(Located(Chunk(*chunk), source), weight) for weight, source, *chunk in rows]


_CHUNK = "c.id, c.ordinal, c.start, c.end, c.content"


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, each of which ends at a line's end; `executescript` commits."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _compare(db: sqlite3.Connection, texts: Iterable[tuple[int, str]]) -> None:
    """Keep documents' sketches, and which of the older documents they are near-copies of.

    `texts` are (id, text), of documents that have no sketch yet.
    """
    sketches = {number: sketch(text) for number, text in texts}
    db.executemany(
        "INSERT INTO sketches VALUES (?, ?)",
        [(number, len(hashes)) for number, hashes in sketches.items()],
    )
    # In the order of the key, because rows at random would each touch another page.
    rows = sorted((hash_, number) for number, hashes in sketches.items() for hash_ in hashes)
    db.executemany("INSERT INTO shingles VALUES (?, ?)", rows)
    db.execute(
        "WITH pairs AS MATERIALIZED ("
        " SELECT new.document AS one, old.document AS other FROM shingles new"
        " CROSS JOIN shingles old ON old.hash = new.hash AND old.document < new.document"
        " AND old.document <= ifnull((SELECT document FROM shingles WHERE hash = new.hash"
        " ORDER BY document LIMIT 1 OFFSET :carriers), old.document)"
        " WHERE new.document IN (SELECT value FROM json_each(:new)) GROUP BY one, other"
        " HAVING count(*) >= :share * (SELECT min(size) FROM sketches WHERE document IN"
        " (new.document, old.document)))"
        " INSERT INTO copies SELECT one, other FROM pairs UNION ALL SELECT other, one FROM pairs",
        {"new": json.dumps(list(sketches)), "share": SHARE, "carriers": CARRIERS - 1},
    )


def _state(db: sqlite3.Connection, key: str) -> int:
    row = db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
    return int(row[0])


def _advance(db: sqlite3.Connection) -> None:
    db.execute("UPDATE state SET value = value + 1 WHERE key = 'generation'")


def _pack(spans: Sequence[Span]) -> bytes:
    """Spans as pairs of 32-bit numbers; JSON would take four times the space."""
    flat = array("I", [offset for span in spans for offset in span])
    return flat.tobytes()


def _unpack(blob: bytes) -> tuple[Span, ...]:
    flat = array("I", blob)
    return tuple(zip(flat[::2], flat[1::2], strict=True))
