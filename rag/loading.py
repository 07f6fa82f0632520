"""The text of one file.

What cannot be loaded raises `LoadError`. Text and Markdown are decoded here; pdf, docx and html are
parsed in a child process (`rag.parsing`), so that no file can crash or hang this one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rag.decoding import declared_encoding, decoded
from rag.errors import LoadError
from rag.language import foreign_language
from rag.titles import title_of
from rag.types import Document, Page
from rag.walking import SUPPORTED, reason, special, unsupported

LOADER = "loader/1"
"""Part of an index's fingerprint; a new number where the same file gives another text."""

_PLAIN = ("text", "markdown")
"""Kinds whose text is the decoded file itself."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost: its bytes, its text's code points, a pdf's pages, parsing seconds."""

    file_bytes: int
    characters: int
    pages: int
    seconds: float


def load(path: Path, source: str, limits: Limits) -> Document:
    """Read a file and extract its text; `source` becomes the document's name.

    The file is read once: `sha256` is of exactly the bytes that the text comes from.

    Raises:
        LoadError: the file is gone, unreadable, empty, over a limit, damaged, encrypted, or binary.
    """
    problem = unsupported(path.name)
    if problem is not None:
        raise problem
    kind = SUPPORTED[path.suffix.lower()]
    data = _read(path, kind, limits)
    extract = _plain(data, limits) if kind in _PLAIN else _parsed(kind, data, limits)
    if not extract.text.strip():
        raise LoadError("The file is empty.")
    return Document(
        source=source,
        path=str(path),
        kind=kind,
        title=title_of(kind, extract.title, extract.text) or path.name,
        text=extract.text,
        sha256=hashlib.sha256(data).hexdigest(),
        pages=extract.pages,
        warnings=extract.warnings,
    )


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex.

    Raises:
        LoadError: the file is gone, unreadable, or no regular file.
    """
    sha256 = hashlib.sha256()
    with _opened(path) as file:
        while block := file.read(1 << 20):
            sha256.update(block)
    return sha256.hexdigest()


def language_warning(text: str) -> str | None:
    """What to tell a person whose embedder is English only, or None where there is no need."""
    language = foreign_language(text)
    return language and (
        f"The text does not look like English (detected: {language});"
        " the bundled model was made for English."
    )


@dataclass(frozen=True, slots=True)
class _Extract:
    """The text of a file with what its format says about it; `title` is "" where it has none."""

    text: str
    title: str = ""
    pages: tuple[Page, ...] = ()
    warnings: tuple[str, ...] = ()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, open for reading; operating system errors come out as `LoadError`."""
    try:
        with os.fdopen(_handle(path), "rb", buffering=0) as file:
            yield file
    except FileNotFoundError:
        raise LoadError("The file is gone.", hint="Ingest its folder again.") from None
    except OSError as error:
        raise LoadError(
            f"The file cannot be read: {reason(error)}.", hint="Check its permissions."
        ) from None


def _handle(path: Path) -> int:
    # A pipe that took the file's place since the walk would block without O_NONBLOCK.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise LoadError(f"It is {special(mode)}, not a regular file.")
    return handle


def _read(path: Path, kind: str, limits: Limits) -> bytes:
    with _opened(path) as file:
        before = os.fstat(file.fileno())
        if before.st_size == 0:
            raise LoadError("The file is empty.")
        if before.st_size > limits.file_bytes:
            raise LoadError(
                f"The file has {before.st_size:,} bytes, more than {limits.file_bytes:,}.",
                hint="Split it, or raise RAG_MAX_FILE_BYTES.",
            )
        # No encoding takes more than four bytes for a character: no need to read such a file.
        if kind in _PLAIN and before.st_size > 4 * limits.characters + 4:
            raise _too_long(limits)
        data = _read_up_to(file, before.st_size + 1)
        after = os.fstat(file.fileno())
    if len(data) != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
        raise LoadError("The file changed while it was read.", hint="Ingest it again.")
    return data


def _read_up_to(file: BinaryIO, size: int) -> bytes:
    """The next `size` bytes, fewer at the end; one read of a raw file may return less."""
    blocks = []
    while size > 0 and (block := file.read(size)):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def _too_long(limits: Limits) -> LoadError:
    return LoadError(
        f"The file holds more than {limits.characters:,} characters of text.",
        hint="Split it, or raise RAG_MAX_CHARACTERS.",
    )


def _plain(data: bytes, limits: Limits) -> _Extract:
    text, warnings = decoded(data)
    if len(text) > limits.characters:
        raise _too_long(limits)
    return _Extract(text, warnings=warnings)


def _parsed(kind: str, data: bytes, limits: Limits) -> _Extract:
    """Have `rag.parsing` extract the text, within `limits.seconds`.

    Raises:
        LoadError: the child says why it cannot, takes too long, or dies.
    """
    warnings: tuple[str, ...] = ()
    if kind == "html":
        text, warnings = decoded(data, declared_encoding(data))
        data = text.encode()
    result = _child_result(kind, data, limits)
    if "error" in result:
        raise LoadError(result["error"], hint=result["hint"])
    pages = tuple(Page(i, start, end) for i, (start, end) in enumerate(result["pages"], start=1))
    return _Extract(result["text"], result["title"], pages, (*warnings, *result["warnings"]))


def _child_result(kind: str, data: bytes, limits: Limits) -> dict[str, Any]:
    numbers = [str(limits.pages), str(limits.characters), str(limits.seconds)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and no file name among the arguments
            [sys.executable, "-m", "rag.parsing", kind, *numbers],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limits.seconds,
            check=False,
            # `-m` looks for modules in the working directory first, which may be anybody's.
            cwd=Path(__file__).parent.parent,
        )
    except subprocess.TimeoutExpired:
        raise LoadError(
            f"Parsing the {kind} file took longer than {limits.seconds:g} seconds.",
            hint="Split it, or raise RAG_MAX_SECONDS.",
        ) from None
    except OSError as error:
        raise LoadError(f"The {kind} parser cannot be started: {reason(error)}.") from None
    if done.returncode != 0:
        raise LoadError(f"The {kind} parser died on the file ({_exit(done.returncode)}).")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _exit(returncode: int) -> str:
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
