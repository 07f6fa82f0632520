"""Question sets for training and measuring a reader, read from the formats they are published in.

SQuAD 1.1 and 2.0 (`.json`), lost-in-the-middle's Natural Questions (`.jsonl`: `question`,
`answers`, `ctxs`) and QAMR (`.tsv`, beside its `wiki-sentences.tsv`; see `rag.training.qamr`), each
also gzipped.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rag.errors import SourceError
from rag.training.qamr import read_pairs, read_stretches
from rag.types import Span

Split = Literal["train", "tune", "test"]

_NO_TITLE = re.compile(r"Amazon_Reviews_\d+|Filtered_Reddit_Comments")  # SQuADShifts' numbering


@dataclass(frozen=True, slots=True)
class Question:
    """A question on one context; `answers` are spans of it, one an annotator, empty for none.

    `title` is that of the document that the context is from, "" where the set has none.
    """

    text: str
    context: str
    answers: tuple[Span, ...]
    split: Split
    set_name: str
    title: str = ""


def read_questions(file: Path) -> list[Question]:
    """All questions of a file, duplicates and answers that are not where they should be left out.

    Raises:
        SourceError: the file cannot be read as one of the formats.
    """
    with _clear_errors(file):
        name = file.name.split(".")[0]
        if ".tsv" in file.suffixes:
            found = _qamr(file, name)
        elif ".jsonl" in file.suffixes:
            found = _natural_questions(_text(file), name)
        else:
            found = _squad(_text(file), name)
        return list(dict.fromkeys(found))


def read_contexts(file: Path) -> dict[str, Split]:
    """The texts of a file's questions, of QAMR also those that nothing is asked about, and which
    split each belongs to.

    Raises:
        SourceError: the file cannot be read as one of the formats.
    """
    if ".tsv" not in file.suffixes:
        return {question.context: question.split for question in read_questions(file)}
    with _clear_errors(file):
        return {s.text: split_of(s.text, None) for s in read_stretches(_sentences(file))}


@contextmanager
def _clear_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{file} cannot be read as questions: {type(error).__name__} {error}.",
            hint="Give SQuAD-format .json, Natural Questions .jsonl or QAMR's .tsv files, plain or"
            " gzipped.",
        ) from error


def _text(file: Path) -> str:
    raw = file.read_bytes()
    return (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()


def _sentences(file: Path) -> str:
    """The table of QAMR's sentences beside one of its questions."""
    return _text(file.with_name("wiki-sentences.tsv" + (".gz" if file.suffix == ".gz" else "")))


def _qamr(file: Path, name: str) -> Iterator[Question]:
    for text, context, answers in read_pairs(_text(file), _sentences(file)):
        yield Question(text, context, answers, split_of(context, None), name)


def digest(text: str) -> str:
    """SHA-256 in hex, for splits that anyone gets the same."""
    return hashlib.sha256(text.encode()).hexdigest()


def _squad(text: str, name: str) -> Iterator[Question]:
    """SQuAD 2.0 is held out by title, 1.1 by context: its sets have too few titles."""
    data = json.loads(text)
    by_title = str(data.get("version", "")).startswith("v2")
    for article in data["data"]:
        named = _NO_TITLE.fullmatch(article["title"]) is None
        title = article["title"].replace("_", " ") if named else ""
        for paragraph in article["paragraphs"]:
            context = paragraph["context"]
            split = split_of(context, article["title"] if by_title else None)
            for item in paragraph["qas"]:
                answers = [] if item.get("is_impossible") else item["answers"]
                spans = tuple(_trimmed(context, a) for a in answers if _is_there(context, a))
                if bool(spans) == bool(answers):
                    yield Question(item["question"].strip(), context, spans, split, name, title)


def split_of(context: str, title: str | None) -> Split:
    """'test' by the title's hash (0 to 3) or, without a title, the context's (0); of the others
    'tune' by the context's (1)."""
    if digest(title)[0] in "0123" if title is not None else digest(context)[0] == "0":
        return "test"
    return "tune" if digest(context)[0] == "1" else "train"


def _natural_questions(text: str, name: str) -> Iterator[Question]:
    """Real search questions; the answer is a string that stands in the gold passage."""
    for line in text.split("\n"):
        if not line:
            continue
        row = json.loads(line)
        gold = next(c for c in row["ctxs"] if c["isgold"])
        context = gold["text"]
        spans = _occurrences(context, row["answers"])
        if spans:
            split: Split = "tune" if digest(context)[0] == "1" else "train"
            yield Question(row["question"].strip(), context, spans, split, name, gold["title"])


def _occurrences(context: str, answers: Sequence[str]) -> tuple[Span, ...]:
    """Where the first of the answers that stands in the context as whole words first does so."""
    for answer in answers:
        if match := re.search(rf"(?<!\w){re.escape(answer.strip())}(?!\w)", context, re.I):
            return (match.span(),)
    return ()


def _is_there(context: str, answer: dict[str, Any]) -> bool:
    start, text = answer["answer_start"], answer["text"]
    return bool(text.strip()) and context[start : start + len(text)] == text


def _trimmed(context: str, answer: dict[str, Any]) -> Span:
    """The span without white space or a full stop at its ends."""
    text: str = answer["text"]
    start = answer["answer_start"] + len(text) - len(text.lstrip())
    end = answer["answer_start"] + len(text.rstrip())
    return start, end - 1 if context[end - 1] == "." and end - start > 12 else end
