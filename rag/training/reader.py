"""Train the reader: the bundled encoder's layers with a head that marks an answer's two ends.

    python -m rag.training.reader FILE... --work DIR [--steps N] [--lr RATE] [--seed N]
        [--share SHARE] [--written TIMES] [--rereads FILE] [--init FILE [--new SHARE] [--deeper]]

FILEs are question sets (see rag.training.questions); only their 'train' split is learnt from, with
the questions that were written for this project, on their contexts and on texts of its own
(rag.training.written, rag.training.texts), and every second batch from what --init's reader was
given to read a second time (--rereads, of rag.training.rereads). The work folder keeps checkpoints:
run the same command again to go on after an interruption. With --init, what is written is the
weighted mean of those weights and the new ones, which reads better than either (weight-space
ensembles, Wortsman et al. 2022; docs/LOG.md).
Embeddings stay as they are, so that only the layers are stored, in half precision.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from rag.cpu import use_bf16
from rag.encoder import Encoder
from rag.spans import HEAD
from rag.training.command import exit_code
from rag.training.examples import Example, Examples, batches
from rag.training.loss import loss_of
from rag.training.posts import post_questions
from rag.training.questions import digest, read_contexts, read_questions
from rag.training.rereads import read_rereads, reread_examples
from rag.training.texts import text_questions
from rag.training.written import written_questions
from rag.weights import bundled_folder, hash_file

MODELS = Path(__file__).parent.parent / "models"
BATCH = 32
WARM_UP = 0.05  # share of the steps in which the rate rises
WEIGHT_DECAY = 0.01
CLIP = 1.0  # norm of the gradient
SAVE_EVERY = 250  # steps
DROPOUT = 0.15  # of what each half of a layer adds


class Dropping(Encoder):
    """The encoder with dropout, against learning questions by heart: without it the loss on those
    with an answer was 0.93 where they had been learnt, 1.78 where not (docs/LOG.md)."""

    def _linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        found = super()._linear(x, name)
        return functional.dropout(found, DROPOUT) if name.endswith("output.dense") else found


def starting_weights(folder: Path, init: Path | None) -> dict[str, torch.Tensor]:
    """What is trained, in float32: the encoder's layers and the head; of `init` where given.

    A new head has no opinion of starts and ends together, as its second projection is 0.
    """
    generator = torch.Generator().manual_seed(0)
    head = {
        name: torch.zeros(shape)
        if name in ("head.bias", "head.end")
        else 0.02 * torch.randn(shape, generator=generator)
        for name, shape in HEAD.items()
    }
    layers = load_file(init or folder / "model.safetensors")
    kept = ("encoder.layer.", "head.")
    return head | {n: weight.float() for n, weight in layers.items() if n.startswith(kept)}


def deepened(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A reader with one more layer on top, which at first hands on nearly what it is given.

    The layer is the last one again with nothing coming out of its two halves (as the blocks of
    LLaMA Pro, Wu et al. 2024), and with norms that undo themselves for states of the usual mean and
    spread, which those of the layer below have by its own norm.
    """
    last = max(int(name.split(".")[2]) for name in weights if name.startswith("encoder."))
    below, above = f"encoder.layer.{last}.", f"encoder.layer.{last + 1}."
    layer = {
        name.replace(below, above): weight
        for name, weight in weights.items()
        if name.startswith(below)
    }
    norm = f"{below}output.LayerNorm."
    scale, shift = weights[f"{norm}weight"], weights[f"{norm}bias"]
    spread = (scale.square().mean() + shift.var(correction=0)).sqrt()
    for name, weight in layer.items():
        if "output.dense" in name:
            layer[name] = torch.zeros_like(weight)
        elif "LayerNorm" in name:
            usual = spread if name.endswith("weight") else shift.mean()
            layer[name] = torch.full_like(weight, usual.item())
    return {**weights, **layer}


def endless(
    examples: Examples, rereads: Sequence[Example], from_step: int
) -> Iterator[list[Example]]:
    """Batches of epoch after epoch, alternately with those of rereads where there are any, from a
    step on."""

    def stream(epoch_of: Callable[[int], Sequence[Example]], name: str) -> Iterator[list[Example]]:
        for epoch in itertools.count():
            yield from batches(epoch_of(epoch), BATCH, f"{examples.seed} {name}{epoch}")

    def shuffled(epoch: int) -> Sequence[Example]:
        rng = random.Random(f"{examples.seed} {epoch}")  # noqa: S311
        return rng.sample(rereads, len(rereads))

    streams = [stream(examples.epoch, "")]
    if rereads:
        streams.append(stream(shuffled, "rereads "))
    alternating = itertools.chain.from_iterable(zip(*streams, strict=True))
    return itertools.islice(alternating, from_step, None)


def train(
    examples: Examples,
    encoder: Encoder,
    work: Path,
    steps: int,
    rate: float,
    weights: Mapping[str, torch.Tensor],
    rereads: Sequence[Example] = (),
    stop: int | None = None,
) -> dict[str, torch.Tensor]:
    """Train for `steps`, from the work folder's checkpoint where there is one.

    `stop` ends it after fewer steps, as an interruption would.
    """
    names = sorted(weights)  # always the same: the optimizer's state in a checkpoint has no names
    trained = {name: torch.nn.Parameter(weights[name].clone()) for name in names}
    matrices = [w for w in trained.values() if w.dim() == 2]
    others = [w for w in trained.values() if w.dim() < 2]
    groups: list[dict[str, Any]] = [
        {"params": matrices},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        groups,
        lr=rate,
        weight_decay=WEIGHT_DECAY,
        fused=True,
    )
    warm = max(1, int(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / (steps - warm)))
    )
    checkpoint, done = work / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        done = state["step"]
        for name, weight in trained.items():
            weight.data.copy_(state["weights"][name])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
    began, seen, smooth = time.monotonic(), 0, 0.0
    bf16 = use_bf16("auto")  # emulated it takes 25 times as long as float32
    for step, batch in enumerate(endless(examples, rereads, done), start=done + 1):
        if step > (steps if stop is None else stop):
            break
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = loss_of(encoder, trained, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained.values(), CLIP)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        smooth = loss.item() if not smooth else 0.98 * smooth + 0.02 * loss.item()
        seen += len(batch)
        if step % 25 == 0:
            spent = time.monotonic() - began
            print(
                f"step {step}/{steps} loss {smooth:.3f} {seen / spent:.1f} examples/s", flush=True
            )
        if step % SAVE_EVERY == 0 or step == steps:
            state = {
                "step": step,
                "weights": {n: w.data for n, w in trained.items()},
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
            }
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
    return {name: weight.detach() for name, weight in trained.items()}


def hash_share(context: str) -> float:
    """Where a context stands among all by its hash: from 0 to below 1."""
    return int(digest(context)[2:8], 16) / 0x1000000


def mean(
    old: Mapping[str, torch.Tensor], new: Mapping[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """The weighted mean of two readers, `share` (0 to 1) of the second."""
    return {name: (1 - share) * old[name] + share * weight for name, weight in new.items()}


def write(weights: Mapping[str, torch.Tensor], folder: Path, recipe: Mapping[str, object]) -> None:
    """Store the weights in half precision, and beside them their hash and how they were made."""
    file = folder / "reader.safetensors"
    save_file({name: weight.half().contiguous() for name, weight in weights.items()}, file)
    packages = {name: version(name) for name in ("torch", "tokenizers")}
    card = {"sha256": hash_file(file), "recipe": dict(recipe), "packages": packages}
    (folder / "reader.json").write_text(json.dumps(card, indent=2) + "\n")


def main() -> None:
    """Train and write the model files."""
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, help="question sets")
    parser.add_argument("--work", type=Path, required=True, help="keeps the checkpoint")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--lr", type=float, default=2e-4, help="greatest learning rate")
    parser.add_argument("--init", type=Path, help="a reader.safetensors to go on from")
    parser.add_argument(
        "--new", type=float, default=0.5, help="share of the new weights in the mean with --init's"
    )
    parser.add_argument("--deeper", action="store_true", help="one more layer than --init has")
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the sets' contexts, by hash: for a short run"
    )
    parser.add_argument(
        "--written", type=int, default=1, help="times that an epoch has each written question"
    )
    parser.add_argument("--rereads", type=Path, help="a file made by rag.training.rereads")
    parser.add_argument("--seed", type=int, default=1, help="another draws other examples")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    folder = bundled_folder()
    contexts = {c: s for file in given.files for c, s in read_contexts(file).items()}
    of_sets = [*itertools.chain(*map(read_questions, given.files)), *post_questions(contexts)]
    questions = [q for q in of_sets if q.split == "train" and hash_share(q.context) < given.share]
    ours = itertools.chain(written_questions(contexts), text_questions())
    written = [q for q in ours if q.split == "train"]
    questions += given.written * written
    embedding = Encoder(folder, bf16=use_bf16("auto"))
    examples = Examples(embedding, questions, given.seed, given.work)
    rereads = reread_examples(embedding, read_rereads(given.rereads)) if given.rereads else []
    start = starting_weights(folder, given.init)
    if given.deeper:
        start = deepened(start)
    encoder = Dropping(folder, bf16=False)
    weights = train(examples, encoder, given.work, given.steps, given.lr, start, rereads)
    if given.init:
        weights = mean(start, weights, given.new)
    recipe = {
        "steps": given.steps,
        "learning_rate": given.lr,
        "batch": BATCH,
        "seed": given.seed,
        "init": hash_file(given.init) if given.init else None,
        "new": given.new if given.init else 1,
        "deeper": given.deeper,
        "share": given.share,
        "written": given.written,
        "questions": len(questions),
        "rereads": hash_file(given.rereads) if given.rereads else None,
        "data": {file.name: hash_file(file) for file in given.files},
    }
    write(weights, MODELS, recipe)


if __name__ == "__main__":
    sys.exit(exit_code(main))
