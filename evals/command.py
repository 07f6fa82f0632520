"""What the commands share: parsers, expected errors, a place to work in, progress, tables, JSON."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evals.statistics import Estimate
from rag import Rag, RagError
from rag.errors import tell


def parser_of(program: str, text: str | None) -> argparse.ArgumentParser:
    """A command's parser; its help begins with the module's own `text`."""
    return argparse.ArgumentParser(
        prog=program, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def exit_code(run: Callable[[], None]) -> int:
    """Run a command: 0, or 1 with message and hint on standard error for an expected failure."""
    try:
        run()
    except RagError as error:
        tell("evals", error)
        return 1
    return 0


def reason(error: Exception) -> str:
    """Why a file could not be read, without its path, which the message has already."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


@contextmanager
def working_folder(kept: Path | None = None) -> Iterator[Path]:
    """`kept`, made where it is not there, or a temporary folder that goes afterwards."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="seed-rag-evals-") as folder:
        yield Path(folder)


def ingest(rag: Rag, folder: Path) -> None:
    """Ingest a folder with a progress bar on a terminal.

    Raises:
        RagError: a file failed; figures over a part of the documents would mislead.
    """
    with tqdm(desc="Ingesting", unit="B", unit_scale=True, disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        report = rag.ingest(folder, progress=progress)
    if report.failed:
        first = report.failed[0]
        raise RagError(f"{len(report.failed)} files failed, {first.source}: {first.reason}")


def print_json(value: object) -> None:
    """Print one JSON object; dataclasses become objects."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=asdict))


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print columns as wide as their longest cell: the first to the left, the others right."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number, row in enumerate(cells):
        first, *others = (
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *others]).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def print_figures(title: str, figures: Mapping[str, Estimate | float | None]) -> None:
    """Print a line a figure: counts as they are, shares with three digits, and with their interval
    where they have one; "-" for None."""
    print_table(("figure", title), [(name, _figure(value)) for name, value in figures.items()])


def _figure(value: Estimate | float | None) -> str:
    if isinstance(value, Estimate):
        return f"{value.mean:.3f} [{value.low:.3f}, {value.high:.3f}]"
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
