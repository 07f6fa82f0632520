"""Whether sources that say different things are shown as such, on RAMDocs (Wang et al. 2025).

    rag eval conflicts FILE.jsonl[.gz] [--half odd|even] [--home DIR] [--json]

Every question is kept to its own documents, some of which give other answers: there are several
persons of one name, or a document is wrong. Scored are the answers that are shown, the short one
and those of `conflicts`, against those that the documents are labelled with. Only questions whose
documents give two answers or more count for the share of answers shown.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from evals.command import exit_code, parser_of, print_figures, print_json, reason, working_folder
from evals.metrics.answers import f1, says
from evals.statistics import Estimate, estimate
from rag import Answer, Rag, SourceError

# F1 that makes two answers one; half would make one of "3,559 people" and "9 people".
SAME = 0.7


@dataclass(frozen=True, slots=True)
class Case:
    """A question, its documents' texts, and the distinct answers that they are labelled with."""

    question: str
    documents: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many of a case's answers were shown, and which of the conflicts shown are among them."""

    shown: int
    labelled: int
    conflicts: tuple[bool, ...]


def load_cases(file: Path) -> list[Case]:
    """The cases in file order. Raises SourceError where the file cannot be read."""
    try:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()
        cases = [_case(json.loads(line)) for line in text.split("\n") if line]
        if not cases:
            raise ValueError("it is empty")
        return cases
    except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
        raise SourceError(
            f"{file} cannot be read: {reason(error)}.", hint="FILE is RAMDocs' test set."
        ) from None


def _case(row: dict[str, object]) -> Case:
    documents = row["documents"]
    assert isinstance(documents, list)
    answers = dict.fromkeys(one["answer"] for one in documents if one["type"] != "noise")
    return Case(str(row["question"]), tuple(one["text"] for one in documents), tuple(answers))


def score(case: Case, answer: Answer) -> Outcome:
    """Score one answer. Each labelled answer counts once however often it is shown."""
    shown = [answer.short] if answer.short else []
    shown += [conflict.short for conflict in answer.conflicts]
    found = sum(any(_same(one, wanted) for one in shown) for wanted in case.answers)
    others = [one for one in case.answers if not (answer.short and _same(answer.short, one))]
    right = tuple(any(_same(o.short, one) for one in others) for o in answer.conflicts)
    return Outcome(found, len(case.answers), right)


def _same(one: str, other: str) -> bool:
    return f1(one, [other]) >= SAME or says(one, [other]) or says(other, [one])


def run_cases(cases: Sequence[Case], home: Path, threshold: float) -> list[Outcome]:
    """Ask every case over its own documents."""
    documents = home / "documents"
    documents.mkdir(exist_ok=True)
    for number, case in enumerate(cases):
        for place, text in enumerate(case.documents):
            (documents / f"{number:04}-{place:02}.txt").write_text(text, newline="")
    with Rag.open(home=home / "home", threshold=threshold) as rag:
        rag.ingest(documents)  # some texts of the set are control characters: they are left out
        known = {info.source for info in rag.sources()}
        outcomes = []
        for number, case in enumerate(tqdm(cases, desc="Asking", disable=None, leave=False)):
            names = [f"{number:04}-{place:02}.txt" for place in range(len(case.documents))]
            answer = rag.ask(case.question, sources=[name for name in names if name in known])
            outcomes.append(score(case, answer))
        return outcomes


def summarize(outcomes: Sequence[Outcome]) -> dict[str, Estimate | float | None]:
    """Shares (0 to 1) over questions, with intervals; None over none."""
    several = [outcome for outcome in outcomes if outcome.labelled > 1]
    conflicts = [right for outcome in outcomes for right in outcome.conflicts]
    return {
        "questions": len(outcomes),
        "with several answers": len(several),
        "share of their answers shown": _share([o.shown / o.labelled for o in several]),
        "conflicts shown": len(conflicts),
        "right among them": _share([float(right) for right in conflicts]),
    }


def _share(values: Sequence[float]) -> Estimate | None:
    return estimate(values) if values else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = parser_of("rag eval conflicts", __doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--home", type=Path, help="keeps the index for the next run")
    parser.add_argument("--half", choices=("odd", "even"), default="odd")
    parser.add_argument("--threshold", type=float, default=0.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)

    def run() -> None:
        cases = load_cases(given.file)
        with working_folder(given.home) as home:
            outcomes = run_cases(cases, home, given.threshold)
        figures = summarize(outcomes[given.half == "odd" :: 2])
        if given.json:
            print_json(figures)
            return
        print_figures(f"{given.half} lines", figures)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
