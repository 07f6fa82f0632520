"""`python -m ui` is `rag serve`."""

from __future__ import annotations

import sys

from rag.cli import main

sys.exit(main(["serve", *sys.argv[1:]]))
