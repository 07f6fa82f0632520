"""Paths to documents: the walk over a folder, and the text of one file.

Nothing is left out in silence: what the walk meets is either a `Found` to load or a `Failure`
with its reason, but for hidden files and folders (a name that starts with "."), which are not
documents. What cannot be loaded raises `LoadError`. Text and Markdown are decoded here; pdf, docx
and html are parsed in a child process (`rag.parsing`), so that no file can crash or hang this one.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import json
import os
import re
import signal
import stat
import string
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from rag.errors import LoadError, SourceError
from rag.language import foreign_language
from rag.types import Document, Failure, Page

LOADER = "loader/1"
"""Part of an index's fingerprint; a new number where the same file gives another text."""

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

_PLAIN = ("text", "markdown")
"""Kinds whose text is the decoded file itself."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost: its bytes, its text's code points, a pdf's pages, parsing seconds."""

    file_bytes: int
    characters: int
    pages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """A file to load.

    `path` is absolute and its parent resolved; the file itself may be a symbolic link. `relative`
    is its posix path inside the ingested folder, or its name where a single file was given.
    """

    path: Path
    relative: str


# --- the walk ---


def walk(path: Path) -> tuple[list[Found], list[Failure]]:
    """Every document under a folder, or the one file that `path` names, and what is none and why.

    Both lists are sorted by name. A symbolic link inside the folder is followed only where it leads
    to something inside the folder that is not walked anyway; `path` itself may be any link.

    Raises:
        SourceError: there is nothing at `path`, or it cannot be looked at.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError(
            f"{path} does not exist.",
            hint="Check the spelling; a relative path starts at the working directory.",
        ) from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be looked at: {_reason(error)}.") from None
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
            self._fail(relative, f"It is {_special(mode)}, not a regular file.")
        elif (problem := _unsupported(relative)) is not None:
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
                f"The folder cannot be read: {_reason(error)}.",
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
        # A file that vanishes while the folder is walked is as if it had never been there.
        with contextlib.suppress(FileNotFoundError):
            mode = entry.stat(follow_symlinks=False).st_mode
            self.file(entry.path, entry.path, relative, mode)

    def _link(self, path: str, relative: str) -> None:
        try:
            real = os.path.realpath(path, strict=True)
            mode = Path(real).stat().st_mode
        except OSError as error:
            self._fail(relative, f"A symbolic link that leads nowhere: {_reason(error)}.")
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


def _unsupported(name: str) -> LoadError | None:
    suffix = Path(name).suffix
    if suffix.lower() in SUPPORTED:
        return None
    what = f"Files of the kind {suffix} are not supported." if suffix else "The name has no suffix."
    return LoadError(what, hint=f"Supported are {', '.join(SUPPORTED)}.")


def _special(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a folder" if stat.S_ISDIR(mode) else "a device"


def _reason(error: OSError | ValueError) -> str:
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return reason[:1].lower() + reason[1:]


# --- loading ---


def load(path: Path, source: str, limits: Limits) -> Document:
    """Read a file and extract its text; `source` becomes the document's name.

    The file is read once: `sha256` is of exactly the bytes that the text comes from.

    Raises:
        LoadError: the file is gone, unreadable, empty, over a limit, damaged, encrypted, or binary.
    """
    problem = _unsupported(path.name)
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
        title=_title(kind, extract) or path.name,
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
            f"The file cannot be read: {_reason(error)}.", hint="Check its permissions."
        ) from None


def _handle(path: Path) -> int:
    # A pipe that took the file's place since the walk would block without O_NONBLOCK.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise LoadError(f"It is {_special(mode)}, not a regular file.")
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
    text, warnings = _decoded(data)
    if len(text) > limits.characters:
        raise _too_long(limits)
    return _Extract(text, warnings=warnings)


# --- the child that parses ---


def _parsed(kind: str, data: bytes, limits: Limits) -> _Extract:
    """Have `rag.parsing` extract the text, within `limits.seconds`.

    Raises:
        LoadError: the child says why it cannot, takes too long, or dies.
    """
    warnings: tuple[str, ...] = ()
    if kind == "html":
        text, warnings = _decoded(data, _declared_encoding(data))
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
        raise LoadError(f"The {kind} parser cannot be started: {_reason(error)}.") from None
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


# --- bytes to text ---

_BOMS = (  # UTF-32 first: its little-endian mark begins with the one of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_BINARY_STARTS = (
    *(b"%PDF-", b"PK\x03\x04", b"\x7fELF", b"\x89PNG", b"\xff\xd8\xff", b"GIF89a"),
    *(b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"Rar!\x1a", b"7z\xbc\xaf"),
)
"""First bytes of common formats; a pdf, for one, need not hold a single control character."""

_CONTROL = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f]")
"""Control characters that text has no use for."""

_LIKELY_ENCODINGS = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("iso8859_2", "koi8_r", "cp866", "cp850", "mac_roman"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
"""What people have. Left to all of its encodings, charset-normalizer reads "café" as Farsi."""

_SAMPLE = 100_000
"""Bytes or characters that a guess is made from."""

_FEW = 32  # characters that are not ASCII
_ASCII = bytes(range(128))


def _decoded(data: bytes, declared: str | None = None) -> tuple[str, tuple[str, ...]]:
    """The text of `data` without its byte order mark, and warnings; newlines stay as they are.

    A byte order mark decides, then whether the bytes are UTF-8, then the `declared` encoding, and
    after that it is a guess, which a warning names.

    Raises:
        LoadError: the bytes look binary, or no encoding fits.
    """
    if data.startswith(_BINARY_STARTS):
        raise _binary()
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _checked(_attempt(data[len(mark) :], encoding)), ()
    if (text := _attempt(data, "utf-8")) is not None and "\0" not in text:
        return _checked(text), ()
    if declared is not None and (text := _attempt(data, declared)) is not None:
        return _checked(text), ()
    encoding = _utf16_variant(data) if b"\0" in data else _guess(_head(data))
    warning = f"The encoding is not marked in the file and was guessed as {encoding}."
    return _checked(_attempt(data, encoding)), (warning,)


def _attempt(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _checked(text: str | None) -> str:
    if text is None:
        raise _unknown_encoding()
    if "\0" in text or _is_full_of_controls(text):
        raise _binary()
    return text


def _is_full_of_controls(text: str) -> bool:
    return 20 * len(_CONTROL.findall(text)) > len(text)


def _unknown_encoding() -> LoadError:
    return LoadError(
        "The encoding of the file cannot be told, or the file is damaged.",
        hint="Save it as UTF-8.",
    )


def _binary() -> LoadError:
    return LoadError("The file looks binary, not like text.", hint="Is its suffix right?")


def _utf16_variant(data: bytes) -> str:
    """The byte order of UTF-16 without a mark; `LoadError` where neither gives plausible text."""
    candidates = []
    for encoding in ("utf-16-le", "utf-16-be"):
        text = _attempt(data, encoding)
        if text is not None and "\0" not in text and _is_plausible(text[:_SAMPLE]):
            # The wrong order turns a space or a line end into a rare character.
            spaces = sum(text.count(space) for space in " \n\r\t")
            candidates.append((spaces, sum(map(str.isascii, text[:_SAMPLE])), encoding))
    if not candidates:
        raise _binary()
    return max(candidates)[2]


def _is_plausible(text: str) -> bool:
    unlikely = {"Cn", "Co", "Cs"}  # unassigned, private, surrogate
    return not any(unicodedata.category(c) in unlikely for c in text)


def _guess(sample: bytes) -> str:
    """The likeliest 8-bit or East Asian encoding of `sample`, which is not UTF-8.

    Where few characters of a Latin script are at stake, cp1252 is likelier than what statistics
    over so few say; it wins ties too. `LoadError` where no encoding fits.
    """
    from charset_normalizer import from_bytes

    if _is_full_of_controls(sample.decode("latin-1")):
        raise _binary()
    high = len(sample.translate(None, _ASCII))
    letters = len(sample) - len(sample.translate(None, string.ascii_letters.encode()))
    share = high / max(1, high + letters)
    western = _attempt(sample, "cp1252")
    if western is not None and (share < 0.05 or (share < 0.4 and high < _FEW)):
        return "cp1252"
    matches = from_bytes(sample, cp_isolation=list(_LIKELY_ENCODINGS))
    best = matches.best()
    if best is None:
        raise _unknown_encoding()
    ties = {m.encoding for m in matches if m.chaos <= best.chaos + 0.02}  # chaos: 0 (clean) to 1
    return "cp1252" if "cp1252" in ties or western == str(best) else str(best.encoding)


def _head(data: bytes) -> bytes:
    """The first bytes of `data`, cut at a white space so that no character is torn."""
    if len(data) <= _SAMPLE:
        return data
    head = data[:_SAMPLE]
    return head[: max(head.rfind(b" "), head.rfind(b"\n")) + 1] or head


_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w.:-]{2,40})", re.I)


def _declared_encoding(data: bytes) -> str | None:
    """The encoding that an html file names in its first kilobyte, if it is one for 8-bit text."""
    match = _META_CHARSET.search(data[:1024]) or _XML_ENCODING.search(data[:1024])
    if match is None:
        return None
    try:
        name = codecs.lookup(match[1].decode("ascii")).name
    except (LookupError, UnicodeDecodeError):
        return None
    if name in ("iso8859-1", "ascii"):
        return "cp1252"  # what browsers take them for
    name = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932"}.get(name, name)
    known = name.startswith("iso8859") or name.replace("-", "_") in _LIKELY_ENCODINGS
    return name if known else None


# --- titles ---

_TITLE_LENGTH = 200
_HEADLINE_LENGTH = 120
_BEGINNING_LENGTH = 80
_CLOSING = "\"'\u201d\u2019\u00bb)]"  # quotes and brackets that may follow a full stop
_MARKDOWN_HEADING = re.compile(r"#{1,6}[ \t]+(.*?)[ \t]*#*$")
_MARKDOWN_MARKS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")


def _title(kind: str, extract: _Extract) -> str:
    """One line to show for the document: what it says of itself, a headline, or its beginning.

    "" where none of these has a character that prints.
    """
    title = extract.title
    if kind == "markdown":
        title = _markdown_heading(extract.text)
    return (
        _cut(_one_line(title), _TITLE_LENGTH)
        or _headline(extract.text)
        or _cut(_one_line(extract.text[:1000]), _BEGINNING_LENGTH)
    )


def _markdown_heading(text: str) -> str:
    """The first "# heading" outside code, without marks, or ""."""
    fenced = False
    for line in text[:20_000].splitlines():
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and (match := _MARKDOWN_HEADING.match(line)):
            return _MARKDOWN_MARKS.sub(lambda mark: mark[1] or "", match[1])
    return ""


def _headline(text: str) -> str:
    """The first of the first three lines with text that reads like a headline, or ""."""
    lines = (_one_line(line) for line in text[:4000].splitlines())
    return next(filter(_is_headline, [line for line in lines if line][:3]), "")


def _is_headline(line: str) -> bool:
    return (
        4 <= len(line.split()) <= 20
        and len(line) <= _HEADLINE_LENGTH
        and not line.startswith("By ")
        and not line.rstrip(_CLOSING).endswith((".", "!", "?", "…", ":", ";", ","))
    )


def _one_line(text: str) -> str:
    """`text` on one line, without characters that do not print."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _cut(text: str, length: int) -> str:
    """`text` in at most `length` characters, cut at a word."""
    if len(text) <= length:
        return text
    head = text[:length].rpartition(" ")[0] or text[: length - 1]
    return head.rstrip(" ,;:") + "…"
