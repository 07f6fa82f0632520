"""`rag eval`: score the answers to gold questions, hold them against the baseline, report.

    rag eval                              the gold questions over the seed articles
    rag eval --gate                       exit 1 where answers got worse than the baseline
    rag eval --report DIR                 write DIR/index.html
    rag eval --renew                      record a new baseline and show the difference
    rag eval --data FILE --docs DIR       your own questions and documents
    rag eval --llm-url URL --llm-model NAME   a language model's answers beside the reader's
    rag eval new QUESTION...              write a gold question from an answer

The baseline of your own questions lies beside them: questions.jsonl has questions.baseline.json.
A language model that RAG_LLM_URL or RAG_LLM_PATH names is compared with the reader in the same
way as one that an option names.
Other data sets, each with --help: `rag eval squad FILE`, `beir DIR`, `realtimeqa DIR`, `news DIR`,
`stories DIR`, `chunking DIR`, `conflicts FILE`, `wice FILE`; `rag eval lies` has a model that lies.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from evals.command import exit_code, parser_of, print_json
from evals.datasets import Dataset
from evals.gate import compare
from evals.printing import print_gate, print_run, run_as_dict
from evals.records import read_run, write_run
from evals.running import evaluate
from rag import Settings, UsageError

# Each has its own arguments; imported when asked for.
COMMANDS = {
    "new": "evals.composing",
    "squad": "evals.squad",
    "beir": "evals.beir",
    "realtimeqa": "evals.realtimeqa",
    "news": "evals.news",
    "stories": "evals.stories",
    "chunking": "evals.chunking",
    "conflicts": "evals.conflicts",
    "wice": "evals.wice",
    "lies": "evals.lies",
}
LLM = ("llm_url", "llm_model", "llm_path")  # settings that are options here


def main(arguments: Sequence[str]) -> int:
    """Run `rag eval`; the exit code."""
    if arguments and arguments[0] in COMMANDS:
        code: int = import_module(COMMANDS[arguments[0]]).main(arguments[1:])
        return code
    options = _options(arguments)
    passed = True

    def run() -> None:
        nonlocal passed
        passed = _evaluate(options)

    return exit_code(run) or int(not passed)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = parser_of("rag eval", __doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--gate", action="store_true", help="exit 1 where answers got worse")
    what.add_argument("--renew", action="store_true", help="make this run the baseline")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write a report there")
    parser.add_argument("--data", type=Path, metavar="FILE", help="your gold questions")
    parser.add_argument("--docs", type=Path, metavar="DIR", help="the documents they are about")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    for name in LLM:
        said = Settings.model_fields[name].description
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=name[4:].upper(), help=said)
    options = parser.parse_args(arguments)
    if (options.data is None) != (options.docs is None):
        parser.error("--data and --docs go together")
    return options


def _evaluate(options: argparse.Namespace) -> bool:
    """Run, print, record and report as asked; False where the gate tripped."""
    dataset = Dataset.own(options.data, options.docs) if options.data else Dataset.seeds()
    given = {name: value for name in LLM if (value := getattr(options, name)) is not None}
    settings = Settings.load(**given)
    if settings.llm_url or settings.llm_path:
        _compare(dataset, given, options)
        return True
    baseline = None
    if options.gate or dataset.baseline.exists():
        baseline = read_run(dataset.baseline)
    run, results = evaluate(dataset)
    verdict = compare(run, baseline) if baseline else None
    latencies = [result.answer.timings_ms["total"] for result in results if result.answer]
    if options.json:
        print_json(run_as_dict(run, baseline, verdict, latencies))
    else:
        print_run(run, baseline, latencies)
    if options.report:
        from evals.report import write_report

        file = write_report(options.report, run, results, baseline, verdict)
        if not options.json:
            print(f"\nReport: {file}")
    if options.renew:
        write_run(dataset.baseline, run)
        if not options.json:
            print(f"\nRecorded {len(run.records)} results in {dataset.baseline}")
    if options.gate and verdict:
        print_gate(verdict)
        return verdict.passed
    return True


def _compare(dataset: Dataset, given: Mapping[str, str], options: argparse.Namespace) -> None:
    """A language model's answers beside the reader's, printed and reported as asked."""
    if options.gate or options.renew:
        raise UsageError(
            "The gate and its baseline are the bundled reader's, and a language model is set.",
            hint="Leave --llm-url and --llm-path away, and RAG_LLM_URL and RAG_LLM_PATH unset.",
        )
    from evals.comparing import compare_with_reader, print_comparison, print_comparison_json

    comparison = compare_with_reader(dataset, given)
    if options.json:
        print_comparison_json(comparison)
    else:
        print_comparison(comparison)
    if options.report:
        from evals.report import write_comparison

        file = write_comparison(options.report, comparison)
        if not options.json:
            print(f"\nReport: {file}")
