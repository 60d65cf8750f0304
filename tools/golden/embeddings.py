#!/usr/bin/env python3
"""Writes small embedding models of BitNet's kind as directories and as GGUF files, and what numpy computes with them.

No program in a registry runs these models, so the reference is written here, from the formulas alone, and shares no code
with anything: `y = W quant(rms(x, norm_in))` for each of the seven matrices of a block, in a Qwen3 and in a Gemma 3.
tests/fixtures/embeddings has of each model a directory of masters in BF16 (`<projection>.norm.weight` beside them),
`NAME-i2_s.gguf` with the codes and one scale for each matrix, and in `expected.safetensors` three texts of random ids:

* `NAME.TEXT.ids`: int32, [T];
* `NAME.TEXT.hidden`: float32, [T, hidden], behind the last norm;
* `NAME.TEXT.last`, `NAME.TEXT.mean`: float32, [hidden], the embedding by the last token and by the mean, of length 1.

Everything is computed in float64 but for the codes of activations, whose scale is rounded to float32 first.
"""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.numpy import save
from safetensors.torch import save_file

from gguf_io import FILE_TYPES, I2_S, add_byte_tokenizer, finish, pack_i2s

TEXTS = {"short": 5, "one": 1, "long": 70}


@dataclass(frozen=True)
class Embedder:
    """One model. `sizes`: hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary."""

    name: str
    base: str
    seed: int
    sizes: tuple
    theta: float
    pooling: int
    context: int = 128
    eps: float = 1e-6


MODELS = [
    Embedder("qwen3", "qwen3", 131, (128, 256, 2, 6, 2, 64, 265), 1e6, 3),
    Embedder("gemma3", "gemma3", 132, (128, 384, 1, 4, 1, 64, 267), 1e4, 1),
]

MATRICES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
NORMS = {
    "qwen3": {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"},
    "gemma3": {
        "attn_norm": "input_layernorm",
        "post_attention_norm": "post_attention_layernorm",
        "ffn_norm": "pre_feedforward_layernorm",
        "post_ffw_norm": "post_feedforward_layernorm",
    },
}
HEAD_NORMS = {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}


def exact(values):
    """Values that BF16 and F16 both hold."""
    once = torch.from_numpy(values.astype(np.float32)).to(torch.bfloat16).to(torch.float16)
    return once.to(torch.bfloat16).to(torch.float32).numpy()


def parameters(model):
    """Weights by their names in GGUF files: gains as they multiply, matrices as masters."""
    hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary = model.sizes
    random = np.random.default_rng(model.seed)
    widths = {
        "attn_q": (heads * head_dim, hidden),
        "attn_k": (kv_heads * head_dim, hidden),
        "attn_v": (kv_heads * head_dim, hidden),
        "attn_output": (hidden, heads * head_dim),
        "ffn_gate": (ffn, hidden),
        "ffn_up": (ffn, hidden),
        "ffn_down": (hidden, ffn),
    }

    def gains(width):
        around = random.normal(0, 0.3, width) + random.uniform(0, 0.5)
        # Less 1 they must be exact where directories have them so.
        return exact(around) + np.float32(1) if model.base == "gemma3" else exact(around + 1)

    made = {"token_embd": exact(random.normal(0, 0.5, (vocabulary, hidden))), "output_norm": gains(hidden)}
    for layer in range(layers):
        block = {name: gains(hidden) for name in NORMS[model.base]}
        block |= {name: gains(head_dim) for name in HEAD_NORMS}
        for name, shape in widths.items():
            block[name] = exact(random.normal(0, shape[1] ** -0.5 * random.uniform(0.8, 1.6), shape))
            block[f"{name}_norm_in"] = exact(random.normal(1, 0.3, shape[1]) * random.uniform(0.6, 1.5))
        made |= {f"blk.{layer}.{name}": values for name, values in block.items()}
    return made


def absmean(master):
    """Codes and scale of a matrix, as BitNet quantizes it."""
    scale = max(np.abs(master.astype(np.float64)).mean(), 1e-5)
    return np.clip(np.rint(master / scale), -1, 1), np.float32(scale)


def rms(x, gain, eps):
    """RMSNorm along the last axis."""
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * gain


def bit_linear(x, weights, name, eps):
    """A matrix behind its own norm, with activations in eight bits for each token."""
    codes, scale = absmean(weights[name])
    normed = rms(x, weights[f"{name}_norm_in"].astype(np.float64), eps)
    step = (127 / np.maximum(np.abs(normed).max(axis=-1, keepdims=True), 1e-5)).astype(np.float32)
    rounded = np.clip(np.rint(normed * step), -128, 127)
    return rounded @ codes.T / step * scale


def rotate(x, theta):
    """RoPE over whole heads [T, heads, head_dim], halves together."""
    positions, half = np.arange(x.shape[0]), x.shape[2] // 2
    angles = positions[:, None, None] * theta ** (-np.arange(half) / half)
    first, second = x[..., :half], x[..., half:]
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def attention(q, k, v):
    """Causal attention of [T, heads, head_dim]; query heads share heads of keys in groups."""
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
    scores = np.einsum("qhd,khd->hqk", q, k) / q.shape[2] ** 0.5
    scores = np.where(np.tril(np.ones(scores.shape[1:], bool)), scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = np.einsum("hqk,khd->qhd", weights / weights.sum(axis=-1, keepdims=True), v)
    return mixed.reshape(q.shape[0], -1)


def hidden_states(model, made, ids):
    """The rows behind the last norm."""
    hidden, _, layers, heads, kv_heads, head_dim, _ = model.sizes
    is_gemma, eps = model.base == "gemma3", model.eps
    x = made["token_embd"][ids].astype(np.float64)
    if is_gemma:
        x = x * np.float32(hidden**0.5)
    for layer in range(layers):
        prefix = f"blk.{layer}."
        weights = {name.removeprefix(prefix): values for name, values in made.items() if name.startswith(prefix)}
        gain = {name: values.astype(np.float64) for name, values in weights.items()}
        h = rms(x, gain["attn_norm"], eps)
        q = bit_linear(h, weights, "attn_q", eps).reshape(-1, heads, head_dim)
        k = bit_linear(h, weights, "attn_k", eps).reshape(-1, kv_heads, head_dim)
        v = bit_linear(h, weights, "attn_v", eps).reshape(-1, kv_heads, head_dim)
        q = rotate(rms(q, gain["attn_q_norm"], eps), model.theta)
        k = rotate(rms(k, gain["attn_k_norm"], eps), model.theta)
        branch = bit_linear(attention(q, k, v), weights, "attn_output", eps)
        x = x + (rms(branch, gain["post_attention_norm"], eps) if is_gemma else branch)
        h = rms(x, gain["ffn_norm"], eps)
        gate, up = bit_linear(h, weights, "ffn_gate", eps), bit_linear(h, weights, "ffn_up", eps)
        if is_gemma:
            gate = 0.5 * gate * (1 + np.tanh((2 / np.pi) ** 0.5 * (gate + 0.044715 * gate**3)))
        else:
            gate = gate / (1 + np.exp(-gate))
        branch = bit_linear(gate * up, weights, "ffn_down", eps)
        x = x + (rms(branch, gain["post_ffw_norm"], eps) if is_gemma else branch)
    return rms(x, made["output_norm"].astype(np.float64), eps)


def unit(row):
    """A row of length 1."""
    return (row / np.linalg.norm(row)).astype(np.float32)


def write_directory(folder, model, made):
    """The directory of a model as it is published. That of Gemma has names as a model without a head saves them."""
    hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary = model.sizes
    is_gemma = model.base == "gemma3"
    prefix = "" if is_gemma else "model."
    less = np.float32(1 if is_gemma else 0)
    tensors = {f"{prefix}embed_tokens.weight": made["token_embd"], f"{prefix}norm.weight": made["output_norm"] - less}
    for layer in range(layers):
        for name, module in (NORMS[model.base] | HEAD_NORMS).items():
            tensors[f"{prefix}layers.{layer}.{module}.weight"] = made[f"blk.{layer}.{name}"] - less
        for name, module in MATRICES.items():
            tensors[f"{prefix}layers.{layer}.{module}.weight"] = made[f"blk.{layer}.{name}"]
            tensors[f"{prefix}layers.{layer}.{module}.norm.weight"] = made[f"blk.{layer}.{name}_norm_in"]
    folder.mkdir()
    stored = {name: torch.from_numpy(values.copy()).to(torch.bfloat16) for name, values in tensors.items()}
    assert all(np.array_equal(stored[name].float().numpy(), values) for name, values in tensors.items())
    save_file(stored, folder / "model.safetensors", {"format": "pt"})
    config = {
        "architectures": ["Gemma3TextModel" if is_gemma else "Qwen3Model"],
        "hidden_size": hidden,
        "intermediate_size": ffn,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": head_dim,
        "vocab_size": vocabulary,
        "max_position_embeddings": model.context,
        "rms_norm_eps": model.eps,
        "rope_theta": model.theta,
        "tie_word_embeddings": True,
        "layer_types": ["full_attention"] * layers,
    }
    if is_gemma:
        config |= {"hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": head_dim, "sliding_window": 64}
        config |= {"rope_local_base_freq": 10000.0}
    else:
        config |= {"hidden_act": "silu", "attention_bias": False}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    modules = [{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"}]
    modules.append({"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"})
    modules.append({"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})
    (folder / "modules.json").write_text(json.dumps(modules, indent=1) + "\n")
    (folder / "1_Pooling").mkdir()
    modes = {"pooling_mode_mean_tokens": model.pooling == 1, "pooling_mode_lasttoken": model.pooling == 3}
    pooling = {"word_embedding_dimension": hidden, "pooling_mode_cls_token": False} | modes
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling, indent=1) + "\n")


def write_gguf(path, model, made):
    """The model as a GGUF file of Microsoft's converter: matrices in I2_S, the rest in F16 and F32."""
    hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary = model.sizes
    writer = gguf.GGUFWriter(path, model.base)
    writer.add_name(f"trine golden embeddings {model.name}")
    writer.add_file_type(FILE_TYPES["I2_S"])
    writer.add_block_count(layers)
    writer.add_context_length(model.context)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(model.eps)
    writer.add_rope_freq_base(model.theta)
    writer.add_uint32(f"{model.base}.pooling_type", model.pooling)
    add_byte_tokenizer(writer, vocabulary)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(True)
    for name, values in made.items():
        stem = name.rpartition(".")[2]
        if stem in MATRICES:
            codes, scale = absmean(values)
            packed = pack_i2s((codes * scale).astype(np.float32)).view(np.int8)
            writer.add_tensor(f"{name}.weight", packed, raw_shape=values.shape, raw_dtype=I2_S)
        elif stem.endswith("_norm_in") or name == "token_embd":
            writer.add_tensor(f"{name}.weight", values.astype(np.float16))
        else:
            writer.add_tensor(f"{name}.weight", values.astype(np.float32))
    finish(writer)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/embeddings"), help="folder of the models")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    golden = {}
    for model in MODELS:
        made = parameters(model)
        write_directory(arguments.out / model.name, model, made)
        write_gguf(arguments.out / f"{model.name}-i2_s.gguf", model, made)
        random = np.random.default_rng(model.seed)
        for text, length in TEXTS.items():
            ids = random.integers(0, model.sizes[-1], length)
            states = hidden_states(model, made, ids)
            key = f"{model.name}.{text}"
            golden |= {f"{key}.ids": ids.astype(np.int32), f"{key}.hidden": states.astype(np.float32)}
            golden |= {f"{key}.last": unit(states[-1]), f"{key}.mean": unit(states.mean(axis=0))}
            print(f"{key}: |x| {np.linalg.norm(states, axis=1).mean():.2f}", flush=True)
    (arguments.out / "expected.safetensors").write_bytes(save(golden))


if __name__ == "__main__":
    main()
