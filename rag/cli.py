"""The command line. Results go to standard output, everything else to standard error.

Exit codes: 0 done (abstaining is done), 1 an expected failure, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag import __version__
from rag.errors import RagError, SourceError, UsageError, tell
from rag.terminal import safe

if TYPE_CHECKING:
    from rag.ingesting import Progress
    from rag.pipeline import Rag
    from rag.types import Answer, Citation, IngestReport, StatusReport


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    _log_to_stderr()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for terminals that are not UTF-8
    try:
        if given[:1] == ["eval"]:  # has a parser, and homes, of its own
            from evals.main import main as evaluate

            return evaluate(given[1:])
        options = _parser().parse_args(given)
        from rag.pipeline import Rag

        with Rag.open() as rag:
            code: int = options.run(rag, options)
            sys.stdout.flush()
            return code
    except RagError as error:
        tell("rag", error)
        return 1
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a full disk, for one
        print(f"rag: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("rag: stopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rag",
        description="Answers from your own documents, each tied to the exact words of a file."
        " Settings: see .env.example.",
    )
    parser.add_argument("--version", action="version", version=f"seed-rag {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[Rag, argparse.Namespace], int], summary: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(run=run)
        sub.add_argument("--json", action="store_true", help="print JSON")
        return sub

    ingest = command(
        "ingest", _ingest, "Bring the index in step with files and folders (hidden ones left out)."
    )
    ingest.add_argument("paths", nargs="+", metavar="PATH", help="a file or a folder")

    ask = command("ask", _ask, "Ask a question, or many from a file.")
    what = ask.add_mutually_exclusive_group(required=True)
    what.add_argument("question", nargs="?", metavar="QUESTION")
    what.add_argument(
        "--batch",
        metavar="FILE.jsonl",
        help="one JSON object a line with a 'question'; prints one answer a line, in order",
    )

    command("sources", _sources, "List the indexed documents.")
    forget = command("forget", _forget, "Remove a document from the index; its file stays.")
    forget.add_argument("source", metavar="SOURCE", help="a name that `rag sources` lists")
    command("status", _status, "Say what is indexed, what answers, and what leaves the machine.")
    commands.add_parser("eval", help="Score the answers to gold questions (rag eval --help).")
    command("rebuild", _rebuild, "Index everything again, after an upgrade or a new model.")

    serve = commands.add_parser(
        "serve",
        help="Open the chat in a browser, with an API and an MCP server.",
        description="Serve the chat, its API and its MCP server. Settings: see .env.example.",
    )
    serve.set_defaults(run=_serve)
    serve.add_argument("--host", help="address to listen on (RAG_HOST)")
    serve.add_argument("--port", type=int, help="its port; 0 takes a free one (RAG_PORT)")
    return parser


# Commands


def _ingest(rag: Rag, options: argparse.Namespace) -> int:
    with _progress_bar("Ingesting") as progress:
        report = rag.ingest(*options.paths, progress=progress)
    return _report(report, options)


def _rebuild(rag: Rag, options: argparse.Namespace) -> int:
    with _progress_bar("Rebuilding") as progress:
        report = rag.rebuild(progress=progress)
    return _report(report, options)


def _report(report: IngestReport, options: argparse.Namespace) -> int:
    """Print what an ingest did; 1 where nothing at all could be read."""
    if options.json:
        _print_json(report.to_dict())
    else:
        for name in ("added", "updated", "deleted"):
            for source in getattr(report, name):
                _say(f"{name:9} {source}")
        counts = {
            name: len(getattr(report, name))
            for name in ("added", "updated", "unchanged", "deleted", "failed")
        }
        _say(", ".join(f"{count} {name}" for name, count in counts.items()))
    for warning in report.warnings:
        print(f"rag: {safe(warning.source)}: {safe(warning.message)}", file=sys.stderr)
    for failure in report.failed:
        hint = f" {failure.hint}" if failure.hint else ""
        print(
            f"rag: {safe(failure.source)} failed: {safe(failure.reason)}{safe(hint)}",
            file=sys.stderr,
        )
    nothing_read = not (report.added or report.updated or report.unchanged)
    return 1 if report.failed and nothing_read else 0


def _ask(rag: Rag, options: argparse.Namespace) -> int:
    if options.batch is not None:
        return _ask_batch(rag, Path(options.batch))
    if options.json:
        with _waiting("Reading…"):
            answer = rag.ask(options.question)
        _print_json(answer.to_dict())
        return 0
    printed = ""
    with closing(rag.stream(options.question)) as answers:
        with _waiting("Reading…"):
            first = next(answers)
        for answer in chain([first], answers):
            if answer.status == "answered" and answer.answered_by != "reader":
                printed = _print_more(answer, printed)
    _print_answer(answer, printed)
    return 0


def _ask_batch(rag: Rag, file: Path) -> int:
    """Answer each line of a file; a question that cannot be asked has an `error` in its place."""
    rows = list(_rows(file))
    failed = 0
    with _progress_bar("Asking", unit=" questions") as progress:
        for number, row in enumerate(rows, 1):
            try:
                row |= rag.ask(row["question"]).to_dict()
            except UsageError as error:
                row["error"] = error.message
                failed += 1
            print(json.dumps(row))
            progress(number, len(rows))
    if failed:
        print(f"rag: {failed} of {len(rows)} questions could not be asked.", file=sys.stderr)
    return 1 if failed else 0


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file, checked before the first is asked."""
    try:
        # Not splitlines(): JSON may hold the other line separators of Unicode.
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SourceError(
            f"{file} cannot be read: {reason}.",
            hint='--batch takes a file with one JSON object a line: {"question": "..."}',
        ) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("question"), str):
            raise SourceError(
                f"{file}, line {number}, is not a JSON object with a 'question'.",
                hint='A line looks like {"id": 1, "question": "Who spoke?"}',
            )
        yield row


def _sources(rag: Rag, options: argparse.Namespace) -> int:
    sources = rag.sources()
    if options.json:
        _print_json([source.to_dict() for source in sources])
        return 0
    for source in sources:
        stale = "  (changed or gone since it was indexed)" if source.stale else ""
        _say(f"{source.source}  {source.characters:,} characters  {source.title}{stale}")
        for warning in source.warnings:
            _say(f"    {warning}")
        if source.copies:
            _say(f"    shares its text with {', '.join(source.copies)}")
    return 0


def _forget(rag: Rag, options: argparse.Namespace) -> int:
    rag.forget(options.source)
    if options.json:
        _print_json({"forgotten": options.source})
    else:
        _say(f"forgotten {options.source}")
    return 0


def _status(rag: Rag, options: argparse.Namespace) -> int:
    status = rag.status()
    if options.json:
        _print_json(status.to_dict())
    else:
        _print_status(status)
    return 0


def _serve(rag: Rag, options: argparse.Namespace) -> int:
    from ui.serving import serve

    return serve(rag, options.host, options.port)


# Printing


def _print_more(answer: Answer, printed: str) -> str:
    """Print what an answer that is being written has more than before; all of it so far."""
    if answer.text == printed:
        return printed
    print(safe(answer.text.removeprefix(printed)), end="", flush=True)
    return answer.text


def _print_answer(answer: Answer, printed: str = "") -> None:
    """Print an answer, of which `printed` stands there already."""
    if printed and answer.text.startswith(printed):
        _say(answer.text.removeprefix(printed))
    else:
        if printed:
            _say("\n")
        by_reader = answer.answered_by == "reader"
        if answer.short and by_reader and not answer.text.startswith(answer.short):
            _say(answer.short)
            _say("")
        _say(answer.text)
    _say("")
    if answer.note:
        _say(answer.note)
        _say("")
    for citation in answer.citations:
        _print_citation(citation)
    for conflict in answer.conflicts:
        _say("")
        _say(f"A source says otherwise: {conflict.short}")
        for citation in conflict.citations:
            _print_citation(citation)
    if answer.status == "answered":
        independent, cited = answer.agreement.independent, len(answer.agreement.sources)
        shared = f" (of {cited}: some share their text)" if independent < cited else ""
        _say("")
        _say(f"Independent sources: {independent}{shared}")
        _say(f"Probability of being right: {answer.confidence:.2f}")
        return
    if answer.reason:
        _say(answer.reason)
    if answer.passages:
        _say("Closest passages:")
    for passage in answer.passages:
        text = " ".join(passage.text.split())
        _say(f"  {passage.source}, characters {passage.start}-{passage.end}")
        _say(f"    {text[:200]}{'…' if len(text) > 200 else ''}")


def _print_citation(citation: Citation) -> None:
    page = f", page {citation.page}" if citation.page else ""
    stale = "  (the file has changed since)" if citation.stale else ""
    place = f"characters {citation.start}-{citation.end}"
    _say(f"[{citation.marker}] {citation.source}{page}, {place}{stale}")
    if citation.context != citation.quote:
        _say(f"    {' '.join(citation.context.split())}")


def _print_status(status: StatusReport) -> None:
    matches = {True: "current", False: status.problem, None: "none"}
    _say(f"seed-rag   {status.version}")
    _say(f"home       {status.home}")
    _say(f"documents  {status.documents} in {status.chunks} chunks")
    _say(f"index      {matches[status.index_matches]}")
    _say(f"answers    {status.answered_by}, from a probability of {status.threshold:.2f} on")
    if status.reachable is not None:
        _say(f"model      {'reachable' if status.reachable else 'cannot be reached'}")
    _say(f"embedding  {status.embedding_model}")
    _say(f"network    {'; '.join(status.network) or 'nothing leaves this machine'}")


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


def _say(text: str) -> None:
    print(safe(text))


# Signs of life, on a terminal only


@contextmanager
def _progress_bar(label: str, unit: str = "B") -> Iterator[Progress]:
    from tqdm import tqdm

    with tqdm(
        desc=label,
        unit=unit,
        unit_scale=unit == "B",
        disable=None,  # unless standard error is a terminal
        leave=False,
    ) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


@contextmanager
def _waiting(label: str) -> Iterator[None]:
    if not sys.stderr.isatty():
        yield
        return
    print(label, end="\r", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(" " * len(label), end="\r", file=sys.stderr, flush=True)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("rag: %(message)s"))
    logger = logging.getLogger("rag")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
