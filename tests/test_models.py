"""Real components: a tiny Llama with random weights, behind `transformers serve` and in process.

What it writes is gibberish, so that all of it has to be caught.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rag import Answer, LanguageModelError, Rag

from .conftest import SEEDS

# LlamaIndex's and transformers' own code warns of what it depends on.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(autouse=True)
def _seeds(seeded: Rag) -> None:
    """The home of every test has the seeds."""
    seeded.close()


QUESTION = "Who is the US Commerce Secretary?"
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def make_model(folder: Path, template: str | None = TEMPLATE) -> Path:
    """A chat model in `folder`: a tokenizer trained on the seeds, a Llama of random weights."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        [path.read_text() for path in sorted(SEEDS.glob("*.txt"))],
        trainers.BpeTrainer(
            vocab_size=1500,
            special_tokens=["<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.chat_template = template
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=2048,
        bos_token_id=fast.bos_token_id,
        eos_token_id=fast.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("served") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [Path(sys.executable).parent / "transformers", "serve", model, "--device", "cpu",
             "--host", "127.0.0.1", "--port", str(port)],
            stdout=output,
            stderr=output,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            try:
                if httpx.get(f"{url}/health", timeout=5).is_success:
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield f"{url}/v1"
    finally:
        process.terminate()
        process.wait(30)


def check_nothing_supported(answer: Answer) -> None:
    assert answer.status == "abstained", answer.text
    assert answer.reason is not None
    assert answer.reason.startswith("Nothing supported")
    assert answer.citations == ()
    generation = answer.trace.generation
    assert generation is not None
    assert len(generation.reply) > 100
    assert generation.cut == "it was not done after 400 tokens"
    assert not any(claim.supported for claim in generation.claims)


def test_gibberish_from_a_real_server_is_nothing_supported(server: str, model: Path) -> None:
    with Rag.open(llm_url=server, llm_model=str(model)) as rag:
        assert rag.status().reachable
        answers = list(rag.stream(QUESTION))
    assert len(answers) > 20
    check_nothing_supported(answers[-1])


def test_a_real_server_refuses_a_model_that_it_does_not_serve(server: str) -> None:
    with Rag.open(llm_url=server, llm_model="another") as rag:
        with pytest.raises(LanguageModelError, match=r"status 4|does not have the model") as caught:
            rag.ask(QUESTION)
        assert server in caught.value.message


def test_gibberish_in_process_is_nothing_supported(model: Path) -> None:
    with Rag.open(llm_path=model) as rag:
        answers = list(rag.stream(QUESTION))
        assert rag.status().answered_by == f"the model in {model}"
        assert rag.status().network == ()
    assert len(answers) > 20
    assert answers[-1].answered_by == "tiny"
    check_nothing_supported(answers[-1])


def test_a_closed_stream_stops_generating(model: Path) -> None:
    with Rag.open(llm_path=model) as rag:
        before = threading.active_count()
        stream = rag.stream(QUESTION)
        next(stream)
        assert threading.active_count() == before + 1
        stream.close()
        assert threading.active_count() == before


def test_what_generating_raises_ends_the_stream(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    with Rag.open(llm_path=model) as rag:
        local = rag._model._opened()._writer._model
        monkeypatch.setattr(local._model, "generate", fails)
        with pytest.raises(LanguageModelError, match="cannot be used: RuntimeError"):
            rag.ask(QUESTION)


@pytest.mark.parametrize("case", ["missing", "empty", "no template"])
def test_a_folder_that_is_no_chat_model_is_an_error(case: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    if case != "missing":
        folder.mkdir()
    if case == "no template":
        make_model(folder, template=None)
    with Rag.open(llm_path=folder) as rag:
        assert rag.status().reachable is (case == "no template")
        with pytest.raises(LanguageModelError) as caught:
            rag.ask(QUESTION)
        assert str(folder) in caught.value.message
        assert caught.value.hint
