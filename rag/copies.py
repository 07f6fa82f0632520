"""Near-copies: documents that share their text, which as evidence are one source.

A document's sketch is a sample of its shingles, the runs of SHINGLE words: those whose hash is
divisible by SAMPLED. What is in the sample depends on the shingle alone, so that a short text and
a long one compare (Broder 1997, "On the resemblance and containment of documents").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from rag.matching import joined_words

SHINGLE = 4  # words
SAMPLED = 4  # one shingle in four is kept: one for every four words
# Sampled shingles; of fewer (80 words), two in common say little. Such a text has only itself as
# its copy.
LEAST = 20
# Of 3,750 news articles, unrelated ones on the same event share below 0.05, those that took
# sentences over from one agency report 0.15 and more, series with boilerplate lie in between.
SHARE = 0.12


def sketch(text: str) -> frozenset[int]:
    """Hashes of a sample of a text's shingles, the same in every process; 48 bits each.

    A text with fewer than LEAST in the sample has one hash, of all its words; one without words
    has none.
    """
    words = joined_words(text)
    shingles = zip(*(words[first:] for first in range(SHINGLE)), strict=False)
    hashes = map(_hash, shingles)
    sample = frozenset(hash_ for hash_ in hashes if hash_ % SAMPLED == 0)
    if len(sample) >= LEAST:
        return sample
    return frozenset({_hash(words)} if words else ())


def independent(sources: Iterable[str], copies: Iterable[tuple[str, str]]) -> int:
    """How many sources remain when those joined by pairs of near-copies count as one.

    Pairs with a source that is not among `sources` say nothing.
    """
    groups = {source: {source} for source in sources}
    for one, other in copies:
        if one in groups and other in groups:
            merged = groups[one] | groups[other]
            groups.update(dict.fromkeys(merged, merged))
    return len({id(group) for group in groups.values()})


def _hash(words: Sequence[str]) -> int:
    return int.from_bytes(blake2b(" ".join(words).encode(), digest_size=6).digest())
