"""What people say of answers, kept on this machine: ratings with notes, and gold questions."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rag import Answer, GoldItem, append_gold


class Keeping:
    """Two JSON Lines files in RAG_HOME: feedback.jsonl and gold.jsonl, readable by their owner."""

    def __init__(self, home: Path) -> None:
        self._home = home.expanduser().resolve()
        self.feedback = self._home / "feedback.jsonl"
        self.gold = self._home / "gold.jsonl"

    def rate(self, answer: Answer, *, right: bool, note: str) -> None:
        """Keep a rating: the answer as JSON, whether it is right, a note, and when (UTC)."""
        row = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "right": right,
            "note": note.strip(),
            "answer": answer.to_dict(),
        }
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.feedback, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def add_gold(self, answer: Answer, note: str) -> None:
        """Append an answer, or abstention, that was rated right to the gold questions.

        Raises:
            RagError: it cannot be one, or is there already.
        """
        # What exactly is missing may be said more closely in the file.
        absent: Literal["attribute"] | None = None if answer.status == "answered" else "attribute"
        append_gold(self.gold, GoldItem.from_answer(answer, absent=absent, note=note.strip()))
