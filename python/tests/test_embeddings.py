"""Rows that stand for texts: those of numpy, of the command and of each text alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import trine
from conftest import FIXTURES, golden

MODELS = ["qwen3", "gemma3"]
TEXTS = ["short", "one", "long"]
WORDS = ["one text", "and another", "A longer text, of more words than both before it."]


def opened(name: str, kv: Literal["f16", "f32"] = "f16") -> trine.Model:
    """An embedding model of the fixtures."""
    return trine.Model(FIXTURES / "embeddings" / f"{name}-i2_s.gguf", kv=kv)


def pooled(hidden: np.ndarray[Any, Any], pooling: str) -> np.ndarray[Any, Any]:
    """The row of length 1 that stands for a text, of the states of its tokens."""
    states = hidden.astype(np.float64)
    row = states[-1] if pooling == "last" else states.mean(axis=0)
    return np.asarray(row / np.linalg.norm(row))


@pytest.mark.parametrize(("name", "says"), [("qwen3", "last"), ("gemma3", "mean")])
def test_rows_are_those_of_numpy(name: str, says: str) -> None:
    values, model = golden("embeddings/expected.safetensors"), opened(name, "f32")
    assert model.pooling == says
    ids = [values[f"{name}.{text}.ids"].tolist() for text in TEXTS]
    for pooling in ("last", "mean"):
        rows = model.embed(ids, pooling=pooling).expect("sequences", "hidden")
        assert rows.sizes == {"sequences": 3, "hidden": model.shapes["hidden"]}
        for row, text in zip(np.asarray(rows), TEXTS):
            expected = pooled(values[f"{name}.{text}.hidden"], pooling)
            assert abs(1.0 - row.astype(np.float64) @ expected) < 1e-5, (pooling, text)
            assert abs(1.0 - row.astype(np.float64) @ values[f"{name}.{text}.{pooling}"]) < 1e-5
    assert np.array_equal(np.asarray(model.embed(ids)), np.asarray(model.embed(ids, pooling=says)))
    # Of several tokens the two rows are two.
    last, mean = (np.asarray(model.embed(ids[:1], pooling=pooling))[0] for pooling in ("last", "mean"))
    assert last @ mean < 0.999


@pytest.mark.parametrize("name", MODELS)
def test_the_command_makes_the_same_rows(name: str, command: Path) -> None:
    model = opened(name)
    file = FIXTURES / "embeddings" / f"{name}-i2_s.gguf"
    run = [command, "embed", file]
    printed = subprocess.run(run, input="\n".join(WORDS), stdout=subprocess.PIPE, check=True, text=True).stdout
    expected = [json.loads(line)["embedding"] for line in printed.splitlines()]
    assert np.array_equal(np.asarray(model.embed(WORDS)), np.asarray(expected, dtype=np.float32))


def test_each_text_has_the_row_that_it_has_alone() -> None:
    model, many = opened("qwen3"), WORDS * 60
    rows = np.asarray(model.embed(many))
    alone = np.concatenate([np.asarray(model.embed([text])) for text in WORDS])
    assert np.array_equal(rows, np.tile(alone, (60, 1))) and len({row.tobytes() for row in alone}) == len(WORDS)
    assert np.allclose(np.linalg.norm(rows.astype(np.float64), axis=1), 1.0, atol=1e-6)
    assert model.embed([]).sizes == {"sequences": 0, "hidden": 128}


def test_rows_are_an_array_with_names() -> None:
    rows = opened("qwen3").embed(WORDS)
    array = np.asarray(rows)
    assert array.ctypes.data == rows.address and array.dtype == np.float32 and not array.flags.writeable
    assert rows.isel(sequences=1).dims == ("hidden",)
    with pytest.raises(trine.ShapeError, match=r"found \('sequences', 'hidden'\)"):
        rows.expect("seq", "hidden")


def test_what_has_no_row_is_refused(model: trine.Model) -> None:
    embedder = opened("qwen3")
    with pytest.raises(trine.TrineError, match="makes no embeddings"):
        model.embed(WORDS)
    assert model.pooling is None and model.embed(WORDS, pooling="mean").sizes["sequences"] == 3
    with pytest.raises(trine.TrineError, match='pooling is "first": expected one of "last", "mean"'):
        embedder.embed(WORDS, pooling="first")
    with pytest.raises(TypeError, match="found one text"):
        embedder.embed("a text")
    with pytest.raises(TypeError):
        embedder.embed([5])
    with pytest.raises(trine.TrineError, match="text 1 has no tokens"):
        embedder.embed([[7], []])
    with pytest.raises(trine.ContextFull, match="text 2 has 500 tokens, and the context 128"):
        embedder.embed([[7], [8], [9] * 500])
    with pytest.raises(trine.TrineError, match="9000"):
        embedder.embed([[9000]])


def test_an_embedding_model_generates_nothing() -> None:
    embedder = opened("qwen3")
    for asked in (
        lambda: embedder.generate("a"),
        lambda: embedder.agenerate("a"),
        lambda: embedder.generate_batch(["a"]),
        lambda: embedder.score(["a"], ["b"]),
        lambda: embedder.chat([{"role": "user", "content": "a"}]),
    ):
        with pytest.raises(trine.TrineError, match="makes embeddings and generates no text"):
            asked()
