#!/usr/bin/env python3
"""Writes small HunYuan models as HF transformers saves them and as GGUF files, and the logits of two engines.

tests/fixtures/hunyuan has of each float model a directory, `NAME-f32.gguf` with the same values, and in
`expected.safetensors` two prompts of random ids:

* `NAME.PROMPT.ids`: int32, [T];
* `NAME.PROMPT.logits`, `NAME.PROMPT.llama_cpp`: float32, [T, vocabulary] of the short prompt and the last 16 positions
  of the long one, by transformers with eager attention in float32 and by llama.cpp.

Heads are rotated first and normalised afterwards; `misread` is the distance of a model that does it the other way
round. One model leaves the base of RoPE to an alpha.

`stq1_0.gguf` has ternary matrices in STQ1_0, which llama.cpp 0.5.0 does not read: its `llama_cpp` logits are those of
the same matrices in TQ2_0, whose codes and scales are equal and whose activations are rounded alike.
"""

import argparse
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

os.environ["TORCH_COMPILE_DISABLE"] = "1"

import gguf
import numpy as np
import torch
from safetensors.numpy import save
from transformers import HunYuanDenseV1Config, HunYuanDenseV1ForCausalLM

from gguf_io import add_byte_tokenizer, finish
from hf_small import KEPT, LONG, NAMES, SHORT, begin, gguf_name, load, randomise, record
from llama_cpp import LlamaCpp

TOLERANCE = 1e-5
BF16, F32 = torch.bfloat16, torch.float32
HUNYUAN_NAMES = NAMES | {"self_attn.query_layernorm": "attn_q_norm", "self_attn.key_layernorm": "attn_k_norm"}
STQ1_0, STQ1_0_BLOCK = 42, 256


@dataclass(frozen=True)
class HunYuan:
    """One model. `sizes`: hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary."""

    name: str
    seed: int
    sizes: tuple
    dtype: torch.dtype
    tied: bool = True
    alpha: float = 0.0
    base: float = 10000.0
    context: int = 320
    eps: float = 1e-5


MODELS = [
    HunYuan("tied", 121, (44, 68, 2, 6, 2, 10, 261), BF16),
    HunYuan("alpha", 122, (52, 76, 3, 4, 1, 14, 262), F32, False, alpha=50.0),
]
TERNARY = HunYuan("stq1_0", 123, (256, 512, 1, 4, 2, 128, 263), F32)


def rope(model):
    """Entries of RoPE; those of published models where there is an alpha."""
    if not model.alpha:
        return {"rope_type": "default", "rope_theta": model.base}
    return {"rope_type": "dynamic", "rope_theta": model.base, "alpha": model.alpha, "factor": 1.0}


def configuration(model):
    """The configuration that transformers saves."""
    hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary = model.sizes
    return HunYuanDenseV1Config(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=ffn,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=head_dim,
        max_position_embeddings=model.context,
        rms_norm_eps=model.eps,
        tie_word_embeddings=model.tied,
        rope_parameters=rope(model),
    )


def write_directory(folder, model):
    """The directory of a model, whose values its type holds exactly; gives it as transformers loads it."""
    made = HunYuanDenseV1ForCausalLM._from_config(configuration(model), dtype=torch.float32).eval()
    randomise(made, model.seed)
    made.to(model.dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    return load(folder, HunYuanDenseV1ForCausalLM)


def write_gguf(path, model, loaded, add_matrix=None):
    """The model as a GGUF file with the names and keys of llama.cpp; matrices of blocks as `add_matrix` adds them."""
    writer = begin(path, "hunyuan-dense", model)
    writer.add_rope_freq_base(model.base)
    if model.alpha:
        writer.add_float32("hunyuan-dense.rope.scaling.alpha", model.alpha)
    add_byte_tokenizer(writer, model.sizes[-1])
    for name, values in loaded.state_dict().items():
        if model.tied and name.startswith("lm_head"):
            continue
        add = add_matrix if add_matrix and "_proj" in name else gguf.GGUFWriter.add_tensor
        add(writer, gguf_name(name, HUNYUAN_NAMES), values.numpy())
    finish(writer)


def sherry(model, seed):
    """Makes the matrices of blocks ternary, one zero in each group of four columns 16 apart; a scale for 256."""
    random = np.random.default_rng(seed)
    for name, values in model.named_parameters():
        if "_proj" not in name:
            continue
        rows, cols = values.shape
        signs = random.choice([-1.0, 1.0], (rows, cols // 64, 4, 16)).astype(np.float32)
        lanes = random.integers(0, 4, (rows, cols // 64, 1, 16))
        np.put_along_axis(signs, lanes, 0.0, axis=2)
        scales = np.float16(random.uniform(0.5, 1.5, (rows, cols // STQ1_0_BLOCK, 1)) / cols**0.5).astype(np.float32)
        made = signs.reshape(rows, cols // STQ1_0_BLOCK, STQ1_0_BLOCK) * scales
        values.data = torch.from_numpy(made.reshape(rows, cols).copy())


def packed(values):
    """The blocks of STQ1_0 of a ternary matrix."""
    blocks = values.reshape(-1, STQ1_0_BLOCK)
    out = np.zeros((len(blocks), 42), np.uint8)
    scales = np.abs(blocks).max(axis=1)
    out[:, 40:] = scales.astype("<f2")[:, None].view(np.uint8)
    for block, scale, to in zip(blocks, scales, out, strict=True):
        codes = np.rint(block / scale).astype(int)
        for group in range(64):
            four = codes[64 * (group // 16) + group % 16 :][: 16 * 4 : 16]
            (zero,) = np.flatnonzero(four == 0)
            first, second, third = (four[lane] for lane in range(4) if lane != zero)
            slot = zero << 2 | (second != first) | (third != first) << 1
            to[group // 2] |= slot << 4 * (group % 2)
            to[32 + group // 8] |= (first < 0) << group % 8
    return out.reshape(values.shape[0], -1)


def add_stq1_0(writer, name, values):
    """A matrix in STQ1_0, whose number the gguf package does not know."""
    writer.add_tensor(name, packed(values).view(np.int8), raw_shape=values.shape, raw_dtype=STQ1_0)


def add_tq2_0(writer, name, values):
    """The same matrix in TQ2_0."""
    kind = gguf.GGMLQuantizationType.TQ2_0
    data = gguf.quants.quantize(values, kind)
    assert np.array_equal(gguf.quants.dequantize(data, kind), values)
    writer.add_tensor(name, data, raw_dtype=kind)


def record_ternary(golden, out, llama_cpp):
    """Writes the file in STQ1_0, and what llama.cpp computes with its twin in TQ2_0."""
    model, twin = TERNARY, out / "twin.gguf"
    made = HunYuanDenseV1ForCausalLM._from_config(configuration(model), dtype=torch.float32).eval()
    randomise(made, model.seed)
    sherry(made, model.seed)
    write_gguf(out / "stq1_0.gguf", model, made, add_stq1_0)
    write_gguf(twin, model, made, add_tq2_0)
    random = np.random.default_rng(model.seed)
    for prompt, length in (("short", SHORT), ("long", LONG)):
        ids = random.integers(0, model.sizes[-1], length)
        kept = slice(None) if prompt == "short" else slice(-KEPT, None)
        logits = llama_cpp.logits(twin, ids.tolist())[kept]
        exact = made(torch.from_numpy(ids)[None]).logits[0].numpy()[kept]
        distance = np.linalg.norm(logits - exact) / np.linalg.norm(exact)
        print(f"stq1_0.{prompt}: rounding of activations costs {distance:.1e}")
        key = f"{model.name}.{prompt}"
        golden |= {f"{key}.ids": ids.astype(np.int32), f"{key}.llama_cpp": np.ascontiguousarray(logits)}
        golden[f"{key}.exact"] = np.ascontiguousarray(exact)
    twin.unlink()


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/hunyuan"), help="folder of the models")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    golden, llama_cpp = {}, LlamaCpp(arguments.oracle)
    for model in MODELS:
        path = arguments.out / f"{model.name}-f32.gguf"
        loaded = write_directory(arguments.out / model.name, model)
        write_gguf(path, model, loaded)
        record(golden, model, loaded, path, llama_cpp, TOLERANCE)
    record_ternary(golden, arguments.out, llama_cpp)
    (arguments.out / "expected.safetensors").write_bytes(save(golden))


if __name__ == "__main__":
    main()
