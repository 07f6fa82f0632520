"""The folder with all state (RAG_HOME), and the lock that lets one process write at a time.

    current            the name of the index in use
    index-<hex>/       one index: catalog.sqlite3 and chroma/
    lock, writer       the write lock, and who holds it

A rebuild makes a second index beside the first and then renames `current` over, so that a reader
always finds a whole one. What an ended rebuild left behind is swept by the next writer.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import IndexUnusable, LockTimeout

logger = logging.getLogger(__name__)

_NAME = re.compile(r"index-[0-9a-f]{8}")


class Home:
    """Paths under one RAG_HOME; nothing is made before something is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.expanduser(folder)).resolve()  # noqa: PTH111 - never raises

    @property
    def current(self) -> str | None:
        """The name of the index in use, None where nothing was ever ingested.

        Raises:
            IndexUnusable: the folder is unreadable, or the name in it is of no index.
        """
        try:
            name = (self.folder / "current").read_text(errors="replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unusable(self.folder, error) from None
        if not _NAME.fullmatch(name) or not self.index_folder(name).is_dir():
            raise IndexUnusable(
                f"{self.folder / 'current'} does not name an index.",
                hint="Write the name of the index-… folder beside it into it, or set RAG_HOME to"
                " another folder and ingest again.",
            )
        return name

    def index_folder(self, name: str) -> Path:
        """Where the index of that name lies."""
        return self.folder / name

    def new_index(self) -> str:
        """Make an empty folder for another index; it is not in use yet."""
        name = f"index-{secrets.token_hex(4)}"
        self.index_folder(name).mkdir(mode=0o700)
        return name

    def switch(self, name: str) -> None:
        """Put an index in use, at once: a reader finds the old one or the new one, whole."""
        new = self.folder / "current.new"
        with new.open("w") as file:
            file.write(name)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.folder / "current")

    def sweep(self) -> list[str]:
        """Remove indexes that are not in use, and name them. Only a writer may.

        Where nothing says which is in use, none is removed.
        """
        current = self.current
        names = [folder.name for folder in self.folder.glob("index-*") if folder.name != current]
        if current is None:
            return []
        for name in names:
            shutil.rmtree(self.index_folder(name), ignore_errors=True)
        return names

    @contextmanager
    def writing(self, timeout: float) -> Iterator[None]:
        """Hold the write lock, waiting `timeout` seconds for another process that has it.

        Raises:
            LockTimeout: it was not given up in time.
            IndexUnusable: the folder cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.folder / "lock", mode=0o600)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                holder = self._holder()
                logger.warning("Waiting for %s, which is writing to %s.", holder, self.folder)
                lock.acquire(timeout=timeout)
        except Timeout:
            raise LockTimeout(
                f"{self._holder()} has been writing to {self.folder} for longer than"
                f" {timeout:g} s.",
                hint="Wait for it, end it, or raise RAG_LOCK_TIMEOUT.",
            ) from None
        except OSError as error:
            raise _unusable(self.folder, error) from None
        try:
            self._writer.write_text(
                json.dumps({"pid": os.getpid(), "command": " ".join(sys.argv)[:200]})
            )
            yield
        finally:
            self._writer.unlink(missing_ok=True)
            lock.release()

    @property
    def _writer(self) -> Path:
        return self.folder / "writer"

    def _holder(self) -> str:
        try:
            writer = json.loads(self._writer.read_text())
            return f"process {writer['pid']} ({writer['command']})"
        except (OSError, ValueError, KeyError):
            return "another process"


def _unusable(folder: Path, error: OSError) -> IndexUnusable:
    return IndexUnusable(
        f"The state folder {folder} cannot be used: {error.strerror}.",
        hint="Set RAG_HOME to a folder that you may write to.",
    )
