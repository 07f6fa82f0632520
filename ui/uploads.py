"""Files that a browser brings: kept under RAG_HOME, indexed one by one, and deleted with their
document."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Event

from rag import IngestReport, Rag, RagError
from ui.shelf import Upload

LONGEST_NAME = 120  # characters of a file's name that are kept


class _Ending(Exception):
    """Ends an ingest from within: the index stays as it was."""


class Uploads:
    """The folder `uploads` in one RAG_HOME, mode 0700; once `ending` is set, nothing is added."""

    def __init__(self, rag: Rag, ending: Event) -> None:
        self._rag = rag
        self._ending = ending
        self.folder = rag.settings.home.expanduser().resolve() / "uploads"

    def add(self, files: Sequence[Path]) -> Iterator[list[Upload]]:
        """Index files one by one, and delete them from where they lie.

        Yields:
            The state of every file, each time that one changes.
        """
        states = [Upload(file.name, "waiting") for file in files]
        for number, file in enumerate(files):
            for state in self._added(file):
                states[number] = state
                yield list(states)
            file.unlink(missing_ok=True)

    def _added(self, file: Path) -> Iterator[Upload]:
        """The states of one file, from the first to what comes of it."""
        yield Upload(file.name, "working")
        shares: SimpleQueue[float | None] = SimpleQueue()
        with ThreadPoolExecutor(1) as pool:
            adding = pool.submit(self._add, file, shares.put)
            adding.add_done_callback(lambda _: shares.put(None))
            for share in iter(shares.get, None):
                yield Upload(file.name, "working", share=share)
        yield adding.result()

    def _add(self, file: Path, tell: Callable[[float], None]) -> Upload:
        """Index one file; what comes of it. `tell` is told the share that is done, 0 to 1."""

        def progress(done: int, total: int) -> None:
            if self._ending.is_set():
                raise _Ending
            tell(done / max(total, 1))

        try:
            if full := self._full(file.stat().st_size):
                return Upload(file.name, "failed", full)
            kept = self._keep(file)
        except OSError as error:
            return Upload(file.name, "failed", f"It could not be kept: {error.strerror}.")
        try:
            report = self._rag.ingest(kept, progress=progress)
        except _Ending:
            kept.unlink()
            return Upload(file.name, "failed", "The server was ended.")
        except RagError as error:
            kept.unlink(missing_ok=True)
            return Upload(file.name, "failed", f"{error.message} {error.hint or ''}".strip())
        if report.failed:
            kept.unlink(missing_ok=True)
            failure = report.failed[0]
            return Upload(file.name, "failed", f"{failure.reason} {failure.hint or ''}".strip())
        return self._noted(file.name, report)

    def _noted(self, name: str, report: IngestReport) -> Upload:
        (source,) = report.added + report.updated + report.unchanged
        notes = [warning.message for warning in report.warnings]
        copies = next(info.copies for info in self._rag.sources() if info.source == source)
        if copies:
            notes.append(f"Shares its text with {', '.join(copies)}.")
        if source != name:
            notes.append(f"Listed as {source}.")
        return Upload(name, "noted" if notes else "done", " ".join(notes))

    def _full(self, size: int) -> str | None:
        """Why a file of so many bytes may not be added, or None where it may."""
        settings = self._rag.settings
        sizes = [file.stat().st_size for file in self._files()]
        if len(sizes) >= settings.max_uploads:
            return f"There are {len(sizes):,} uploads already, as many as RAG_MAX_UPLOADS allows."
        if sum(sizes) + size > settings.max_upload_bytes:
            return "With it, uploads would take more space than RAG_MAX_UPLOAD_BYTES allows."
        return None

    def _files(self) -> list[Path]:
        return list(self.folder.iterdir()) if self.folder.is_dir() else []

    def _keep(self, file: Path) -> Path:
        """Copy a file in, under its name, or that name with a number where it is taken."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = Path(_clean(file.name))
        number = 1
        while True:
            end = f" ({number}){name.suffix}" if number > 1 else name.suffix
            kept = self.folder / f"{name.stem[: LONGEST_NAME - len(end)]}{end}"
            try:
                with kept.open("xb") as target, file.open("rb") as source:
                    kept.chmod(0o600)
                    shutil.copyfileobj(source, target)
            except FileExistsError:
                number += 1
                continue
            return kept

    def sources(self) -> frozenset[str]:
        """The indexed documents that were uploaded."""
        return frozenset(
            info.source
            for info in self._rag.sources()
            if Path(info.path).is_relative_to(self.folder)
        )

    def remove(self, source: str) -> None:
        """Drop a document from the index, and its file where it was uploaded.

        Raises:
            SourceError: no document of that name is indexed.
        """
        paths = {info.source: Path(info.path) for info in self._rag.sources()}
        self._rag.forget(source)
        if source in paths and paths[source].is_relative_to(self.folder):
            paths[source].unlink(missing_ok=True)


def _clean(name: str) -> str:
    """A file's name without what could lead elsewhere, hide it, or mislead its reader."""
    shown = "".join(c for c in name if unicodedata.category(c)[0] != "C")
    return re.sub(r"[/\\:]", "_", shown).strip().lstrip(".") or "document"
