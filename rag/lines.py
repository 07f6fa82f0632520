"""The evidence that a language model is given: sentences of the sources, each under a key.

A key is made from the sentence and its place, so that no document can know it beforehand.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag.catalog import Kept
from rag.grounding import Ground
from rag.prompts import answer_prompt
from rag.supporting import Sentence
from rag.types import Line, Reading

MOST = 12  # lines of a prompt
SHARE = 0.05  # of the best sentence's support that another one needs
SAME = 0.97  # cosine of sentences of which one is enough
BEFORE = 2  # sentences before a line, for names
MARGIN = 1.25  # tokens of any model for one that the embedder counts
NO_ROOM = "the model's context has no room for it"

_LETTERS, _DIGITS = "ABCDEFGHJKMNPRTVWXYZ", "23456789"
# Sentences that speak to a model instead of to a reader.
_INSTRUCTS = re.compile(
    r"""\b(?:ignore|disregard|forget|override)\b .{0,40}
        \b(?:above|previous|prior|earlier|preceding|instructions?|prompts?|rules)\b
      | \b(?:system|developer|hidden)\ (?:prompt|message|instructions?)\b
      | \b(?:you\ are|act\ as|pretend\ to\ be|as)\ (?:now\ )?(?:an?\ )?
        (?:AI|assistant|language\ model|chatbot|LLM)\b
      | \b(?:respond|reply|answer)\ (?:only\ |always\ |instead\ )*(?:with|that|by\ saying)\b
      | \b(?:do\ not|don['\u2019]t|never)\ (?:mention|reveal|cite)\b
        .{0,40}\b(?:user|prompt|instructions?|document|sources?)\b
      | <\|?/?(?:im_start|im_end|system|user|assistant|endoftext)\|?>|\[/?INST\]""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The lines of a prompt, best first, and those left out with the reasons."""

    grounds: tuple[Ground, ...]
    trimmed: tuple[tuple[Line, str], ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines in the documents' order."""
        lines = (ground.line for ground in self.grounds)
        return tuple(sorted(lines, key=lambda line: (line.source, line.start)))

    def halved(self) -> Chosen:
        """The better half of the lines; at least one."""
        half = (len(self.grounds) + 1) // 2
        left_out = [(ground.line, NO_ROOM) for ground in self.grounds[half:]]
        return Chosen(self.grounds[:half], (*self.trimmed, *left_out))


def instructs(text: str) -> bool:
    """Whether a text reads like an instruction to a language model."""
    return _INSTRUCTS.search(text) is not None


def choose_lines(
    question: str,
    sentences: Sequence[Sentence],
    readings: Sequence[Reading],
    kept: Mapping[str, Kept],
    room: int,
    count_tokens: Callable[[Sequence[str]], list[int]],
) -> Chosen:
    """The sentences that support an answer best, as far as the model has room.

    Args:
        question: as it is asked.
        sentences: the candidates with their probabilities.
        readings: the reader's, whose spans count for the sentences that they stand in.
        kept: the documents by source, for what stands before a sentence.
        room: tokens for the whole prompt.
        count_tokens: how many tokens texts have, by the embedder's count.
    """
    ranked = sorted(
        ((_support(sentence, readings), sentence) for sentence in sentences), key=lambda p: -p[0]
    )
    room -= math.ceil(MARGIN * count_tokens([answer_prompt(question, [])])[0])
    chosen: list[Ground] = []
    trimmed: list[tuple[Line, str]] = []
    for support, sentence in ranked:
        if support < SHARE * ranked[0][0]:
            break
        if any(float(ground.vector @ sentence.vector) > SAME for ground in chosen):
            continue
        taken = {ground.line.key for ground in chosen} | {line.key for line, _ in trimmed}
        ground = _ground(sentence, kept[sentence.passage.source], taken)
        # A key in brackets is some five tokens.
        needed = math.ceil(MARGIN * (count_tokens([ground.line.text])[0] + 5))
        if instructs(ground.line.text):
            trimmed.append((ground.line, "it reads like an instruction to a model"))
        elif len(chosen) == MOST:
            trimmed.append((ground.line, f"there are {MOST} better lines"))
        elif needed > room:
            trimmed.append((ground.line, NO_ROOM))
        else:
            chosen.append(ground)
            room -= needed
    return Chosen(tuple(chosen), tuple(trimmed))


def _support(sentence: Sentence, readings: Sequence[Reading]) -> float:
    """A sentence's own probability and that of the reader's best span in it."""
    inside = [
        math.exp(min(0.0, span.span_score))
        for reading in readings
        if reading.passage.source == sentence.passage.source
        for span in reading.spans
        if sentence.start <= span.start and span.end <= sentence.end
    ]
    return sentence.probability + max(inside, default=0.0)


def _ground(sentence: Sentence, kept: Kept, taken: set[str]) -> Ground:
    first = sentence.passage.start
    words = sentence.passage.text[sentence.start - first : sentence.end - first]
    text = " ".join(words.split())
    earlier = [span for span in kept.sentences if span[1] <= sentence.start][-BEFORE:]
    before = kept.document.text[earlier[0][0] : sentence.start] if earlier else ""
    source, start, end = sentence.passage.source, sentence.start, sentence.end
    key = _key(f"{source}:{start}:{end}:{text}", taken)
    return Ground(Line(key, source, start, end, text), before, sentence.vector)


def _key(seed: str, taken: set[str]) -> str:
    """Two letters, each with a digit, as in "K7Q2", that no other line has."""
    while True:
        digest = hashlib.sha256(seed.encode()).digest()
        key = "".join(
            alphabet[byte % len(alphabet)]
            for alphabet, byte in zip((_LETTERS, _DIGITS) * 2, digest, strict=False)
        )
        if key not in taken:
            return key
        seed += "."
