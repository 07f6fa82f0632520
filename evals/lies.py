"""How many false sentences of a lying model are caught, and how many true ones are lost.

    rag eval lies [--half tune|test|all] [--without-keys] [--json]

evals/lies.jsonl has facts of the seeds: a sentence of an article, true sentences that it supports
(close to its words, and loosely put) and false ones by kind, written by hand. The halves are split
by fact: 'tune' was looked at and fitted on, 'test' was neither. For each fact the product is asked
with a scripted model that writes all of these under the key of that sentence, or `--without-keys`
under none; what stands in the answer then has passed. The last figure is what the checking of an
answer of five sentences takes: the time that the product spends on a reply that comes at once.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import (
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.llms import CustomLLM

from evals.command import exit_code, print_json, print_table, working_folder
from evals.statistics import estimate
from rag import Rag

FACTS = Path(__file__).parent / "lies.jsonl"
SEEDS = Path(__file__).parent.parent / "seeds"
TRUE = ("verbatim", "true", "loose")
FIVE = 5  # sentences of a timed answer
ROUNDS = 20

_LINE = re.compile(r"^\[([A-Z0-9]+)\] (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence of a source, and sentences about it by kind."""

    evidence: str
    sentences: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One sentence, and whether it passed."""

    kind: str
    text: str
    passed: bool


class Scripted(CustomLLM):
    """Writes `sentences` with the key of the line that is `evidence`, word by word."""

    evidence: str = ""
    sentences: tuple[str, ...] = ()
    with_keys: bool = True
    missed: bool = False

    @property
    def metadata(self) -> LLMMetadata:
        """A model with room for everything."""
        return LLMMetadata(context_window=8192, model_name="scripted")

    def complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002 - LlamaIndex's signature
        **_: Any,
    ) -> CompletionResponse:
        """The whole reply."""
        lines = {text: key for key, text in _LINE.findall(prompt)}
        key = lines.get(" ".join(self.evidence.split()))
        self.missed = key is None
        mark = f" [{key}]" if key and self.with_keys else ""
        return CompletionResponse(text="\n".join(f"{one}{mark}" for one in self.sentences))

    def stream_complete(
        self, prompt: str, formatted: bool = False, **_: Any
    ) -> CompletionResponseGen:
        """The reply in words."""
        text = self.complete(prompt, formatted).text
        for word in re.findall(r"\S+\s*", text):
            yield CompletionResponse(text=text, delta=word)


def load(half: str) -> list[Fact]:
    """The facts of a half."""
    rows = [json.loads(line) for line in FACTS.read_text(encoding="utf-8").splitlines()]
    return [
        Fact(
            row["evidence"],
            (
                ("verbatim", row["evidence"]),
                *(("true", text) for text in row["true"]),
                *(("loose", text) for text in row["loose"]),
                *((lie["kind"], lie["text"]) for lie in row["false"]),
            ),
        )
        for row in rows
        if half in (row["half"], "all")
    ]


def measure(facts: Sequence[Fact], *, with_keys: bool) -> tuple[list[Outcome], list[float], int]:
    """Every sentence's outcome; milliseconds of checking five sentences; facts not retrieved."""
    outcomes: list[Outcome] = []
    times: list[float] = []
    missed = 0
    model = Scripted(with_keys=with_keys)
    with working_folder() as work, Rag.open(llm=model, home=work / "home", threshold=0) as rag:
        rag.ingest(SEEDS)
        for fact in facts:
            model.evidence = fact.evidence
            model.sentences = tuple(" ".join(text.split()) for _, text in fact.sentences)
            answer = rag.ask(fact.evidence)
            missed += model.missed
            generation = answer.trace.generation
            passed = {c.text for c in generation.claims if c.supported} if generation else set()
            outcomes += [
                Outcome(kind, text, text in passed)
                for (kind, _), text in zip(fact.sentences, model.sentences, strict=True)
            ]
        five = facts[0]
        model.evidence = five.evidence
        model.sentences = tuple(" ".join(text.split()) for _, text in five.sentences[:FIVE])
        for _ in range(ROUNDS):
            times.append(rag.ask(five.evidence).timings_ms["write"])
            time.sleep(0.01)
    return outcomes, times, missed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="rag eval lies", description="A lying model against the checks."
    )
    parser.add_argument("--half", choices=("tune", "test", "all"), default="test")
    parser.add_argument("--without-keys", action="store_true", help="the model forgets its keys")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--list", action="store_true", help="print the sentences that went wrong")
    options = parser.parse_args(arguments)

    def run() -> None:
        outcomes, times, missed = measure(load(options.half), with_keys=not options.without_keys)
        wrong = [one for one in outcomes if one.passed != (one.kind in TRUE)]
        if options.json:
            print_json({"outcomes": outcomes, "check_ms": times, "not_retrieved": missed})
            return
        kinds = list(dict.fromkeys(one.kind for one in outcomes))
        rows = [_row(kind, [o for o in outcomes if o.kind == kind]) for kind in kinds]
        rows.append(_row("all true", [o for o in outcomes if o.kind in TRUE]))
        rows.append(_row("all false", [o for o in outcomes if o.kind not in TRUE]))
        print_table(["kind", "sentences", "lost or passed", "%", "95 %"], rows)
        print(f"\nfacts whose sentence was not retrieved: {missed}")
        print(
            f"checking five sentences: {statistics.median(times):.0f} ms at the median,"
            f" {max(times):.0f} at most ({ROUNDS} times)"
        )
        if options.list:
            for one in wrong:
                print(f"{one.kind}: {one.text}")

    return exit_code(run)


def _row(kind: str, outcomes: Sequence[Outcome]) -> list[object]:
    """Of true sentences those that were lost, of false ones those that passed."""
    wrong = [float(one.passed != (one.kind in TRUE)) for one in outcomes]
    found = estimate(wrong)
    return [
        kind,
        len(wrong),
        int(sum(wrong)),
        f"{100 * found.mean:.1f}",
        f"[{100 * found.low:.1f}, {100 * found.high:.1f}]",
    ]


if __name__ == "__main__":
    sys.exit(main())
