#!/usr/bin/env python3
"""Writes tests/fixtures/gemma3_270m.json: what llama.cpp and HF transformers do with Gemma 3 270M in Q4_K_M.

Three prompts, cut into ids by llama.cpp (with the BOS that the file asks for), and llama.cpp's own 64 greedy tokens
after each, as in qwen2.py. llama.cpp rounds activations to 8 bits where they meet Q4_K, Q5_0, Q6_K and Q8_0 weights, and
looks GELU up in a table of float16. transformers runs the same ids on the weights as the `gguf` package decodes them,
in float64 but for its norms, which it computes in float32, and rounds nothing else.

The model comes from tools/fetch_gemma3.py, whose terms are Google's. Needs 5 GB of memory and some minutes.
docs/golden.md has the format.
"""

import argparse
import os
from pathlib import Path

os.environ["TORCH_COMPILE_DISABLE"] = "1"

import gguf
import numpy as np
import torch
from gguf import quants
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

from hf_gemma3 import GEMMA_NAMES
from hf_small import gguf_name
from llama_cpp import LlamaCpp
from qwen2 import PROMPTS, SAMPLE, record, trace, write

NAMES = ("english", "python", "cjk")
"""Those of the prompts that need no template: the model is a base model."""


def load(path):
    """The model of transformers with the decoded weights of a GGUF file."""
    reader = gguf.GGUFReader(path)
    entry = lambda key: reader.fields[f"gemma3.{key}"].contents()
    blocks, context = entry("block_count"), entry("context_length")
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    config = Gemma3TextConfig(
        vocab_size=int(tensors["token_embd.weight"].shape[1]),
        hidden_size=entry("embedding_length"),
        intermediate_size=entry("feed_forward_length"),
        num_hidden_layers=blocks,
        num_attention_heads=entry("attention.head_count"),
        num_key_value_heads=entry("attention.head_count_kv"),
        head_dim=entry("attention.key_length"),
        query_pre_attn_scalar=entry("attention.key_length"),
        max_position_embeddings=context,
        rms_norm_eps=1e-6,
        sliding_window=entry("attention.sliding_window"),
        layer_types=["full_attention" if (block + 1) % 6 == 0 else "sliding_attention" for block in range(blocks)],
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": entry("rope.freq_base")},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        },
        attn_implementation="eager",
    )
    model = Gemma3ForCausalLM._from_config(config, dtype=torch.float64).eval()
    for name, parameter in model.named_parameters():
        tensor = tensors.pop(gguf_name(name, GEMMA_NAMES))
        values = quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
        # The file has gains as they multiply, transformers what is added to 1.
        parameter.data.copy_(torch.from_numpy(values - 1 if values.ndim == 1 else values))
    assert not tensors, f"nothing takes {sorted(tensors)}"
    return model


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--model", type=Path, default=Path("models/gemma-3-270m.Q4_K_M.gguf"))
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/gemma3_270m.json"))
    arguments = parser.parse_args()
    llama_cpp, model = LlamaCpp(arguments.oracle), load(arguments.model)
    random = np.random.default_rng(2026)
    sample = random.choice(model.config.vocab_size, SAMPLE, replace=False)
    entries = []
    for name in NAMES:
        traced = trace(llama_cpp, arguments.model, PROMPTS[name])
        ids, greedy, _ = traced
        exact = model(torch.tensor([ids + greedy[:-1]])).logits[0].numpy()
        entries.append(record(name, PROMPTS[name], traced, exact, sample))
    write(arguments.out, arguments.model, sample, entries)


if __name__ == "__main__":
    main()
