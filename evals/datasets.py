"""Which gold questions, over which documents, against which baseline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag import GoldError, SourceError
from rag.gold import GoldItem, read_gold

HERE = Path(__file__).parent
SEEDS = HERE.parent / "seeds"
GOLD = (HERE / "gold" / "tune.jsonl", HERE / "gold" / "test.jsonl")
BASELINE = HERE / "baselines" / "seeds.json"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Gold files (each a split, named by its stem), the folder they ask about, and the baseline."""

    files: tuple[Path, ...]
    documents: Path
    baseline: Path

    @classmethod
    def seeds(cls) -> Dataset:
        """The gold questions over the seed articles."""
        return cls(GOLD, SEEDS, BASELINE)

    @classmethod
    def own(cls, file: Path, documents: Path) -> Dataset:
        """A person's questions and documents; the baseline lies beside the questions.

        Raises:
            SourceError: the folder is not there.
        """
        if not documents.is_dir():
            raise SourceError(
                f"{documents} is not a folder.", hint="--docs is the folder asked about."
            )
        return cls((file,), documents, file.with_suffix(".baseline.json"))

    def questions(self) -> Iterator[tuple[str, GoldItem]]:
        """Each question with the name of its split.

        Raises:
            GoldError: a file is not of the format, or two files use the same id.
        """
        seen: dict[str, Path] = {}
        for file in self.files:
            for item in read_gold(file):
                if item.id in seen:
                    raise GoldError(
                        f"The id {item.id!r} is in {seen[item.id]} and in {file}.",
                        hint="Ids are unique over all files of a run.",
                    )
                seen[item.id] = file
                yield file.stem, item

    def fingerprint(self) -> str:
        """The SHA-256 of the questions and of the documents, names included, in hex."""
        digest = hashlib.sha256()
        documents = sorted(path for path in self.documents.rglob("*") if path.is_file())
        for path in (*self.files, *documents):
            name = path.name if path in self.files else str(path.relative_to(self.documents))
            content = path.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()
