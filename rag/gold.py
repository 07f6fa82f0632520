"""Gold questions: what was asked, what is right, and where it stands. Standard library only.

The format is JSON Lines, one object a line; evals/gold/README.md documents its fields. What
`read_gold` returns has been checked for form; whether a quote is what the document says is for the
one who has the documents.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from rag.errors import GoldError
from rag.types import Answer

Kind = Literal["who", "when", "how_many", "where", "which", "why", "how", "said", "list", "yes_no"]
Absent = Literal["attribute", "entity", "topic"]
LONG_KINDS: frozenset[Kind] = frozenset({"why", "how", "said", "list"})

_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"^why\b|\bwhat (?:is|was|were|are) the reasons?\b", "why"),
    (r"^how (?:many|much|long|far|often|big|large|old|high)\b", "how_many"),
    (r"^how\b", "how"),
    (r"^wh(?:o|ose|om)\b", "who"),
    (r"^when\b|^(?:on|in) (?:which|what) (?:day|month|year|date)\b", "when"),
    (r"^where\b", "where"),
    (r"\b(?:say|said|says|claim|warn|think)\b", "said"),
    (r"^(?:list|name)\b|^what are\b", "list"),
    (r"^(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|may)\b", "yes_no"),
)


@dataclass(frozen=True, slots=True)
class Support:
    """Characters that support an answer by themselves: `document.text[start:end] == quote`."""

    source: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class GoldItem:
    """One gold question.

    Questions with the same `fact` stand or fall together. `answers` are accepted short answers, any
    of which is right; `facts` what a longer answer has to say, each as wordings of which any
    counts. `absent` is None where the documents answer, else what is missing.
    """

    id: str
    fact: str
    question: str
    kind: Kind
    answers: tuple[str, ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()
    evidence: tuple[Support, ...] = ()
    absent: Absent | None = None
    note: str = ""

    @classmethod
    def from_dict(cls, row: Any) -> GoldItem:
        """An item from a parsed line. Raises ValueError saying what is wrong with it."""
        if not isinstance(row, dict):
            raise ValueError("it is not a JSON object")
        names = [field.name for field in fields(cls)]
        if unknown := sorted(row.keys() - set(names)):
            raise ValueError(f"{unknown[0]!r} is not a field")
        for name in ("id", "fact", "question", "kind"):
            if not isinstance(row.get(name), str) or not row[name].strip():
                raise ValueError(f"{name!r} has to be a text that is not empty")
        item = cls(
            id=row["id"],
            fact=row["fact"],
            question=row["question"],
            kind=row["kind"],
            answers=_texts(row.get("answers", []), "answers"),
            facts=tuple(_texts(one, "facts", least=1) for one in _list(row, "facts")),
            evidence=tuple(map(_support, _list(row, "evidence"))),
            absent=row.get("absent"),
            note=row.get("note", ""),
        )
        item._check()
        return item

    @classmethod
    def from_answer(
        cls,
        answer: Answer,
        *,
        answers: Sequence[str] | None = None,
        evidence: Sequence[Support] | None = None,
        absent: Absent | None = None,
        kind: Kind | None = None,
        fact: str | None = None,
        note: str = "",
    ) -> GoldItem:
        """An item from an answer that a person has rated.

        Args:
            answer: what was answered; its citations are the evidence unless `evidence` is given.
            answers: the accepted short answers; None takes the answer's own: `short`, or for a
                kind that a short one would not do for, the cited quotes as facts.
            evidence: where it stands, for an answer that the person corrected.
            absent: what is missing where the documents do not answer.
            kind: None guesses from the question.
            fact: None makes the question a fact of its own.
            note: what to mind.

        Raises:
            GoldError: there is nothing to take over, as the answer is an abstention.
        """
        kind = kind or guess_kind(answer.question)
        name = f"q-{hashlib.sha256(answer.question.encode()).hexdigest()[:8]}"
        facts: tuple[tuple[str, ...], ...] = ()
        if absent is not None:
            answers, evidence = (), ()
        else:
            if evidence is None:
                evidence = [Support(c.source, c.start, c.end, c.quote) for c in answer.citations]
            if answers is None and kind in LONG_KINDS:
                answers, facts = (), tuple((c.quote,) for c in answer.citations)
            elif answers is None:
                answers = (answer.short,) if answer.short else ()
        item = cls(
            name, fact or name, answer.question, kind, tuple(answers), facts, tuple(evidence),
            absent, note,
        )  # fmt: skip
        try:
            item._check()
        except ValueError as error:
            raise GoldError(
                f"The answer to {answer.question!r} cannot be gold as it is: {error}.",
                hint="Give the accepted answers and their evidence, or say what is absent.",
            ) from None
        return item

    def to_dict(self) -> dict[str, Any]:
        """The item as JSON-ready data, all fields in order."""
        return asdict(self)

    @property
    def fingerprint(self) -> str:
        """Tells whether two items are the same but for their note: 12 hex digits."""
        content = {name: value for name, value in self.to_dict().items() if name != "note"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    def _check(self) -> None:
        """Raise ValueError where the fields contradict each other or the format."""
        if self.kind not in get_args(Kind):
            raise ValueError(f"'kind' is {self.kind!r}, not one of {', '.join(get_args(Kind))}")
        if self.absent is not None and self.absent not in get_args(Absent):
            raise ValueError(f"'absent' is null or one of {', '.join(get_args(Absent))}")
        if not isinstance(self.note, str):
            raise ValueError("'note' has to be a text")
        if self.absent is not None and (self.answers or self.facts or self.evidence):
            raise ValueError("a question without an answer has no answers, facts or evidence")
        if self.absent is None and not (self.answers or self.facts):
            raise ValueError("a question with an answer needs 'answers' or 'facts'")
        if self.absent is None and not self.evidence:
            raise ValueError("a question with an answer needs 'evidence'")


def guess_kind(question: str) -> Kind:
    """What a question asks for, from its words; `which` where they do not tell."""
    plain = question.strip().lower()
    return next((kind for pattern, kind in _KINDS if re.search(pattern, plain)), "which")


def read_gold(path: Path) -> list[GoldItem]:
    """The items of a file in order.

    Raises:
        GoldError: the file cannot be read or is empty, a line is not of the format, or two lines
            have the same `id`. The message names file and line.
    """
    hint = "evals/gold/README.md documents the format; `rag eval new QUESTION` writes it."
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise GoldError(f"{path} cannot be read: {reason}.", hint) from None
    items: dict[str, GoldItem] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = GoldItem.from_dict(json.loads(line))
            if item.id in items:
                raise ValueError(f"the id {item.id!r} was used above")
        except ValueError as error:
            raise GoldError(f"{path}:{number} is not a gold question: {error}.", hint) from None
        items[item.id] = item
    if not items:
        raise GoldError(f"{path} has no questions.", hint)
    return list(items.values())


def append_gold(path: Path, item: GoldItem) -> None:
    """Add an item to the end of a file, making it where there is none.

    Raises:
        GoldError: the file is not one of gold questions, has the id already, or cannot be written.
    """
    before = ""
    if path.exists() and path.stat().st_size:
        if any(known.id == item.id for known in read_gold(path)):
            raise GoldError(
                f"{path} has a question with the id {item.id!r} already.",
                hint="Edit that line instead.",
            )
        before = "" if path.read_bytes().endswith(b"\n") else "\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(f"{before}{json.dumps(item.to_dict(), ensure_ascii=False)}\n")
    except OSError as error:
        raise GoldError(f"{path} cannot be written: {error.strerror}.") from None


def _list(row: dict[str, Any], name: str) -> list[Any]:
    value = row.get(name, [])
    if not isinstance(value, list):
        raise ValueError(f"{name!r} has to be a list")
    return value


def _texts(value: Any, name: str, least: int = 0) -> tuple[str, ...]:
    good = isinstance(value, list) and all(isinstance(v, str) and v.strip() for v in value)
    if not good or len(value) < least:
        raise ValueError(f"{name!r} has to hold texts that are not empty")
    return tuple(value)


def _support(value: Any) -> Support:
    try:
        source, start, end, quote = (value[name] for name in ("source", "start", "end", "quote"))
        sound = (
            isinstance(source, str) and isinstance(quote, str) and type(start) is type(end) is int
        )
    except (TypeError, KeyError):
        sound = False
    if not sound:
        raise ValueError("'evidence' holds objects with source, start, end and quote")
    if not 0 <= start < end or end - start != len(quote):
        raise ValueError(f"the evidence {quote[:40]!r} is not as long as its start and end say")
    return Support(source, start, end, quote)
