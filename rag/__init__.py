"""seed-rag: answers from a person's own documents, each claim tied to exact characters of a file.

    from rag import Rag

    rag = Rag.open()
    rag.ingest("seeds/")
    answer = rag.ask("Who is the Commerce Secretary?")

Importing this package is cheap: the facade and its settings load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rag.errors import (
    FingerprintError,
    GoldError,
    IndexUnusable,
    LanguageModelError,
    LoadError,
    LockTimeout,
    ModelError,
    NothingIndexed,
    RagError,
    SettingsError,
    SourceError,
    UsageError,
)
from rag.gold import GoldItem, append_gold
from rag.sentences import split_sentences
from rag.types import (
    Agreement,
    Answer,
    Citation,
    Claim,
    Conflict,
    Document,
    Evidence,
    Failure,
    Generation,
    Hit,
    IngestReport,
    Line,
    Notice,
    Page,
    Passage,
    Reading,
    SourceInfo,
    StatusReport,
    Trace,
)

if TYPE_CHECKING:
    from rag.pipeline import Rag
    from rag.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "Agreement",
    "Answer",
    "Citation",
    "Claim",
    "Conflict",
    "Document",
    "Evidence",
    "Failure",
    "FingerprintError",
    "Generation",
    "GoldError",
    "GoldItem",
    "Hit",
    "IndexUnusable",
    "IngestReport",
    "LanguageModelError",
    "Line",
    "LoadError",
    "LockTimeout",
    "ModelError",
    "NothingIndexed",
    "Notice",
    "Page",
    "Passage",
    "Rag",
    "RagError",
    "Reading",
    "Settings",
    "SettingsError",
    "SourceError",
    "SourceInfo",
    "StatusReport",
    "Trace",
    "UsageError",
    "__version__",
    "append_gold",
    "split_sentences",
]


def __getattr__(name: str) -> Any:
    if name == "Rag":
        from rag.pipeline import Rag

        return Rag
    if name == "Settings":
        from rag.settings import Settings

        return Settings
    raise AttributeError(f"module 'rag' has no attribute {name!r}")
