#!/usr/bin/env python3
"""Writes one small Maple model in three forms that hold the same weights, and its logits.

tests/fixtures/maple_rows has

* `hf`: as DeepGrove's code for HF transformers names tensors, one for each matrix of each expert; matrices and gains in
  bfloat16, the embedding and the head in float32, as no shorter type holds what their codes of four bits stand for;
* `mlx`: as DeepGrove's mlx-lm packs it: codes of two bits in words with `row_alpha`, experts of a block in one tensor,
  the embedding and the head of four bits in groups of 64, and a tensor of an approximate head;
* `tq2_0.gguf`: matrices in TQ2_0, the embedding and the head in Q4_1;
* `expected.safetensors`, as that of `maple.py`: logits by the numpy model in float64, and by llama.cpp of the GGUF file,
  which rounds activations.

Codes in words are decoded here again one by one, blocks of the GGUF file by the `gguf` package.
"""

import argparse
import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.numpy import save
from safetensors.torch import load_file, save_file

from gguf_io import finish
from hf_qwen import relative, write_tokenizer
from hf_small import KEPT, LONG, SHORT, begin
from llama_cpp import LlamaCpp
from maple import LEAST_DISTANCE, Maple, Reference, add_keys

ROWS = Maple(
    "rows", 145, (256, 256, 2, 4, 1, 64, 271), (3, 2), 40, (1, 0), 32, (1e4, None), (7.0, 7.0), ("TQ2_0",), 4.0
)

GROUP, BLOCK = 64, 32
"""Columns of a group of four bits, and of a block of Q4_1."""

MODULES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate_inp": "mlp.gate",
    "ffn_gate_exps": "gate_proj",
    "ffn_up_exps": "up_proj",
    "ffn_down_exps": "down_proj",
}
TABLES = {"token_embd": "model.word_embeddings", "output": "lm_head"}


def bfloat16(values):
    """Float32 that bfloat16 holds: cut to its upper 16 bits."""
    return (np.asarray(values, np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32)


def stored(values):
    """The same as a tensor of bfloat16."""
    found = torch.from_numpy(np.array(values)).to(torch.bfloat16)
    assert np.array_equal(found.float().numpy(), values)
    return found


def ternary(random, *shape):
    """Codes 0 to 2 and a scale for each row that bfloat16 and float16 hold."""
    codes = random.integers(0, 3, shape)
    codes[..., ::256] = 2  # No block of 256 is all zeros, so that its scale is kept.
    scales = bfloat16(random.uniform(0.8, 1.4, shape[:-1]) / shape[-1] ** 0.5)
    assert np.array_equal(scales.astype(np.float16).astype(np.float32), scales)
    return codes, scales


def four_bits(random, rows, columns, size):
    """Codes 0 to 15, scales and biases of groups of 64. One group has codes 0 alone and a scale that no float16 holds, as
    MLX makes it of rows of zeros."""
    codes = random.integers(0, 16, (rows, columns))
    scales = bfloat16(random.uniform(0.5, 1.5, (rows, columns // GROUP)) * size / 8)
    scales *= random.choice([-1, 1], scales.shape)  # MLX has either sign
    biases = bfloat16(-7.5 * scales + random.normal(0, size / 8, scales.shape))
    codes[3, :GROUP], scales[3, 0], biases[3, 0] = 0, bfloat16(-1e-7), 0
    return codes, scales, biases


def weights(model):
    """Codes and scales of each matrix, of each table also biases, and values of the other tensors, by GGUF name."""
    random = np.random.default_rng(model.seed)
    hidden, width, layers, heads, kv_heads, head_dim, vocabulary = model.sizes
    experts, _ = model.experts
    gains = lambda length: bfloat16(1 + 0.3 * random.standard_normal(length))
    found = {"token_embd": four_bits(random, vocabulary, hidden, 1.0)}
    for layer in range(layers):
        of_layer = {
            "attn_norm": gains(hidden),
            "attn_q": ternary(random, heads * head_dim, hidden),
            "attn_k": ternary(random, kv_heads * head_dim, hidden),
            "attn_v": ternary(random, kv_heads * head_dim, hidden),
            "attn_q_norm": gains(head_dim),
            "attn_k_norm": gains(head_dim),
            "attn_output": ternary(random, hidden, heads * head_dim),
            "ffn_norm": gains(hidden),
            "ffn_gate_inp": bfloat16(model.spread * random.standard_normal((experts, hidden)) / hidden**0.5),
            "ffn_gate_exps": ternary(random, experts, width, hidden),
            "ffn_up_exps": ternary(random, experts, width, hidden),
            "ffn_down_exps": ternary(random, experts, hidden, width),
        }
        found |= {f"blk.{layer}.{name}": of for name, of in of_layer.items()}
    return found | {"output_norm": gains(hidden), "output": four_bits(random, vocabulary, hidden, hidden**-0.5)}


def values_of(of):
    """The float32 values of one tensor."""
    match of:
        case (codes, scales):
            return (codes.astype(np.float32) - 1) * scales[..., None]
        case (codes, scales, biases):
            wide = lambda numbers: np.repeat(numbers, GROUP, axis=-1)
            return codes.astype(np.float32) * wide(scales) + wide(biases)
        case values:
            return values


def words(codes, bits):
    """Codes in words of 32 bits from the low to the high bits."""
    count = 32 // bits
    grouped = codes.reshape(*codes.shape[:-1], -1, count).astype(np.uint32)
    return torch.from_numpy(np.bitwise_or.reduce(grouped << (bits * np.arange(count, dtype=np.uint32)), axis=-1))


def entries(model, folder):
    """The entries that the published `config.json` has."""
    hidden, width, layers, heads, kv_heads, head_dim, vocabulary = model.sizes
    experts, used = model.experts
    kinds = ["sliding_attention" if slides else "full_attention" for slides in model.sliding]
    ids = write_tokenizer(folder, vocabulary - 3, published=True)
    return ids | {
        "architectures": ["MapleForCausalLM"],
        "attention_dropout": 0.0,
        "dtype": "bfloat16",
        "embedding_dropout": 0.0,
        "head_dim": head_dim,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "initializer_range": 0.02,
        "intermediate_size": 2 * hidden,
        "layer_types": kinds,
        "max_position_embeddings": model.context,
        "max_window_layers": layers,
        "model_type": "maple",
        "moe_intermediate_size": width,
        "moe_router_enable_expert_bias": False,
        "nope_on_global_attention": True,
        "norm_topk_prob": True,
        "num_attention_heads": heads,
        "num_experts": experts,
        "num_experts_per_tok": used,
        "num_hidden_layers": layers,
        "num_key_value_heads": kv_heads,
        "num_shared_experts": 0,
        "output_dropout": 0.0,
        "output_router_logits": False,
        "partial_rotary_factor": model.rotated / head_dim,
        "preaffine": False,
        "quantize": True,
        "rms_norm_eps": model.eps,
        "rope_scaling": None,
        "rope_theta": model.bases[0],
        "router_dtype": "fp32",
        "sliding_window": model.window,
        "tie_word_embeddings": False,
        "transformers_version": "4.57.1",
        "use_cache": True,
        "use_qk_norm": True,
        "use_rmsnorm": True,
        "vocab_size": vocabulary,
    }


def name_of(name):
    """The module of a tensor in directories, and whether it is of experts."""
    if name in TABLES or name == "output_norm":
        return TABLES.get(name, "model.norm"), False
    _, layer, stem = name.split(".")
    return f"model.layers.{layer}.{MODULES[stem]}", stem.endswith("_exps")


def begin_folder(folder, model, **others):
    """An empty directory with a tokenizer and a description."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(entries(model, folder) | others, indent=1))


def write_hf(folder, model, found):
    """One tensor for each matrix of each expert."""
    begin_folder(folder, model)
    tensors = {}
    for name, of in found.items():
        (module, is_of_experts), values = name_of(name), values_of(of)
        if is_of_experts:
            before, projection = module.rsplit(".", 1)
            for number, matrix in enumerate(values):
                tensors[f"{before}.mlp.experts.{number}.{projection}.weight"] = stored(matrix)
        else:
            tensors[f"{module}.weight"] = torch.from_numpy(values) if name in TABLES else stored(values)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def write_mlx(folder, model, found):
    """Words, and what lies beside them."""
    tables = {name: {"group_size": GROUP, "bits": 4} for name in reversed(TABLES.values())}
    quantization = {"group_size": 128, "bits": 2, "mode": "affine"} | tables
    begin_folder(folder, model, quantization=quantization, quantization_config=quantization)
    tensors = {}
    for name, of in found.items():
        module, is_of_experts = name_of(name)
        if is_of_experts:
            before, projection = module.rsplit(".", 1)
            module = f"{before}.mlp.switch_mlp.{projection}"
        match of:
            case (codes, scales):
                tensors |= {f"{module}.weight": words(codes, 2), f"{module}.row_alpha": stored(scales)}
            case (codes, scales, biases):
                beside = {f"{module}.scales": stored(scales), f"{module}.biases": stored(biases)}
                tensors |= {f"{module}.weight": words(codes, 4)} | beside
            case values:
                tensors[f"{module}.weight"] = stored(values)
    tensors["lm_head_flash.token_map"] = torch.arange(5, dtype=torch.int32)
    save_file(tensors, folder / "model.safetensors", {"format": "mlx"})


def q4_1(codes, scales, biases):
    """Bytes of Q4_1 [rows, bytes of a row]; the scale of a group of zeros is 0."""
    scales = np.where((codes.reshape(*scales.shape, GROUP) == 0).all(-1), np.float32(0), scales)
    numbers = np.stack([np.repeat(of, GROUP // BLOCK, axis=-1) for of in (scales, biases)], axis=-1)
    halves = numbers.astype(np.float16)
    assert np.array_equal(halves.astype(np.float32), numbers)
    first, second = np.moveaxis(codes.reshape(len(codes), -1, 2, BLOCK // 2), 2, 0)
    nibbles = (first | second << 4).astype(np.uint8)
    return np.concatenate([halves.view(np.uint8), nibbles], axis=-1).reshape(len(codes), -1)


def write_gguf(path, model, found):
    """The same as llama.cpp's converter names it."""
    writer = begin(path, "maple", model, "TQ2_0")
    add_keys(writer, model)
    for name, of in found.items():
        data, kind = values_of(of), None
        if isinstance(of, tuple):
            kind = gguf.GGMLQuantizationType["Q4_1" if name in TABLES else "TQ2_0"]
            packed = q4_1(*of) if name in TABLES else gguf.quants.quantize(data, kind)
            assert np.array_equal(gguf.quants.dequantize(packed, kind), data), name
            data = packed
        writer.add_tensor(f"{name}.weight", data, raw_dtype=kind)
    finish(writer)


def check_mlx(folder, found):
    """Decodes words one code at a time."""
    tensors = load_file(folder / "model.safetensors")
    for name, of in found.items():
        module, is_of_experts = name_of(name)
        before, _, projection = module.rpartition(".")
        module = f"{before}.mlp.switch_mlp.{projection}" if is_of_experts else module
        packed, bits = tensors[f"{module}.weight"], 4 if name in TABLES else 2
        if not isinstance(of, tuple):
            assert np.array_equal(packed.float().numpy(), of), name
            continue
        packed, columns = packed.numpy(), of[0].shape[-1]
        code = lambda column: packed[..., column * bits // 32] >> np.uint32(column * bits % 32) & (2**bits - 1)
        codes = np.stack([code(column) for column in range(columns)], axis=-1)
        assert np.array_equal(codes, of[0]), name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/maple_rows"), help="folder of the model")
    arguments = parser.parse_args()
    golden, found, path = {}, weights(ROWS), arguments.out / "tq2_0.gguf"
    write_hf(arguments.out / "hf", ROWS, found)
    write_mlx(arguments.out / "mlx", ROWS, found)
    check_mlx(arguments.out / "mlx", found)
    write_gguf(path, ROWS, found)
    llama_cpp, random = LlamaCpp(arguments.oracle), np.random.default_rng(ROWS.seed)
    for prompt, length in (("short", SHORT), ("long", LONG)):
        ids, key = random.integers(0, ROWS.sizes[-1], length), f"rows.{prompt}"
        kept = slice(None) if prompt == "short" else slice(-KEPT, None)
        reference = Reference(ROWS, {name: values_of(of) for name, of in found.items()})
        logits, rounded = reference.logits(ids), llama_cpp.logits(path, ids.tolist())
        difference = relative(rounded, logits)
        print(f"{key}: |a - b| / |b| {difference:.1e}, least distance of scores {reference.distance:.1e}", flush=True)
        assert reference.distance > LEAST_DISTANCE, "choose another seed"
        golden |= {
            f"{key}.ids": ids.astype(np.int32),
            f"{key}.logits": np.ascontiguousarray(logits[kept].astype(np.float32)),
            f"{key}.llama_cpp": np.ascontiguousarray(rounded[kept]),
        }
    (arguments.out / "expected.safetensors").write_bytes(save(golden))


if __name__ == "__main__":
    main()
