"""Texts: the same for each way to ask for them."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import trine
from conftest import FIXTURES, document, golden

PROMPTS = ["Once upon a time", "The fox said to the crow, \"", "A dog", "Lily and Tom went to the park. They saw"]


def test_pieces_are_the_text_and_equal_seeds_give_equal_texts(model: trine.Model) -> None:
    first = model.generate(PROMPTS[0], max_tokens=40, seed=7)
    pieces = list(first)
    assert "".join(pieces) == first.text and len(pieces) > 10
    assert first.text == model.tokenizer.decode(first.tokens)
    assert (first.finish, first.ended_by, first.seed) == ("max_tokens", None, 7)
    assert first.usage == (5, first.usage.cached_tokens, 40)
    second, other = (model.generate(PROMPTS[0], max_tokens=40, seed=seed) for seed in (7, 8))
    assert "".join(second) == first.text != "".join(other)
    free = model.generate(PROMPTS[0], max_tokens=40)
    assert "".join(free) == "".join(model.generate(PROMPTS[0], max_tokens=40, seed=free.seed))


def test_a_batch_has_what_each_prompt_has_alone(model: trine.Model) -> None:
    prompts = PROMPTS * 10
    found = model.generate_batch(prompts, max_tokens=30, seed=11)
    alone = ["".join(model.generate(prompt, max_tokens=30, seed=11)) for prompt in PROMPTS]
    assert [text.text for text in found] == alone * 10
    assert len(set(alone)) == len(PROMPTS)
    assert model.generate_batch([]) == []


async def test_coroutines_have_what_loops_have(model: trine.Model) -> None:
    async def read(prompt: str) -> str:
        return "".join([piece async for piece in model.agenerate(prompt, max_tokens=30, seed=11)])

    found = await asyncio.gather(*(read(prompt) for prompt in PROMPTS * 5))
    assert found == [text.text for text in model.generate_batch(PROMPTS, max_tokens=30, seed=11)] * 5


async def test_a_task_that_is_cancelled_ends_its_text(model: trine.Model) -> None:
    text = model.agenerate(PROMPTS[0], max_tokens=200, ignore_eos=True, seed=1)

    async def read() -> None:
        async for _ in text:
            await asyncio.sleep(0)

    task = asyncio.create_task(read())
    while not text.tokens:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    text.cancel()
    assert text.finish == "cancelled" and 0 < len(text.tokens) < 200


def test_the_command_draws_the_same_tokens(model: trine.Model, command: Path) -> None:
    for prompt in PROMPTS:
        for seed in ("1", "123456789"):
            said = document(command, "run", "-p", prompt, "-n", "50", "--seed", seed, "--json", "--complete")
            found = model.generate_batch([prompt], max_tokens=50, seed=int(seed))[0]
            assert prompt + found.text == said["text"] or found.text == said["text"]
            assert said["seed"] == found.seed


def test_the_server_draws_the_same_tokens(model: trine.Model, server: str) -> None:
    for prompt in PROMPTS:
        for seed in (1, 123456789):
            body = {"prompt": prompt, "max_tokens": 50, "seed": seed, "return_token_ids": True}
            head = {"content-type": "application/json"}
            with urlopen(Request(f"{server}/v1/completions", json.dumps(body).encode(), head)) as answer:
                (choice,) = json.load(answer)["choices"]
            (found,) = model.generate_batch([prompt], max_tokens=50, seed=seed)
            assert (choice["text"], choice["token_ids"][: len(found.tokens)]) == (found.text, found.tokens)
            # A token that ended the text is one of the server's and none of the text's.
            assert len(choice["token_ids"]) - len(found.tokens) == (found.finish == "token")


def test_greedy_decoding_is_that_of_transformers() -> None:
    for name in ("a", "b"):
        expected = golden(f"hf/{name}.safetensors")
        ids = expected["prompt.ids"].tolist()
        model = trine.Model(FIXTURES / "hf" / f"{name}-i2_s.gguf", kv="f32")
        tokens = expected["greedy.ids"].tolist()
        (found,) = model.generate_batch([ids], max_tokens=len(tokens), temperature=0, ignore_eos=True)
        assert found.tokens == tokens


def test_texts_end_where_they_are_told_to(model: trine.Model) -> None:
    whole = model.generate_batch([PROMPTS[0]], max_tokens=30, temperature=0)[0]
    stop = " girl"
    assert stop in whole.text
    (cut,) = model.generate_batch([PROMPTS[0]], max_tokens=30, temperature=0, stop=stop)
    assert (cut.text, cut.finish, cut.ended_by) == (whole.text.split(stop)[0], "stop_text", stop)
    (ended,) = model.generate_batch([PROMPTS[0]], max_tokens=30, temperature=0, stop_ids=[whole.tokens[4]])
    assert (ended.finish, ended.ended_by) == ("token", whole.tokens[4])
    assert ended.tokens == whole.tokens[: whole.tokens.index(whole.tokens[4])]
    (none,) = model.generate_batch([PROMPTS[0]], max_tokens=0)
    assert (none.text, none.finish) == ("", "max_tokens")


def test_logprobs_are_those_of_the_logits(model: trine.Model) -> None:
    import numpy as np

    (found,) = model.generate_batch([PROMPTS[0]], max_tokens=6, temperature=0, logprobs=3)
    ids = model.tokenizer.encode(PROMPTS[0]) + found.tokens
    logits = np.asarray(model.session().feed(ids, all=True)).astype(np.float64)
    rows = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert len(found.logprobs) == 6
    for at, of in enumerate(found.logprobs):
        row = rows[len(ids) - 7 + at]
        assert of.token == found.tokens[at] and abs(of.logprob - row[of.token]) < 1e-9
        likeliest = np.argsort(-row, kind="stable")[:3]
        assert [token for token, _ in of.likeliest] == likeliest.tolist()


def test_threads_share_the_engine_and_get_their_own_texts(model: trine.Model) -> None:
    def read(seed: int) -> str:
        return "".join(model.generate(PROMPTS[seed % 4], max_tokens=25, seed=seed))

    alone = [read(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, range(8))) == alone
    text = model.generate(PROMPTS[0], max_tokens=20, seed=3)
    readers = [threading.Thread(target=lambda: list(text)) for _ in range(1)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert text.finish == "max_tokens"


def test_a_dropped_iterator_gives_its_memory_back() -> None:
    # There is memory for one text: the next one begins when the one before is gone.
    model = trine.embedded(sequences=1)
    for seed in range(5):
        text = model.generate(PROMPTS[0], max_tokens=200, ignore_eos=True, seed=seed)
        assert next(text)
        del text
        gc.collect()
    with model.generate(PROMPTS[0], max_tokens=200, ignore_eos=True) as text:
        next(text)
    assert text.finish == "cancelled"
    assert "".join(model.generate(PROMPTS[0], max_tokens=5, seed=1))


def test_what_cannot_be_done_is_refused_by_name(model: trine.Model) -> None:
    with pytest.raises(trine.ContextFull, match="256 tokens"):
        model.generate_batch([PROMPTS[0]], max_tokens=400)
    with pytest.raises(trine.TrineError, match="temperature is -1"):
        model.generate(PROMPTS[0], temperature=-1)
    with pytest.raises(trine.TrineError, match="token 2048"):
        model.generate(PROMPTS[0], logit_bias={2048: 1.0})
    with pytest.raises(trine.TrineError):
        model.generate_batch([[2048]])
    with pytest.raises(TypeError, match="unknown options max_token"):
        model.generate(PROMPTS[0], max_token=3)  # type: ignore[call-arg]
    with pytest.raises(trine.FileError, match="nowhere.gguf"):
        trine.Model("nowhere.gguf")
    with pytest.raises(trine.TrineError, match='kv is "q9"'):
        trine.embedded(kv="q9")  # type: ignore[arg-type]
    assert issubclass(trine.FileError, ValueError)
