"""The public surface: what may be imported, and that importing it stays cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rag


def test_every_public_name_is_there() -> None:
    assert set(rag.__all__) == {name for name in rag.__all__ if getattr(rag, name) is not None}


def test_the_public_names_are_these() -> None:
    """A change here is a change for users: say it in CHANGELOG.md."""
    assert sorted(rag.__all__) == [
        "Agreement", "Answer", "Citation", "Claim", "Conflict", "Document", "Evidence", "Failure",
        "FingerprintError", "Generation", "GoldError", "GoldItem", "Hit", "IndexUnusable",
        "IngestReport", "LanguageModelError", "Line", "LoadError", "LockTimeout", "ModelError",
        "NothingIndexed", "Notice", "Page", "Passage", "Rag", "RagError", "Reading", "Settings",
        "SettingsError", "SourceError", "SourceInfo", "StatusReport", "Trace", "UsageError",
        "__version__", "append_gold", "split_sentences",
    ]  # fmt: skip


def test_importing_is_cheap() -> None:
    heavy = "torch", "chromadb", "llama_index.core", "sentence_transformers", "nltk", "pydantic"
    code = f"import sys, rag; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.usefixtures("seeded")
def test_asking_needs_no_slow_import() -> None:
    """A question pays for torch and Chroma; these would add six seconds."""
    heavy = "transformers", "sentence_transformers", "llama_index.core", "nltk", "gradio"
    ask = "rag.Rag.open().ask('Who is the Commerce Secretary?')"
    code = f"import sys, rag; {ask}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
