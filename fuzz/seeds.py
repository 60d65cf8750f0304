#!/usr/bin/env python3
"""Writes the first inputs of the fuzz targets to fuzz/corpus: small sound files, from which others are mutated."""

import json
import math
import struct
from pathlib import Path

CORPUS = Path("fuzz/corpus")
CHECKPOINTS = Path("tests/fixtures/checkpoints")


def string(text):
    return struct.pack("<Q", len(text)) + text.encode()


def entry(key, kind, value):
    return string(key) + struct.pack("<I", kind) + value


def texts(items):
    return struct.pack("<IQ", 8, len(items)) + b"".join(map(string, items))


def numbers(kind, form, items):
    return struct.pack("<IQ", kind, len(items)) + struct.pack(f"<{len(items)}{form}", *items)


def file(entries, tensors, alignment=32):
    """A GGUF file; tensors are name, dimensions in file order, type number and bytes."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entries)
    data = b""
    for name, dimensions, kind, contents in tensors:
        sizes = struct.pack(f"<{len(dimensions)}Q", *dimensions)
        head += string(name) + struct.pack("<I", len(dimensions)) + sizes + struct.pack("<IQ", kind, len(data))
        data += contents + bytes(-len(contents) % alignment)
    return head + bytes(-len(head) % alignment if tensors else 0) + data


def vocabulary(model, tokens, merges):
    return [
        entry("tokenizer.ggml.model", 8, string(model)),
        entry("tokenizer.ggml.pre", 8, string("gpt-2")),
        entry("tokenizer.ggml.tokens", 9, texts(tokens)),
        entry("tokenizer.ggml.token_type", 9, numbers(5, "i", [1] * len(tokens))),
        entry("tokenizer.ggml.scores", 9, numbers(6, "f", [-float(n) for n in range(len(tokens))])),
        entry("tokenizer.ggml.merges", 9, texts(merges)),
        entry("tokenizer.ggml.bos_token_id", 4, struct.pack("<I", 1)),
    ]


def write(target, name, data):
    (CORPUS / target).mkdir(parents=True, exist_ok=True)
    (CORPUS / target / name).write_bytes(data)


def safetensors(tensors, metadata=None):
    """A safetensors file; tensors are name, type, shape and bytes."""
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, dtype, shape, contents in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(contents)]}
        data += contents
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def directory(name, index):
    """The JSON files of a checkpoint with a tokenizer, as the target takes them: bytes 255 between them."""
    files = [(CHECKPOINTS / name / file).read_text() for file in ("config.json", "tokenizer.json", "tokenizer_config.json")]
    short = [json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode() for text in files]
    return b"\xff".join(short + [json.dumps(index).encode()] if index else short)


def iq2_bn(rows, columns):
    """A ternary matrix of zeros and a scale of 1 for each row."""
    return (struct.pack("<f", 1) + bytes([0x55] * (columns // 4))) * rows


def model():
    """A model of one block: hidden 64, feed-forward 128, two heads of 32 over one, five tokens."""
    counts = {"block_count": 1, "context_length": 16, "embedding_length": 64, "feed_forward_length": 128}
    counts |= {"attention.head_count": 2, "attention.head_count_kv": 1}
    entries = [entry("general.architecture", 8, string("bitnet"))]
    entries += [entry(f"bitnet.{key}", 4, struct.pack("<I", count)) for key, count in counts.items()]
    entries.append(entry("bitnet.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-5)))
    entries.append(entry("tokenizer.ggml.tokens", 9, texts("abcde")))
    norms = {"attn_norm": 64, "attn_sub_norm": 64, "ffn_norm": 64, "ffn_sub_norm": 128}
    tensors = [("token_embd.weight", [64, 5], 1, struct.pack("<e", 0.5) * 320)]
    tensors += [(f"blk.0.{name}.weight", [width], 0, struct.pack("<f", 1) * width) for name, width in norms.items()]
    matrices = {"attn_q": (64, 64), "attn_k": (32, 64), "attn_v": (32, 64), "attn_output": (64, 64)}
    matrices |= {"ffn_gate": (128, 64), "ffn_up": (128, 64), "ffn_down": (64, 128)}
    for name, (rows, columns) in matrices.items():
        tensors.append((f"blk.0.{name}.weight", [columns, rows], 135, iq2_bn(rows, columns)))
    tensors.append(("output_norm.weight", [64], 0, struct.pack("<f", 1) * 64))
    return file(entries, tensors)


def of_kind(architecture, counts, numbers_of, lists, norms, matrices, others):
    """A model with a vocabulary of five tokens: hidden 64; `numbers_of` are floats, `lists` whole entries, `matrices` rows
    and columns, or experts, rows and columns, `others` tensors of F32."""
    entries = [entry("general.architecture", 8, string(architecture))]
    entries += [entry(f"{architecture}.{key}", 4, struct.pack("<I", count)) for key, count in counts.items()]
    entries += [entry(f"{architecture}.{key}", 6, struct.pack("<f", number)) for key, number in numbers_of.items()]
    entries += [entry(f"{architecture}.{key}", 9, value) for key, value in lists.items()]
    entries.append(entry("tokenizer.ggml.tokens", 9, texts("abcde")))
    ones = lambda count: struct.pack("<f", 1) * count
    tensors = [(f"{name}.weight", [64, 5], 1, struct.pack("<e", 0.5) * 320) for name in ("token_embd", "output")]
    tensors += [(f"{name}.weight", [width], 0, ones(width)) for name, width in (norms | {"output_norm": 64}).items()]
    for name, (*count, rows, columns) in matrices.items():
        dimensions = [columns, rows, *count]
        tensors.append((f"{name}.weight", dimensions, 135, iq2_bn(rows * (count or [1])[0], columns)))
    tensors += [(name, shape[::-1], 0, struct.pack("<f", value) * math.prod(shape)) for name, (value, *shape) in others.items()]
    return file(entries, tensors)


ATTENTION = {"context_length": 16, "embedding_length": 64, "attention.head_count": 1, "attention.head_count_kv": 1}
ATTENTION |= {"attention.key_length": 64, "attention.value_length": 64}


def maple():
    """One block with a window and two experts, of which one is used."""
    counts = ATTENTION | {"block_count": 1, "expert_count": 2, "expert_used_count": 1, "expert_feed_forward_length": 64}
    counts |= {"attention.sliding_window": 4, "rope.dimension_count": 32}
    numbers_of = {"attention.layer_norm_rms_epsilon": 1e-6, "rope.freq_base": 1e4}
    lists = {"attention.sliding_window_pattern": numbers(7, "?", [True]), "swiglu_clamp_exp": numbers(6, "f", [7.0])}
    block = lambda sizes: {f"blk.0.{name}": size for name, size in sizes.items()}
    norms = block({"attn_norm": 64, "attn_q_norm": 64, "attn_k_norm": 64, "ffn_norm": 64})
    matrices = block({name: (64, 64) for name in ("attn_q", "attn_k", "attn_v", "attn_output")})
    matrices |= block({f"ffn_{name}_exps": (2, 64, 64) for name in ("gate", "up", "down")})
    return of_kind("maple", counts, numbers_of, lists, norms, matrices, {"blk.0.ffn_gate_inp.weight": (1, 2, 64)})


def qwen35():
    """A block with the delta rule and one with attention."""
    counts = ATTENTION | {"block_count": 2, "feed_forward_length": 64, "full_attention_interval": 2}
    counts |= {"ssm.conv_kernel": 4, "ssm.state_size": 64, "ssm.group_count": 1, "ssm.time_step_rank": 1}
    counts |= {"ssm.inner_size": 64, "rope.dimension_count": 16}
    numbers_of = {"attention.layer_norm_rms_epsilon": 1e-6, "rope.freq_base": 1e4}
    norms = {"blk.0.ssm_norm": 64, "blk.1.attn_q_norm": 64, "blk.1.attn_k_norm": 64}
    norms |= {f"blk.{layer}.{name}": 64 for layer in (0, 1) for name in ("attn_norm", "post_attention_norm")}
    matrices = {"blk.0.attn_qkv": (192, 64), "blk.0.attn_gate": (64, 64), "blk.0.ssm_out": (64, 64)}
    matrices |= {"blk.1.attn_q": (128, 64), "blk.1.attn_k": (64, 64), "blk.1.attn_v": (64, 64)}
    matrices |= {"blk.1.attn_output": (64, 64)}
    matrices |= {f"blk.{layer}.ffn_{name}": (64, 64) for layer in (0, 1) for name in ("gate", "up", "down")}
    others = {"blk.0.ssm_alpha.weight": (1, 1, 64), "blk.0.ssm_beta.weight": (1, 1, 64), "blk.0.ssm_a": (-1, 1)}
    others |= {"blk.0.ssm_conv1d.weight": (1, 192, 4), "blk.0.ssm_dt.bias": (0, 1)}
    return of_kind("qwen35", counts, numbers_of, {}, norms, matrices, others)


def main():
    scalars = [
        entry(f"k.{kind}", kind, bytes(size))
        for kind, size in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 4), (5, 4), (6, 4), (7, 1), (10, 8), (11, 8), (12, 8)]
    ]
    nested = entry("k.9", 9, struct.pack("<IQ", 9, 2) + numbers(5, "i", [1, 2]) + numbers(5, "i", [3]))
    tensors = [
        ("norm", [3], 0, bytes(12)),
        ("i2_s", [128, 2], 36, bytes([0x55] * 64) + bytes(32)),
        ("tq1_0", [256], 34, bytes(52) + b"\x00\x3c"),
        ("tq2_0", [256], 35, bytes(64) + b"\x00\x3c"),
        ("iq1_bn", [64, 2], 134, (b"\x00\x3c" + bytes(13)) * 2),
        ("iq2_bn", [64, 2], 135, (struct.pack("<f", 1) + bytes(16)) * 2),
        ("iq2_bn_r4", [64, 4], 335, struct.pack("<4f", 1, 1, 1, 1) + bytes(64)),
        ("q8_0", [32], 8, bytes(34)),
        ("q4_0", [32], 2, bytes([0, 0] + [0x88] * 16)),
        ("q6_k", [256], 14, bytes(210)),
    ]
    half = b"\x00\x3c"
    in_groups = [
        ("q2_0", [64, 24], 42, (half + bytes([0x55] * 16)) * 24),
        ("pq2_0", [128, 2], 142, (half + bytes([0x55] * 32)) * 2),
        ("ptq1_0", [128, 2], 143, (bytes(26) + half) * 2),
        ("q1_0", [128, 2], 41, (half + bytes(16)) * 2),
    ]
    legacy = [("a", [128, 12], 42, (half + bytes([0x55] * 32)) * 12), ("b", [128], 42, half + bytes([0x55] * 32))]
    for target in ("gguf", "model"):
        write(target, "in_groups", file([], in_groups))
        write(target, "legacy_q2_0", file([], legacy))
        write(target, "stq1_0", file([], [("a", [256, 2], 42, bytes(84))]))
        write(target, "scalars", file(scalars + [nested], []))
        write(target, "tensors", file([entry("general.alignment", 4, struct.pack("<I", 64))], tensors, 64))
    for target in ("model", "steps"):
        write(target, "model", model())
        write(target, "maple", maple())
        write(target, "qwen35", qwen35())
    byte_level = [chr(c) for c in range(33, 127)] + ["Ġ", "Ċ", "Å", "µ"]
    write("tokenizer", "bpe", file(vocabulary("gpt2", byte_level + ["fo", "fox"], ["f o", "fo x"]), []))
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{n:02X}>" for n in range(256)] + ["▁", "A", "▁A"]
    write("tokenizer", "spm", file(vocabulary("llama", pieces, []), []))
    write("ternary", "i2_s", bytes([2, 1]) + bytes([0x55] * 64) + struct.pack("<f", 0.5) + bytes(28))
    write("ternary", "tq2_0", bytes([1, 1]) + bytes([0x55] * 64) + b"\x00\x3c")
    write("ternary", "tq1_0", bytes([1, 1]) + bytes(52) + b"\x00\x3c")
    write("ternary", "iq1_bn", bytes([2, 1]) + (b"\x00\x3c" + bytes(13)) * 2)
    write("ternary", "iq2_bn", bytes([4, 1]) + (struct.pack("<f", 1) + bytes(16)) * 4)
    write("ternary", "iq2_bn_r4", bytes([4, 1]) + struct.pack("<4f", 1, 1, 1, 1) + bytes(64))
    write("ternary", "packed_rows", bytes([2, 3]) + bytes([0x49, 0x92, 0x24, 0x00, 0x55, 0xAA]))
    write("ternary", "int8", bytes([2, 3]) + bytes([1, 0, 255, 255, 1, 0]))
    plain = [("a.weight", "F16", [2, 3], bytes(12)), ("b", "I8", [5], bytes(5)), ("c", "BF16", [], bytes(2))]
    write("safetensors", "three", safetensors(plain, {"format": "pt"}))
    write("safetensors", "none", safetensors([]))
    index = {"metadata": {"total_size": 4}, "weight_map": {"model.layers.0.input_layernorm.weight": "one.safetensors"}}
    write("directory", "byte_level", directory("bitnet-packed", index))
    write("directory", "sentencepiece", directory("llama-packed", None))
    chat = "{% for m in messages %}<|{{ m.role }}|>{{ m['content'] | trim }}{% endfor %}{% if add_generation_prompt %}x{% endif %}"
    python = "{% set ns = namespace(n=0) %}{% for m in messages[::-1] %}{{ '%s' % m.content.split(' ') | tojson }}{% endfor %}"
    macro = "{% macro f(a, b=1) %}{{ a.replace('a', 'b').upper()[1:] ~ b }}{% endmacro %}{{ f(messages[0].content) }}{{ bos_token }}"
    for name, source in (("chat", chat), ("python", python), ("macro", macro)):
        write("template", name, "\xff".join([source, "system", "be brief", "user", "a b", "assistant", "c"]).encode("latin-1"))
    parts = [bytes([3, 3]) + b"{}", bytes([4, 3]) + bytes(8), bytes([5, 3]) + json.dumps(index).encode(), bytes([7, 0])]
    write("path", "directory", b"\xff".join(parts))
    half = [entry("split.no", 2, bytes(2)), entry("split.count", 2, struct.pack("<H", 2)), entry("split.tensors.count", 5, bytes(4))]
    write("path", "split", b"\xff".join([bytes([0, 3]) + file(half, []), bytes([1, 1, 0]), bytes([2, 2])]))
    for name, checkpoint in (("byte_level", "bitnet-packed"), ("sentencepiece", "llama-packed")):
        tokenizer = json.loads((CHECKPOINTS / checkpoint / "tokenizer.json").read_text())
        write("tokenizer_json", name, json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")).encode())


if __name__ == "__main__":
    main()
