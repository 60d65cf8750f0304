"""The models of the golden data and the prompts they are run on.

`prompts.json` holds what `find_prompts.py` found. Within a model and between the models of one engine the numbers
differ wherever a mistake could hide; transformers wants the query projection of a BitNet as wide as the hidden state.
"""

import json
from pathlib import Path

from parameters import Dimensions

PROMPTS = Path(__file__).with_name("prompts.json")

# Modules of a layer of transformers, by their names in GGUF files.
MATRIX_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
NORM_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_sub_norm": "self_attn.attn_sub_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_sub_norm": "mlp.ffn_sub_norm",
}


def model(name, architecture, seed, sizes, **others):
    """`sizes` in the order layers, hidden, ffn, heads, kv_heads, head_dim, vocabulary, context."""
    return Dimensions(name, architecture, seed, *sizes, **others)


HF_MODELS = [
    model("a", "bitnet-b1.58", 11, (2, 256, 512, 4, 2, 64, 320, 128), rope_theta=500000.0, rms_eps=1e-5),
    model("b", "bitnet-b1.58", 48, (2, 512, 256, 16, 2, 32, 288, 96), rope_theta=10000.0, rms_eps=1e-6),
    model("m", "bitnet-b1.58", 61, (2, 108, 150, 6, 3, 18, 275, 80), rope_theta=40000.0, rms_eps=3e-6, masters=True),
]
"""Run by HF transformers: squared ReLU, sub-norms, per-token int8 activations. The widths of `m`, which is stored as
float masters, are multiples of no quantized type's block."""

LLAMA_TERNARY_MODELS = [
    model("bitnet", "bitnet", 21, (2, 256, 512, 4, 2, 64, 272, 144), rope_theta=500000.0, rms_eps=1e-5),
    model("llama", "llama", 22, (1, 256, 768, 16, 2, 32, 264, 112), rope_theta=10000.0, rms_eps=1e-6, tied=False),
]
"""Run by llama.cpp with TQ1_0 and TQ2_0 matrices: SiLU, int8 activations per block of 256."""

DENSE = {"ternary": False, "rope_theta": 10000.0, "rms_eps": 1e-5}

LLAMA_DENSE_MODELS = [
    model("bitnet-dense", "bitnet", 31, (2, 96, 160, 6, 3, 16, 272, 80), **DENSE),
    model("llama-dense", "llama", 32, (2, 64, 160, 8, 2, 16, 264, 88), **DENSE, tied=False),
    model("llama-tied", "llama", 33, (3, 64, 96, 4, 1, 32, 280, 72), **DENSE, rope_factors=True),
    model("llama-k", "llama", 34, (1, 256, 160, 6, 3, 32, 268, 64), **DENSE),
    model("llama-bias", "llama", 35, (2, 48, 80, 6, 2, 12, 262, 56), **DENSE, biases=True),
]
"""Run by llama.cpp with dense matrices: one ties its head and divides its rotary frequencies by factors, one has widths
that are and widths that are not multiples of 256, one has a bias and a separate scale for each matrix."""


def prompts(name):
    """`prompt`, and for the models of transformers `greedy` (its continuation) and `batch` (a rectangle of prompts)."""
    return json.loads(PROMPTS.read_text())[name]
