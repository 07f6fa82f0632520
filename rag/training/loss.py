"""What training the reader makes small: how unlikely it finds the annotators' answers, and how
little of them the span that it would draw is expected to share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from rag.encoder import Encoder, pad
from rag.spans import span_scores
from rag.training.examples import Example
from rag.types import Span

NOWHERE: Span = (0, 0)  # [CLS], where a passage has no answer


def loss_of(
    encoder: Encoder, weights: Mapping[str, torch.Tensor], batch: Sequence[Example]
) -> torch.Tensor:
    """Mean cross-entropy of the answer among all spans of the passage and [CLS], halved, and what
    is missing to a token F1 of 1 of a span so drawn.

    The first alone rates a word too much like a wrong answer; the second is what counts, but has
    nothing to teach where no right span is likely yet (Xiong et al. 2018 mix them so). Several
    annotators' answers share the target of the first, each by how many of them chose it.
    """
    ids, mask = pad([example.ids for example in batch])
    pair = torch.tensor([example.pair for example in batch])[:, None]
    begin = torch.tensor([example.passage for example in batch])[:, None]
    length = torch.tensor([len(example.ids) for example in batch])[:, None]
    place = torch.arange(ids.shape[1])[None]
    segments = ((place >= pair) & (place < length)).long()
    states = encoder.with_weights(weights).forward(ids, mask, segments)
    with torch.autocast("cpu", enabled=False):
        scores = span_scores(states.float(), weights)
        inside = (place >= begin) & (place < length - 1)
        fits = (inside[:, :, None] & inside[:, None]).triu()
        fits[:, 0, 0] = True
        logs = scores.masked_fill(~fits, -torch.inf).flatten(1).log_softmax(1).view_as(scores)
        answers = [example.answers or (NOWHERE,) for example in batch]
        marked = [(row, *span) for row, spans in enumerate(answers) for span in spans]
        parts = torch.tensor([1 / len(spans) for spans in answers for _ in spans])
        unlikely = -(parts * logs[torch.tensor(marked).unbind(1)]).sum()
        shared = (logs.exp() * overlaps(answers, ids.shape[1])).sum()
        return (unlikely / 2 - shared) / len(batch) + 1


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
