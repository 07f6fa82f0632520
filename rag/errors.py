"""What can go wrong, as a tree: each error carries a message and a hint on what to do.

RagError
├── UsageError        a question or an argument that cannot be used (empty, too long)
├── SettingsError     a RAG_ setting is unknown or out of bounds
├── SourceError       a path or a source that is not there
├── LoadError         one file cannot be turned into text (kind, encoding, encryption, limits)
├── GoldError         a file of gold questions is not of the format
├── ModelError        weights are missing or do not match their hash
├── LanguageModelError  the person's own language model is not there, or gave no usable reply
└── IndexUnusable     what is under RAG_HOME cannot be used
    ├── NothingIndexed    no document was ever ingested
    ├── FingerprintError  the index was made by other settings or another version
    └── LockTimeout       another process went on writing for longer than we wait

Expected failures of the command line are `RagError`s: message and hint go to standard error, the
exit code is 1, and no traceback is shown.
"""

from __future__ import annotations

import sys


class RagError(Exception):
    """An expected failure.

    Args:
        message: what went wrong, one sentence.
        hint: what the person can do about it, or None.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RagError):
    """The question or an argument cannot be used as it is."""


class SettingsError(RagError):
    """A setting is unknown or out of its bounds."""


class SourceError(RagError):
    """A path does not exist, or no source of that name is indexed."""


class LoadError(RagError):
    """A file cannot be turned into text; other files are not affected."""


class GoldError(RagError):
    """A file of gold questions cannot be read, or a line of it is not of the format."""


class ModelError(RagError):
    """Model weights are missing, or are not the bytes they should be."""


class LanguageModelError(RagError):
    """The language model that is set cannot be reached, or its reply cannot be used."""


class IndexUnusable(RagError):
    """The state under RAG_HOME cannot be used as it is."""


class NothingIndexed(IndexUnusable):
    """No document was ever ingested, and there is no seeds folder to start with."""


class FingerprintError(IndexUnusable):
    """The index was made by another loader, chunker or embedding model than the set one."""


class LockTimeout(IndexUnusable):
    """Another process held the write lock for longer than RAG_LOCK_TIMEOUT."""


def tell(program: str, error: RagError) -> None:
    """Message and hint of an expected failure on standard error, after the program's name."""
    print(f"{program}: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"{' ' * len(program)}  {error.hint}", file=sys.stderr)
