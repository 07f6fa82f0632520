"""What the training commands have in common."""

from __future__ import annotations

from collections.abc import Callable

from rag.errors import RagError, tell


def exit_code(run: Callable[[], None]) -> int:
    """Run a command: 0, or 1 with message and hint on standard error for an expected failure."""
    try:
        run()
    except RagError as error:
        tell("training", error)
        return 1
    except OSError as error:  # a file that is not there, for one
        tell("training", RagError(str(error)))
        return 1
    return 0
