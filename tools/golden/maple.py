#!/usr/bin/env python3
"""Writes small Maple models as GGUF files, and the logits of llama.cpp and of a numpy model that shares no code with any
engine.

tests/fixtures/maple has `NAME-f32.gguf`, `ternary.gguf`, and in `expected.safetensors` for two prompts of random ids,
the long one beyond the window of sliding layers:

* `NAME.PROMPT.ids`: int32, [T];
* `NAME.PROMPT.logits`, `NAME.PROMPT.llama_cpp`: float32, [T, vocabulary] of the short prompt and the last 16 positions
  of the long one, by the numpy model in float64 and by llama.cpp.

No class of HF transformers computes this graph. `ternary.gguf` has its matrices in TQ2_0 and TQ1_0, for which llama.cpp
rounds activations and the numpy model does not.

A token goes to other experts where two scores are nearly equal and arithmetic differs in the last digit. So the least
distance of the score of the last expert that is used from that of the first one that is not is printed, and refused
where it is small.
"""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save

from gguf_io import add_byte_tokenizer, add_matrix, finish
from hf_qwen import relative
from hf_small import KEPT, LONG, SHORT, begin
from llama_cpp import LlamaCpp

TOLERANCE = 5e-6
LEAST_DISTANCE = 1e-4


@dataclass(frozen=True)
class Maple:
    """One model. `sizes`: hidden, width of an expert, layers, heads, kv_heads, head_dim, vocabulary; `experts`: how many
    there are and how many are used; `sliding`: which layers have the window; `bases`: of RoPE, and that of sliding
    layers where the file has it; `limits`: of the gates of each layer, 0 for none."""

    name: str
    seed: int
    sizes: tuple
    experts: tuple
    window: int
    sliding: tuple
    rotated: int
    bases: tuple
    limits: tuple
    types: tuple = ("F32",)
    spread: float = 2.0
    context: int = 320
    eps: float = 1e-6


MODELS = [
    Maple(
        "listed", 141, (48, 20, 5, 6, 2, 16, 261), (7, 3), 23, (1, 1, 0, 1, 0), 8, (3e4, 7e3), (0.7, 0.0, 0.9, 7.0, 0.5)
    ),
    Maple("one", 142, (40, 28, 4, 4, 1, 18, 262), (12, 1), 100, (1, 1, 1, 0), 6, (1e4, None), (0.6,) * 4),
    Maple("all", 143, (36, 44, 3, 4, 2, 14, 263), (5, 5), 19, (0, 1, 1), 14, (2e4, 9e3), (7.0,) * 3),
]
TERNARY = Maple(
    "ternary", 144, (256, 512, 2, 4, 2, 64, 260), (3, 2), 40, (1, 0), 32, (1e4, None), (1.5, 1.5), ("TQ2_0", "TQ1_0"), 4.0
)


def ternary(random, shape):
    """Codes with a scale for each row that float16 has."""
    scale = np.float16(random.uniform(0.8, 1.4, (*shape[:-1], 1)) / shape[-1] ** 0.5).astype(np.float32)
    codes = random.choice([-1, 0, 1], shape).astype(np.float32)
    codes[..., ::256] = 1  # No block is all zeros, so that its scale is kept.
    return codes * scale


def parameters(model):
    """Values of every tensor by its name in GGUF files: matrices that keep the variance, gains of a size of their own."""
    random = np.random.default_rng(model.seed)
    hidden, width, layers, heads, kv_heads, head_dim, vocabulary = model.sizes
    experts, _ = model.experts

    def dense(*shape):
        return (random.standard_normal(shape) / shape[-1] ** 0.5 * random.uniform(0.7, 1.7)).astype(np.float32)

    def gains(length):
        return (1 + 0.3 * random.standard_normal(length) + 0.2 * random.random()).astype(np.float32)

    matrix = dense if model.types == ("F32",) else lambda *shape: ternary(random, shape)
    found = {"token_embd": random.standard_normal((vocabulary, hidden)).astype(np.float16).astype(np.float32)}
    for layer in range(layers):
        found |= {
            f"blk.{layer}.{name}": values
            for name, values in {
                "attn_norm": gains(hidden),
                "attn_q": matrix(heads * head_dim, hidden),
                "attn_k": matrix(kv_heads * head_dim, hidden),
                "attn_v": matrix(kv_heads * head_dim, hidden),
                "attn_q_norm": gains(head_dim),
                "attn_k_norm": gains(head_dim),
                "attn_output": matrix(hidden, heads * head_dim),
                "ffn_norm": gains(hidden),
                "ffn_gate_inp": model.spread * dense(experts, hidden),
                "ffn_gate_exps": matrix(experts, width, hidden),
                "ffn_up_exps": matrix(experts, width, hidden),
                "ffn_down_exps": matrix(experts, hidden, width),
            }.items()
        }
    return found | {"output_norm": gains(hidden), "output": dense(vocabulary, hidden)}


def softmax(x):
    """Of the last axis."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


class Reference:
    """The graph in float64, token by token where tokens differ."""

    def __init__(self, model, values):
        self.model, self.values = model, {name: of.astype(np.float64) for name, of in values.items()}
        self.distance = np.inf

    def norm(self, x, name):
        """RMSNorm with the gains of that name."""
        return x / np.sqrt(np.square(x).mean(-1, keepdims=True) + self.model.eps) * self.values[name]

    def rotated(self, x, base):
        """RoPE of [T, heads, head_dim]: element i turns with i + rotated / 2."""
        half = self.model.rotated // 2
        angles = np.arange(len(x))[:, None] * base ** (-np.arange(half) / half)
        cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
        first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
        return np.concatenate([first * cosine - second * sine, second * cosine + first * sine, rest], -1)

    def attention(self, h, layer):
        """Attention of one layer over all positions, or those of its window."""
        _, _, _, heads, kv_heads, head_dim, _ = self.model.sizes
        of = lambda name, count: (h @ self.values[f"blk.{layer}.{name}"].T).reshape(len(h), count, head_dim)
        q = self.norm(of("attn_q", heads), f"blk.{layer}.attn_q_norm")
        k = self.norm(of("attn_k", kv_heads), f"blk.{layer}.attn_k_norm")
        v = of("attn_v", kv_heads)
        behind = np.arange(len(h))[:, None] - np.arange(len(h))
        seen = behind >= 0
        if self.model.sliding[layer]:
            base = self.model.bases[1] or self.model.bases[0]
            q, k = self.rotated(q, base), self.rotated(k, base)
            seen &= behind < self.model.window
        k, v = (np.repeat(x, heads // kv_heads, axis=1) for x in (k, v))
        scores = np.where(seen, np.einsum("thd,shd->hts", q, k) / head_dim**0.5, -np.inf)
        mixed = np.einsum("hts,shd->thd", softmax(scores), v).reshape(len(h), -1)
        return mixed @ self.values[f"blk.{layer}.attn_output"].T

    def expert(self, h, layer, expert):
        """What one expert makes of one token."""
        gate, up, down = (self.values[f"blk.{layer}.ffn_{name}_exps"][expert] for name in ("gate", "up", "down"))
        gate, up, limit = gate @ h, up @ h, self.model.limits[layer]
        if limit > 0:
            gate, up = np.minimum(gate, limit), np.clip(up, -limit, limit)
        return down @ (gate / (1 + np.exp(-gate)) * up)

    def experts(self, h, layer):
        """The sum of what the experts of each token make of it."""
        count, used = self.model.experts
        scores = h @ self.values[f"blk.{layer}.ffn_gate_inp"].T
        sums = np.zeros_like(h)
        for token, score in enumerate(scores):
            order = np.argsort(-score, kind="stable")
            if used < count:
                self.distance = min(self.distance, score[order[used - 1]] - score[order[used]])
            chosen = order[:used]
            shares = softmax(score)[chosen]
            for expert, share in zip(chosen, shares / shares.sum(), strict=True):
                sums[token] += share * self.expert(h[token], layer, expert)
        return sums

    def logits(self, ids):
        """Logits [T, vocabulary]."""
        x = self.values["token_embd"][ids]
        for layer in range(self.model.sizes[2]):
            x = x + self.attention(self.norm(x, f"blk.{layer}.attn_norm"), layer)
            x = x + self.experts(self.norm(x, f"blk.{layer}.ffn_norm"), layer)
        return self.norm(x, "output_norm") @ self.values["output"].T


def add_keys(writer, model):
    """The keys of the architecture as llama.cpp's converter writes them, and a tokenizer of bytes."""
    key = lambda name: f"maple.{name}"
    writer.add_uint32(key("expert_count"), model.experts[0])
    writer.add_uint32(key("expert_used_count"), model.experts[1])
    writer.add_uint32(key("expert_feed_forward_length"), model.sizes[1])
    writer.add_uint32(key("attention.sliding_window"), model.window)
    writer.add_array(key("attention.sliding_window_pattern"), [bool(slides) for slides in model.sliding])
    writer.add_array(key("swiglu_clamp_exp"), list(model.limits))
    writer.add_uint32(key("rope.dimension_count"), model.rotated)
    writer.add_float32(key("rope.freq_base"), model.bases[0])
    if model.bases[1]:
        writer.add_float32(key("rope.freq_base_swa"), model.bases[1])
    writer.add_uint32(key("vocab_size"), model.sizes[-1])
    add_byte_tokenizer(writer, model.sizes[-1])


def write(path, model, values):
    """The model with the names and keys of llama.cpp's converter."""
    writer = begin(path, "maple", model)
    add_keys(writer, model)
    matrices = 0
    for name, of in values.items():
        is_matrix = of.ndim > 1 and name.startswith("blk.") and not name.endswith("_inp")
        kind = model.types[matrices % len(model.types)] if is_matrix else "F32"
        matrices += is_matrix
        if kind != "F32":
            packed = gguf.quants.quantize(of, gguf.GGMLQuantizationType[kind])
            assert np.array_equal(gguf.quants.dequantize(packed, gguf.GGMLQuantizationType[kind]), of), name
        if name == "token_embd":
            kind = "F16"
        add_matrix(writer, f"{name}.weight", of, kind)
    finish(writer)


def record(golden, model, path, llama_cpp):
    """The logits of both for two prompts."""
    values = parameters(model)
    write(path, model, values)
    random = np.random.default_rng(model.seed)
    for prompt, length in (("short", SHORT), ("long", LONG)):
        ids, key = random.integers(0, model.sizes[-1], length), f"{model.name}.{prompt}"
        kept = slice(None) if prompt == "short" else slice(-KEPT, None)
        reference = Reference(model, values)
        logits, found = reference.logits(ids), llama_cpp.logits(path, ids.tolist())
        difference = relative(found, logits)
        print(f"{key}: |a - b| / |b| {difference:.1e}, least distance of scores {reference.distance:.1e}", flush=True)
        assert reference.distance > LEAST_DISTANCE, "choose another seed"
        assert difference < TOLERANCE or model.types != ("F32",), f"{path}: llama.cpp and numpy differ"
        golden |= {
            f"{key}.ids": ids.astype(np.int32),
            f"{key}.logits": np.ascontiguousarray(logits[kept].astype(np.float32)),
            f"{key}.llama_cpp": np.ascontiguousarray(found[kept]),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/maple"), help="folder of the models")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    golden, llama_cpp = {}, LlamaCpp(arguments.oracle)
    for model in MODELS:
        record(golden, model, arguments.out / f"{model.name}-f32.gguf", llama_cpp)
    record(golden, TERNARY, arguments.out / "ternary.gguf", llama_cpp)
    (arguments.out / "expected.safetensors").write_bytes(save(golden))


if __name__ == "__main__":
    main()
