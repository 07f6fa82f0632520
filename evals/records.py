"""What is kept of a run: one record a question, and what made them. Plain data, JSON both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rag import GoldError

Outcome = Literal["right", "wrong", "withheld", "failed"]
Stage = Literal[
    "not loaded", "not retrieved", "not read", "wrongly withheld", "wrongly answered", "crashed"
]
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One question's result.

    `gold` is the fingerprint of its gold item. `outcome` and `failed_at` are at the set threshold:
    `right` for an accepted answer and for silence where there is none, `failed_at` the first stage
    that failed, None where `right`. `short`, `text`, `confidence` and `citations` (as
    "source:start-end") are those of the best candidate, answered or not. `values` has each
    per-question metric, None where it does not apply. `error` is what was raised, None in an
    orderly run. `unverified` counts citations that are not what their source says.
    """

    id: str
    fact: str
    split: str
    question: str
    gold: str
    answerable: bool
    outcome: Outcome
    failed_at: Stage | None
    short: str
    text: str
    confidence: float
    citations: tuple[str, ...]
    values: Mapping[str, float | None]
    unverified: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """All records of a run, in the gold's order, and what made them.

    `commit` is None outside a git checkout. `data` is a hash of gold and documents, `settings` the
    values that answers depend on, `packages` the versions that do.
    """

    commit: str | None
    packages: Mapping[str, str]
    data: str
    settings: Mapping[str, Any]
    records: tuple[Record, ...]

    @property
    def threshold(self) -> float:
        """The set threshold."""
        return float(self.settings["threshold"])

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, in order."""
        return tuple(dict.fromkeys(record.split for record in self.records))

    def of(self, split: str) -> Run:
        """The same with one split's records only."""
        chosen = tuple(record for record in self.records if record.split == split)
        return Run(self.commit, self.packages, self.data, self.settings, chosen)


def write_run(path: Path, run: Run) -> None:
    """Write a run as JSON, a line a record, so that its changes can be read in a diff."""
    head = {"schema": SCHEMA, **asdict(run)}
    records = head.pop("records")
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    body = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            body + ',\n "records": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8"
        )
    except OSError as error:
        raise GoldError(f"{path} cannot be written: {error.strerror}.") from None


def read_run(path: Path) -> Run:
    """Read what `write_run` wrote. Raises GoldError where there is none, or it is not one."""
    hint = "Record one with --renew."
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("schema") != SCHEMA:
            raise ValueError("it was written by another version")
        records = tuple(
            Record(**row | {"citations": tuple(row["citations"])}) for row in data.pop("records")
        )
        return Run(**data, records=records)
    except FileNotFoundError:
        raise GoldError(f"There is no baseline {path}.", hint) from None
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise GoldError(f"{path} is not a baseline: {error}.", hint) from None
