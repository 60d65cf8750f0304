"""Sessions and arrays: golden logits of HF transformers, no copies, names of axes."""

from __future__ import annotations

import numpy as np
import pytest
import trine
from conftest import FIXTURES, distance, golden

GOLDEN = [(f"hf/{name}-{kind}.gguf", f"hf/{name}.safetensors") for name in "ab" for kind in ("i2_s", "tq1_0")]
DIRECTORIES = ["bitnet-packed", "bitnet-floats", "llama-packed", "llama-linear", "llama-llama3", "llama-ternary"]


@pytest.mark.parametrize(("file", "expected"), GOLDEN)
def test_logits_are_those_of_transformers(file: str, expected: str) -> None:
    values = golden(expected)
    model = trine.Model(FIXTURES / file, kv="f32")
    ids = values["prompt.ids"].tolist()
    logits = model.session().feed(ids, all=True).expect("seq", "vocab")
    assert logits.shape == values["logits"].shape
    assert distance(np.asarray(logits), values["logits"]) < 1e-6
    last = model.session().feed(ids).expect("vocab")
    assert np.array_equal(np.asarray(last), np.asarray(logits)[-1])


@pytest.mark.parametrize("name", DIRECTORIES)
def test_directories_of_transformers_have_its_logits(name: str) -> None:
    values = golden("checkpoints/expected.safetensors")
    try:
        model = trine.Model(FIXTURES / "checkpoints" / name, kv="f32")
    except trine.TrineError as error:
        assert "tokenizer" in str(error) or "vocabulary" in str(error)
        pytest.skip("the directory has no vocabulary")
    logits = model.session().feed(values[f"{name}.ids"].tolist(), all=True)
    assert distance(np.asarray(logits), values[f"{name}.logits"]) < 1e-6


def test_logits_are_not_copied(model: trine.Model) -> None:
    for every in (False, True):
        logits = model.session().feed("Once upon a time", all=every)
        array = np.asarray(logits)
        assert array.ctypes.data == logits.address
        assert np.shares_memory(array, np.asarray(logits)) and array.dtype == np.float32
        assert not array.flags.writeable and array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
        # The memory is the array's own: it outlives whatever made it.
        copy = array.copy()
        del logits
        assert np.array_equal(array, copy)
    assert np.array(logits := model.session().feed("a"), copy=True).ctypes.data != logits.address
    assert np.asarray(logits, dtype=np.float64).dtype == np.float64


def test_axes_have_the_names_of_the_types(model: trine.Model) -> None:
    logits = model.session().feed([1, 5, 9], all=True)
    assert logits.dims == ("seq", "vocab") and logits.sizes == {"seq": 3, "vocab": 2048}
    assert logits.transpose("vocab", "seq").dims == ("vocab", "seq")
    assert np.shares_memory(np.asarray(logits.transpose("vocab", "seq")), np.asarray(logits))
    row = logits.isel(seq=1)
    assert row.dims == ("vocab",) and np.array_equal(np.asarray(row), np.asarray(logits)[1])
    assert logits.isel(seq=slice(1, 3)).dims == ("seq", "vocab")
    assert len(logits) == 3 and len(logits.argmax()) == 3
    for wrong in (
        lambda: logits.expect("vocab", "seq"),
        lambda: logits.transpose("seq", "hidden"),
        lambda: logits.isel(sequence=0),
    ):
        with pytest.raises(trine.ShapeError, match=r"\(.*\), found \('seq', 'vocab'\)"):
            wrong()
    assert dict(model.shapes) == {
        "vocab": 2048,
        "blocks": 4,
        "hidden": 256,
        "ffn": 768,
        "heads": 4,
        "kv_heads": 2,
        "group": 2,
        "head_dim": 64,
        "q_width": 256,
        "kv_width": 128,
    }
    with pytest.raises(trine.ShapeError, match=r"\('width',\), found \('vocab', "):
        model.shapes["width"]


def test_arrays_become_those_of_xarray(model: trine.Model) -> None:
    pytest.importorskip("xarray")
    logits = model.session().feed("Once", all=True)
    named = logits.to_xarray()
    assert named.dims == ("seq", "vocab") and np.shares_memory(named.values, np.asarray(logits))
    assert str(named.isel(seq=-1).idxmax("vocab").item()) == model.tokenizer.token(logits.argmax()[-1])


def test_sessions_go_on_go_back_and_fork(model: trine.Model) -> None:
    ids = model.tokenizer.encode("Once upon a time there was")
    session = model.session()
    parts = [np.asarray(session.feed([token])) for token in ids]
    assert session.tokens == ids and len(session) == len(ids)
    assert np.array_equal(np.stack(parts), np.asarray(model.session().feed(ids, all=True)))
    other = session.fork()
    assert np.array_equal(np.asarray(session.feed(" a")), np.asarray(other.feed(" a")))
    assert session.rewind(ids) == len(ids) - 1
    assert np.array_equal(np.asarray(session.feed(ids[-1:])), parts[-1])
    saved = model.session(session.save())
    assert saved.tokens == ids
    assert np.array_equal(np.asarray(saved.feed(" a")), np.asarray(session.feed(" a")))
    with pytest.raises(trine.ContextFull, match="context is full"):
        session.feed([1] * 300)
    with pytest.raises(trine.TrineError, match="at least one token"):
        session.feed([])
    with pytest.raises(trine.TrineError, match="2048"):
        session.feed([2048])


def test_scores_are_sums_of_the_log_softmax(model: trine.Model) -> None:
    prompts = ["Once upon a time, there was a little", "The fox", "The fox ", ""]
    continuations = [" girl named Lily.", " said", "said", "Once"]
    found = model.score(prompts, continuations)
    for prompt, continuation, score in zip(prompts, continuations, found):
        before = model.tokenizer.encode(prompt.rstrip())
        ids = model.tokenizer.encode(prompt + continuation)
        logits = np.asarray(model.session().feed(ids, all=True)).astype(np.float64)
        rows = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        places = range(len(before), len(ids))
        expected = sum(rows[at - 1][ids[at]] for at in places)
        assert abs(score.logprob - expected) < 1e-9, prompt
        assert score.is_greedy == all(rows[at - 1].argmax() == ids[at] for at in places)
    assert found[1] == found[2]
    many = model.score(prompts * 30, continuations * 30)
    assert many == found * 30
    assert model.score([[1, 5]], [[9]])[0].logprob < 0
    with pytest.raises(trine.TrineError, match="expected as many"):
        model.score(["a"], [])
