#!/usr/bin/env python3
"""Writes what HF transformers and llama.cpp compute over 700 positions, and perplexities in windows.

Prompts are processed in batches of 256 and caches are cut into pages of 256 positions, so that mistakes may lie behind
the first two of them. tests/fixtures/long has three models of its own: `llama-f32.gguf` with a linear RoPE scaling under
the key of older files, `bitnet-f32.gguf` (dense, sub-norms, SiLU), and the directory `bitnet` (packed codes, squared
ReLU, int8 activations). The YaRN models of tests/fixtures/qwen2 and qwen3 are read where hf_qwen.py wrote them.

`expected.safetensors` has for each model NAME:

* `NAME.ids`: int32, [700]; `NAME.rows`: int32, [R], positions around 256, 512 and the last one;
* `NAME.logits`: float32, [R, vocabulary], the logits at those positions by transformers;
* `NAME.best`, `NAME.largest`, `NAME.size`: [700], of every position the id of the largest logit (int32), that logit, and
  the root of the mean square of all (float32), by transformers;
* `NAME.llama_cpp`: float32, [R, vocabulary], by llama.cpp with a float32 KV cache; not of the directory.

Engines that round nothing must agree. `perplexity.ids`, `.windows` (int32, [6, 2], window and stride), `.predicted`
(int32, [6]) and `.loss` (float32, [6]) are of `llama`: the loop of transformers' documentation of perplexity, and the loss
of each window by numpy in float64.
"""

import argparse
import os
import shutil
from pathlib import Path

os.environ["TORCH_COMPILE_DISABLE"] = "1"

import gguf
import numpy as np
import torch
from safetensors.numpy import save
from transformers import BitNetConfig, LlamaConfig

from gguf_io import FILE_TYPES, finish
from hf_checkpoints import edit_config, load, make, packed
from hf_qwen import NAMES, add_tokenizer, relative
from llama_cpp import LlamaCpp

POSITIONS, CONTEXT = 700, 768
ROWS = [254, 255, 256, 257, 258, 510, 511, 512, 513, 514, 699]

TOLERANCE = 2e-5
"""How far two engines that round nothing may differ, relative to the norm of the logits."""

SHARPNESS = 2.5
"""Factor of the query matrices, so that attention looks at few of many positions and a wrong one is seen."""

SCALE_LINEAR = 2.5
"""The divisor of the rotary frequencies of `llama`."""

PREDICTED_TEXT = 400
WINDOWS = [(2, 1), (9, 4), (64, 32), (66, 65), (257, 255), (300, 64)]
"""Tokens of the text, and pairs of window and stride; logits are held for 64 positions at a time."""

LLAMA = LlamaConfig(
    vocab_size=103,
    hidden_size=48,
    intermediate_size=60,
    num_hidden_layers=2,
    num_attention_heads=6,
    num_key_value_heads=2,
    head_dim=14,
    max_position_embeddings=CONTEXT,
    rms_norm_eps=3e-6,
    tie_word_embeddings=False,
    rope_parameters={"rope_type": "linear", "factor": SCALE_LINEAR, "rope_theta": 2e4},
)


def bitnet(hidden_act, vocabulary, hidden, ffn, layers, heads, kv_heads):
    """The configuration of a BitNet."""
    return BitNetConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=ffn,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=2e-5,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 3e4},
        hidden_act=hidden_act,
    )


def sharpened(config, seed, dtype):
    """A random model whose attention is sharp."""
    model = make(config, seed, dtype)
    for name, parameter in model.named_parameters():
        if name.endswith("q_proj.weight"):
            parameter.data *= SHARPNESS
    return model


def adjacent(values, heads):
    """The rows of a query or key matrix with the pairs of RoPE side by side, as files of the `llama` architecture have."""
    return values.reshape(heads, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)


def write_gguf(path, architecture, model):
    """The model as a GGUF file with the names and keys of llama.cpp, every tensor in F32."""
    config = model.config
    heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(f"trine golden long {architecture}")
    writer.add_file_type(FILE_TYPES["F32"])
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(head_dim)
    if architecture == "llama":
        writer.add_float32("llama.rope.scale_linear", SCALE_LINEAR)
    add_tokenizer(writer, path.parent, config.vocab_size)
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    for layer in range(config.num_hidden_layers):
        names |= {f"model.layers.{layer}.{full}": f"blk.{layer}.{name}" for name, full in NAMES.items()}
    for name, values in model.state_dict().items():
        module, values = name.removesuffix(".weight"), values.numpy()
        if architecture == "llama" and module.endswith(("q_proj", "k_proj")):
            values = adjacent(values, heads if module.endswith("q_proj") else kv_heads)
        if not (config.tie_word_embeddings and module == "lm_head"):
            writer.add_tensor(f"{names[module]}.weight", np.ascontiguousarray(values))
    finish(writer)


def record(name, model, seed, golden, llama_cpp=None, path=None):
    """What a model computes over all positions."""
    ids = np.random.default_rng(seed).integers(0, model.config.vocab_size, POSITIONS)
    logits = model(torch.from_numpy(ids)[None]).logits[0].numpy()
    golden |= {
        f"{name}.ids": ids.astype(np.int32),
        f"{name}.rows": np.array(ROWS, np.int32),
        f"{name}.logits": np.ascontiguousarray(logits[ROWS]),
        f"{name}.best": logits.argmax(1).astype(np.int32),
        f"{name}.largest": logits.max(1),
        f"{name}.size": np.sqrt(np.square(logits, dtype=np.float64).mean(1)).astype(np.float32),
    }
    if llama_cpp is None:
        print(f"{name}: largest logit {np.abs(logits).max():.2f}")
        return
    found = llama_cpp.logits(path, ids.tolist())
    print(f"{name}: |a - b| / |b| {relative(found, logits):.1e}, largest logit {np.abs(logits).max():.2f}")
    assert relative(found, logits) < TOLERANCE, f"{path}: llama.cpp and transformers differ"
    golden[f"{name}.llama_cpp"] = np.ascontiguousarray(found[ROWS])


def losses(logits, ids):
    """`-ln p` of each id but the first, from the logits of the one before it."""
    logits = logits.astype(np.float64)[:-1]
    largest = logits.max(1)
    normalizer = largest + np.log(np.exp(logits - largest[:, None]).sum(1))
    return normalizer - logits[np.arange(len(logits)), ids[1:]]


def perplexity(model, ids, window, stride):
    """The strided sliding window of transformers' documentation: the mean loss, and how many tokens it is of."""
    every, last_end = [], 0
    for begin in range(0, len(ids), stride):
        end = min(begin + window, len(ids))
        of_window = losses(model(torch.from_numpy(ids[begin:end])[None]).logits[0].numpy(), ids[begin:end])
        every.extend(of_window[-(end - last_end) :] if last_end else of_window)
        last_end = end
        if end == len(ids):
            break
    return np.mean(every), len(every)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--fixtures", type=Path, default=Path("tests/fixtures"), help="folder of long, qwen2, qwen3")
    arguments = parser.parse_args()
    llama_cpp, out, golden = LlamaCpp(arguments.oracle), arguments.fixtures / "long", {}
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()

    llama = sharpened(LLAMA, 81, torch.float32)
    dense = sharpened(bitnet("silu", 107, 48, 68, 2, 4, 2), 82, torch.float32)
    for seed, (architecture, model) in enumerate({"llama": llama, "bitnet": dense}.items(), 91):
        path = out / f"{architecture}-f32.gguf"
        write_gguf(path, architecture, model)
        record(f"{architecture}-f32", model, seed, golden, llama_cpp, path)
    for seed, family in enumerate(("qwen2", "qwen3"), 93):
        folder = arguments.fixtures / family
        record(family, load(folder / "yarn"), seed, golden, llama_cpp, folder / "yarn-f32.gguf")

    folder = out / "bitnet"
    sharpened(bitnet("relu2", 113, 60, 92, 2, 6, 2), 83, torch.bfloat16).save_pretrained(folder)
    packed(folder, inverse=False)
    quantization = {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"}
    edit_config(folder, quantization_config=quantization, bos_token_id=1, eos_token_id=2)
    (folder / "generation_config.json").unlink(missing_ok=True)
    record("bitnet", load(folder), 95, golden)

    ids = np.random.default_rng(96).integers(0, LLAMA.vocab_size, PREDICTED_TEXT)
    measured = [perplexity(llama, ids, *windows) for windows in WINDOWS]
    golden |= {
        "perplexity.ids": ids.astype(np.int32),
        "perplexity.windows": np.array(WINDOWS, np.int32),
        "perplexity.predicted": np.array([count for _, count in measured], np.int32),
        "perplexity.loss": np.array([loss for loss, _ in measured], np.float32),
    }
    print("perplexity:", measured)
    (out / "expected.safetensors").write_bytes(save(golden))


if __name__ == "__main__":
    main()
