"""The walk over what a person names: files to load, and what is none and why.

Nothing is left out in silence: what the walk meets is either a `Found` or a `Failure` with its
reason, but for hidden files and folders (a name that starts with "."), which are not documents.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rag.errors import LoadError, SourceError
from rag.types import Failure

SUPPORTED: Mapping[str, str] = MappingProxyType(
    {
        ".txt": "text",
        ".text": "text",
        ".md": "markdown",
        ".markdown": "markdown",
        ".html": "html",
        ".htm": "html",
        ".xhtml": "html",
        ".pdf": "pdf",
        ".docx": "docx",
    }
)
"""File suffix (lower case) to the kind of document."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to load.

    `path` is absolute and its parent resolved; the file itself may be a symbolic link. `relative`
    is its posix path inside the ingested folder, or its name where a single file was given.
    """

    path: Path
    relative: str


def walk(path: Path) -> tuple[list[Found], list[Failure]]:
    """Every document under a folder, or the one file that `path` names, and what is none and why.

    Both lists are sorted by name. A symbolic link inside the folder is followed only where it leads
    to something inside the folder that is not walked anyway; `path` itself may be any link.

    Raises:
        SourceError: there is nothing at `path`, or it cannot be looked at.
    """
    try:
        str(path.absolute()).encode()
        mode = path.stat().st_mode
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="replace")
        raise SourceError(f"The path {shown} is not valid UTF-8.", hint="Rename it.") from None
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError(
            f"{path} does not exist.",
            hint="Check the spelling; a relative path starts at the working directory.",
        ) from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be looked at: {reason(error)}.") from None
    if stat.S_ISDIR(mode):
        walker = _Walker(os.path.realpath(path))
        walker.run()
    else:
        walker = _Walker(os.path.realpath(path.parent))
        walker.file(os.path.realpath(path), path.name, path.name, mode)
    return (
        sorted(walker.found, key=lambda found: found.relative),
        sorted(walker.failures, key=lambda failure: failure.source),
    )


class _Walker:
    """One walk under `root`, a real path: links come last, so that what they lead to goes first."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.found: list[Found] = []
        self.failures: list[Failure] = []
        self._seen: set[str] = set()  # real paths of folders and files
        self._links: list[tuple[str, str]] = []  # (relative, path)

    def run(self) -> None:
        self._folder(self.root, "")
        while self._links:
            links, self._links = sorted(self._links), []
            for relative, path in links:
                self._link(path, relative)

    def file(self, real: str, path: str, relative: str, mode: int) -> None:
        """Sort one thing that is not a folder into `found` or `failures`, once by its real path."""
        if not stat.S_ISREG(mode):
            self._fail(relative, f"It is {special(mode)}, not a regular file.")
        elif (problem := unsupported(relative)) is not None:
            self._fail(relative, problem.message, problem.hint)
        elif real not in self._seen:
            self._seen.add(real)
            self.found.append(Found(Path(self.root, path), relative))

    def _folder(self, folder: str, relative: str) -> None:
        # A list in place of recursion: folders may nest deeper than Python's stack.
        pending = [(folder, relative)]
        while pending:
            folder, relative = pending.pop()
            if folder in self._seen:
                continue
            self._seen.add(folder)
            for entry in self._entries(folder, relative):
                inner = f"{relative}/{entry.name}" if relative else entry.name
                if entry.is_symlink():
                    self._links.append((inner, entry.path))
                elif entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, inner))
                else:
                    self._real_file(entry, inner)

    def _entries(self, folder: str, relative: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            self._fail(
                relative or Path(folder).name or folder,
                f"The folder cannot be read: {reason(error)}.",
                "Check its permissions.",
            )
            return []
        return [entry for entry in visible if self._is_named(entry.name, relative)]

    def _is_named(self, name: str, relative: str) -> bool:
        """Whether a name is Unicode, as JSON and the catalog need; a failure where it is not."""
        try:
            name.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(f"{relative}/{name}").decode(errors="replace").lstrip("/")
            self._fail(shown, "The name is not valid UTF-8.", "Rename it.")
            return False
        return True

    def _real_file(self, entry: os.DirEntry[str], relative: str) -> None:
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
        except FileNotFoundError:
            return  # what vanishes while the folder is walked is as if it had never been there
        except OSError as error:
            self._fail(relative, f"It cannot be looked at: {reason(error)}.")
            return
        self.file(entry.path, entry.path, relative, mode)

    def _link(self, path: str, relative: str) -> None:
        try:
            real = os.path.realpath(path, strict=True)
            mode = Path(real).stat().st_mode
        except OSError as error:
            self._fail(relative, f"A symbolic link that leads nowhere: {reason(error)}.")
            return
        if not Path(real).is_relative_to(self.root):
            self._fail(
                relative,
                "A symbolic link that leads out of the folder; it is not followed.",
                "Ingest what it leads to by its own path.",
            )
        elif stat.S_ISDIR(mode):
            self._folder(real, relative)
        elif real not in self._seen:
            self.file(real, path, relative, mode)

    def _fail(self, source: str, reason: str, hint: str | None = None) -> None:
        self.failures.append(Failure(source, reason, hint))


def unsupported(name: str) -> LoadError | None:
    """Why a file of that name is no document, or None where it may be one."""
    suffix = Path(name).suffix
    if suffix.lower() in SUPPORTED:
        return None
    what = f"Files of the kind {suffix} are not supported." if suffix else "The name has no suffix."
    return LoadError(what, hint=f"Supported are {', '.join(SUPPORTED)}.")


def special(mode: int) -> str:
    """What a file is that is not a regular one, in words."""
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a folder" if stat.S_ISDIR(mode) else "a device"


def reason(error: OSError | ValueError) -> str:
    """An operating system error in words that fit into a sentence."""
    words = (isinstance(error, OSError) and error.strerror) or str(error)
    return words[:1].lower() + words[1:]
