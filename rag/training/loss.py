"""What training the reader makes small: how far its starts and ends are from the annotators', and
how little of their answers the span it draws is expected to share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.nn import functional

from rag.encoder import Encoder, pad
from rag.training.examples import Example
from rag.types import Span

NOWHERE: Span = (0, 0)  # [CLS], where a passage has no answer


def loss_of(
    encoder: Encoder, weights: Mapping[str, torch.Tensor], batch: Sequence[Example]
) -> torch.Tensor:
    """Mean cross-entropy of start and end among the passage's tokens and [CLS], and what is missing
    to a token F1 of 1 of a span so drawn.

    The first alone rates a word too much like a wrong answer; the second is what counts, but has
    nothing to teach where no right span is likely yet (Xiong et al. 2018 mix them so). Several
    annotators' answers share the target of the first, each place by how many of them chose it.
    """
    ids, mask = pad([example.ids for example in batch])
    pair = torch.tensor([example.pair for example in batch])[:, None]
    begin = torch.tensor([example.passage for example in batch])[:, None]
    length = torch.tensor([len(example.ids) for example in batch])[:, None]
    place = torch.arange(ids.shape[1])[None]
    segments = ((place >= pair) & (place < length)).long()
    states = encoder.with_weights(weights).forward(ids, mask, segments)
    logits = functional.linear(states, weights["head.weight"], weights["head.bias"]).float()
    allowed = ((place >= begin) & (place < length - 1)) | (place == 0)
    logits = logits.masked_fill(~allowed[:, :, None], -1e4)
    answers = [example.answers or (NOWHERE,) for example in batch]
    target = torch.zeros_like(logits)
    for row, spans in enumerate(answers):
        for start, end in spans:
            target[row, start, 0] += 1 / len(spans)
            target[row, end, 1] += 1 / len(spans)
    missing = 1 - expected_f1(logits.softmax(1), answers)
    return functional.cross_entropy(logits, target) + missing.mean()


def expected_f1(chances: torch.Tensor, answers: Sequence[Sequence[Span]]) -> torch.Tensor:
    """The mean F1 by tokens of a span against the annotator's that it is most like, (n,).

    `chances`: of each token to be the start, and the end, (n, tokens, 2), drawn independently;
    `answers`: first and last token of each answer.
    """
    start, end = chances.unbind(2)
    with torch.autocast("cpu", enabled=False):
        return torch.einsum("ns,nse,ne->n", start, overlaps(answers, chances.shape[1]), end)


def overlaps(answers: Sequence[Sequence[Span]], tokens: int) -> torch.Tensor:
    """F1 by tokens of every span, by its first and last token, against the answer that it is most
    like, (n, tokens, tokens): 0 for what ends before it starts, or goes from [CLS] into the
    passage."""
    first, last = torch.arange(tokens)[:, None], torch.arange(tokens)[None]
    best = torch.zeros(len(answers), tokens, tokens)
    for row, spans in enumerate(answers):
        for a, b in set(spans):
            shared = (last.clamp(max=b) - first.clamp(min=a) + 1).clamp(min=0)
            best[row] = best[row].maximum(2 * shared / (last - first + 1 + b - a + 1).clamp(min=1))
    best[:, 0, 1:] = 0
    return best
