#!/usr/bin/env python3
"""Writes small Qwen3.5 models as HF transformers saves them and as GGUF files, and the logits of two engines.

tests/fixtures/qwen35 has of each model a directory, `NAME-f32.gguf` with the same values, and in `expected.safetensors`
three prompts of random ids: a short one, one that is longer than two chunks of transformers' delta rule, and one that
is longer than a page:

* `NAME.PROMPT.ids`: int32, [T];
* `NAME.PROMPT.logits`: float32, [T, vocabulary] of the short prompt and the last 16 positions of the others, by
  transformers with eager attention in float32;
* `NAME.PROMPT.llama_cpp`: the same by llama.cpp of the GGUF file, with a float32 KV cache.

Both engines round nothing, so they must agree. Directories have heads of values in groups of a head of keys, GGUF files
have them in tiles: here they are put into the other order. Models whose heads of keys and of values differ in width
have no GGUF file. `NAME-folded.gguf` has matrices that were multiplied with a rotation, as PrismML's Bonsai 2 has them;
no other program here reads these, and they must give the same logits. One GGUF file has a block behind the others that guesses tokens, of random numbers: it is not read.
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
from transformers import Qwen3_5ForCausalLM, Qwen3_5TextConfig

from gguf_io import FILE_TYPES, finish
from hf_qwen import add_tokenizer, relative
from llama_cpp import LlamaCpp

SHORT, CHUNKS, PAGE, KEPT = 19, 150, 270, 16
TOLERANCE = 1e-5
BF16, F16, F32 = torch.bfloat16, torch.float16, torch.float32

NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "post_attention_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "linear_attn.in_proj_qkv": "attn_qkv",
    "linear_attn.in_proj_z": "attn_gate",
    "linear_attn.in_proj_a": "ssm_alpha",
    "linear_attn.in_proj_b": "ssm_beta",
    "linear_attn.conv1d": "ssm_conv1d",
    "linear_attn.norm": "ssm_norm",
    "linear_attn.out_proj": "ssm_out",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def sections(pairs):
    """How many pairs of RoPE turn by each of the three positions of an image, every third by one."""
    return [-(-(pairs - first) // 3) for first in range(3)]


@dataclass(frozen=True)
class Hybrid:
    """One model. `sizes`: hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary. `rule`: heads of keys, heads of
    values, width of a head of keys, of a head of values, taps."""

    name: str
    seed: int
    sizes: tuple
    rule: tuple
    interval: int
    rotary: float
    rope_theta: float
    dtype: torch.dtype
    tied: bool = True
    context: int = 320
    skipped: int = 0
    architecture: str = "qwen35"

    def configuration(self):
        """The configuration that transformers saves."""
        hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary = self.sizes
        key_heads, value_heads, key_dim, value_dim, taps = self.rule
        kinds = ["full_attention" if (layer + 1) % self.interval == 0 else "linear_attention" for layer in range(layers)]
        pairs = int(head_dim * self.rotary) // 2
        return Qwen3_5TextConfig(
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=ffn,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            head_dim=head_dim,
            max_position_embeddings=self.context,
            tie_word_embeddings=self.tied,
            layer_types=kinds,
            linear_num_key_heads=key_heads,
            linear_num_value_heads=value_heads,
            linear_key_head_dim=key_dim,
            linear_value_head_dim=value_dim,
            linear_conv_kernel_dim=taps,
            rope_parameters={
                "rope_type": "default",
                "rope_theta": self.rope_theta,
                "partial_rotary_factor": self.rotary,
                "mrope_section": sections(pairs),
                "mrope_interleaved": True,
            },
        )


MODELS = [
    Hybrid("tied", 91, (44, 68, 4, 6, 2, 24, 118), (2, 6, 16, 16, 4), 4, 0.25, 1e6, BF16, skipped=1),
    Hybrid("separate", 92, (52, 76, 5, 4, 1, 32, 101), (3, 3, 32, 32, 4), 2, 0.5, 1e4, F16, False),
    Hybrid("wide", 93, (36, 60, 3, 6, 3, 16, 103), (2, 4, 12, 20, 3), 3, 0.25, 5e3, F32),
]


def randomise(model, seed):
    """Weights of every parameter: matrices that keep the variance, gains of a size of their own each."""
    random = torch.Generator().manual_seed(seed)
    for name, values in model.named_parameters():
        noise = torch.randn(values.shape, generator=random)
        if name.endswith("A_log"):
            values.data = 0.8 * noise - 0.5
        elif name.endswith("dt_bias"):
            values.data = 0.7 * noise
        elif name.endswith("conv1d.weight"):
            values.data = 0.5 * noise
        elif values.dim() == 1:
            around = 0.0 if not name.endswith("linear_attn.norm.weight") else 1.0
            values.data = around + 0.4 * noise + 0.2 * torch.rand((), generator=random)
        else:
            values.data = noise / values.shape[1] ** 0.5 * (1 + torch.rand((), generator=random))


def write_directory(folder, model):
    """The directory of a model, whose values its type holds exactly."""
    made = Qwen3_5ForCausalLM._from_config(model.configuration(), dtype=torch.float32).eval()
    randomise(made, model.seed)
    made.to(model.dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


def load(folder):
    """The model as transformers loads it, nothing missing and nothing left over."""
    loaded, report = Qwen3_5ForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    return loaded.eval()


def tiled(values, model, axis, width):
    """Heads of values along an axis, `width` elements each, from groups of a head of keys to tiles of all of them."""
    key_heads, value_heads = model.rule[:2]
    shape = values.shape
    parts = values.reshape(*shape[:axis], key_heads, value_heads // key_heads, width, *shape[axis + 1 :])
    return np.ascontiguousarray(np.swapaxes(parts, axis, axis + 1)).reshape(shape)


def converted(name, values, model):
    """Name and values of a tensor in a GGUF file."""
    outside = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    module, _, kind = name.rpartition(".")
    is_norm = kind == "weight" and values.ndim == 1 and not module.endswith("linear_attn.norm")
    values = values + np.float32(1) if is_norm else values
    if module in outside:
        return f"{outside[module]}.weight", values
    layer, rest = name.removeprefix("model.layers.").split(".", 1)
    key_heads, _, key_dim, value_dim, _ = model.rule
    keys = 2 * key_heads * key_dim
    if rest == "linear_attn.A_log":
        return f"blk.{layer}.ssm_a", tiled(-np.exp(values), model, 0, 1)
    if rest == "linear_attn.dt_bias":
        return f"blk.{layer}.ssm_dt.bias", tiled(values, model, 0, 1)
    stem = NAMES[rest.removesuffix(".weight")]
    if stem == "ssm_conv1d":
        values = values[:, 0, :]
    if stem in ("attn_qkv", "ssm_conv1d"):
        values = np.concatenate([values[:keys], tiled(values[keys:], model, 0, value_dim)])
    elif stem == "attn_gate":
        values = tiled(values, model, 0, value_dim)
    elif stem in ("ssm_alpha", "ssm_beta"):
        values = tiled(values, model, 0, 1)
    elif stem == "ssm_out":
        values = tiled(values, model, 1, value_dim)
    return f"blk.{layer}.{stem}.weight", values


def add_keys(writer, model):
    """The keys of the architecture."""
    hidden, ffn, layers, heads, kv_heads, head_dim, _ = model.sizes
    key_heads, value_heads, key_dim, value_dim, taps = model.rule
    rotated = int(head_dim * model.rotary)
    pairs = rotated // 2
    writer.add_name(f"trine golden qwen35 {model.name}")
    writer.add_file_type(FILE_TYPES["F32"])
    writer.add_block_count(layers + model.skipped)
    writer.add_context_length(model.context)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(model.rope_theta)
    writer.add_rope_dimension_count(rotated)
    writer.add_rope_dimension_sections([*sections(pairs), 0])
    writer.add_ssm_conv_kernel(taps)
    writer.add_ssm_state_size(key_dim)
    writer.add_ssm_group_count(key_heads)
    writer.add_ssm_time_step_rank(value_heads)
    writer.add_ssm_inner_size(value_heads * value_dim)
    writer.add_full_attention_interval(model.interval)
    if model.skipped:
        writer.add_nextn_predict_layers(model.skipped)


def add_skipped(writer, model):
    """Blocks that guess tokens: those of attention, and what stands around them."""
    hidden, ffn, layers, heads, kv_heads, head_dim, _ = model.sizes
    random = np.random.default_rng(model.seed)
    widths = {
        "attn_q": (2 * heads * head_dim, hidden),
        "attn_k": (kv_heads * head_dim, hidden),
        "attn_v": (kv_heads * head_dim, hidden),
        "attn_output": (hidden, heads * head_dim),
        "ffn_gate": (ffn, hidden),
        "ffn_up": (ffn, hidden),
        "ffn_down": (hidden, ffn),
        "nextn.eh_proj": (hidden, 2 * hidden),
        "attn_norm": (hidden,),
        "post_attention_norm": (hidden,),
        "attn_q_norm": (head_dim,),
        "attn_k_norm": (head_dim,),
        "nextn.enorm": (hidden,),
        "nextn.hnorm": (hidden,),
        "nextn.shared_head_norm": (hidden,),
    }
    for layer in range(layers, layers + model.skipped):
        for name, shape in widths.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", random.standard_normal(shape).astype(np.float32))


FOLDED = {"attn_q", "attn_k", "attn_v", "attn_qkv", "attn_gate", "attn_output", "ffn_gate", "ffn_up", "ffn_down", "ssm_out"}
"""Matrices of blocks that may be folded."""

BLOCK = 4
"""Elements that are rotated together: a power of two that divides all widths."""


def hadamard(block):
    """The symmetric Hadamard matrix in natural order, orthogonal."""
    signs = [[(-1) ** bin(i & j).count("1") for j in range(block)] for i in range(block)]
    return np.array(signs, np.float64) / block**0.5


def folded(values, signs):
    """A matrix times the transposed rotation: signs of its columns, then the Hadamard matrix on each block of them."""
    rows, columns = values.shape
    parts = (values.astype(np.float64) * signs).reshape(rows, columns // BLOCK, BLOCK)
    return (parts @ hadamard(BLOCK)).reshape(rows, columns).astype(np.float32)


def fold(writer, tensors, model):
    """Folds all matrices that may be. A tied model gets signs and has heads of values in groups in `ssm_out`."""
    random = np.random.default_rng(model.seed)
    is_explicit, signs, names = model.tied, {}, []

    def signs_of(width):
        if width not in signs:
            signs[width] = random.choice([-1, 1], width) if is_explicit else np.ones(width, int)
        return signs[width]

    for name, values in tensors.items():
        stem = name.removesuffix(".weight").rpartition(".")[2]
        if stem == "ssm_out" and is_explicit:
            key_heads, value_heads, _, value_dim, _ = model.rule
            parts = values.reshape(len(values), value_heads // key_heads, key_heads, value_dim)
            values = np.ascontiguousarray(np.swapaxes(parts, 1, 2)).reshape(values.shape)
        if stem in FOLDED or name == "output.weight":
            names.append(name)
        if name in names or name == "token_embd.weight":
            tensors[name] = folded(values, signs_of(values.shape[1]))
    prefix = "prism.hadamard."
    writer.add_uint32(f"{prefix}version", 2 if model.tied else 1)
    writer.add_uint32(f"{prefix}block_size", BLOCK)
    writer.add_string(f"{prefix}transform", "normalized-sylvester-walsh-hadamard")
    writer.add_string(f"{prefix}axis", "input-last-dimension")
    writer.add_string(f"{prefix}sign_mode", "explicit" if is_explicit else "identity")
    if is_explicit:
        writer.add_array(f"{prefix}sign_widths", [int(width) for width in signs])
        writer.add_array(f"{prefix}sign_values", [int(sign) for of_width in signs.values() for sign in of_width])
        writer.add_bool(f"{prefix}gdn_v_grouped", True)
    writer.add_array(f"{prefix}weight_names", names)
    writer.add_array(f"{prefix}inverse_weight_names", ["token_embd.weight"])
    if model.tied:
        writer.add_bool(f"{prefix}tied_output", True)


def write_gguf(path, folder, model, loaded, is_folded=False):
    """The model as a GGUF file with the names, keys and orders of llama.cpp, every tensor in F32."""
    writer = gguf.GGUFWriter(path, "qwen35")
    add_keys(writer, model)
    add_tokenizer(writer, folder, model.sizes[-1])
    given = loaded.state_dict().items()
    given = ((name, values) for name, values in given if not (model.tied and name.startswith("lm_head")))
    tensors = dict(converted(name, values.numpy(), model) for name, values in given)
    if is_folded:
        fold(writer, tensors, model)
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    add_skipped(writer, model)
    finish(writer)


def record(out, model, llama_cpp, golden):
    """Writes a model and what both engines compute with it."""
    folder, path = out / model.name, out / f"{model.name}-f32.gguf"
    write_directory(folder, model)
    loaded = load(folder)
    has_file = model.rule[2] == model.rule[3]
    if has_file:
        write_gguf(path, folder, model, loaded)
        write_gguf(out / f"{model.name}-folded.gguf", folder, model, loaded, is_folded=True)
    random = np.random.default_rng(model.seed)
    for prompt, length in (("short", SHORT), ("chunks", CHUNKS), ("page", PAGE)):
        ids = random.integers(0, model.sizes[-1], length)
        logits = loaded(torch.from_numpy(ids)[None]).logits[0].numpy()
        kept = slice(None) if prompt == "short" else slice(-KEPT, None)
        key = f"{model.name}.{prompt}"
        golden |= {f"{key}.ids": ids.astype(np.int32), f"{key}.logits": np.ascontiguousarray(logits[kept])}
        if not has_file:
            continue
        found = llama_cpp.logits(path, ids.tolist())
        difference = relative(found, logits)
        print(f"{key}: |a - b| / |b| {difference:.1e}, largest {np.abs(found - logits).max():.1e}", flush=True)
        assert difference < TOLERANCE, f"{path}: llama.cpp and transformers differ"
        golden[f"{key}.llama_cpp"] = np.ascontiguousarray(found[kept])


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/qwen35"), help="folder of the models")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    golden = {}
    for model in MODELS:
        record(arguments.out, model, LlamaCpp(arguments.oracle), golden)
    (arguments.out / "expected.safetensors").write_bytes(save(golden))


if __name__ == "__main__":
    main()
