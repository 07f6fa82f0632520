"""What keeps the memory of a process flat that answers for days."""

from __future__ import annotations

import ctypes
from contextlib import suppress

SESSIONS = 500
"""Conversations that are kept; what was used longest ago goes first. Gradio makes a session of
every call to the API too, and by default keeps some 75 kB for each of 10,000."""

_ARENA_MAX = -8  # M_ARENA_MAX in glibc's malloc.h


def share_heap() -> None:
    """Have the threads that begin from now on share one heap, where the C library is glibc.

    Questions come on dozens of threads. With a heap of its own, each keeps the largest buffers that
    an answer ever took there: 1.2 GB in the end, and 0.65 with one heap for all (docs/LOG.md).
    """
    with suppress(AttributeError):  # other C libraries have no such heaps
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
