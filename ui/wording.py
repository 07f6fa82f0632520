"""What page and Markdown both say: a question and its answer, how sure it is, and on what page."""

from __future__ import annotations

from dataclasses import dataclass

from rag import Answer


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of a conversation, as it was typed, and its answer."""

    asked: str
    answer: Answer


def confidence_in_words(probability: float) -> str:
    """A probability (0 to 1) as a person would say it."""
    for least, words in (
        (0.9, "Very likely right"),
        (0.75, "Likely right"),
        (0.6, "More likely right than wrong"),
        (0.4, "About as likely right as wrong"),
        (0.25, "More likely wrong than right"),
    ):
        if round(probability, 2) >= least:  # as it is shown in percent
            return words
    return "Very likely wrong"


def percent(probability: float) -> str:
    """A probability (0 to 1) in percent, never certain."""
    return f"{min(99, max(1, round(100 * probability)))} %"


def on_page(page: int | None) -> str:
    """A page number to follow a name; nothing where there is none."""
    return f" · page {page}" if page else ""
