#!/usr/bin/env python3
"""Writes small Gemma 3 models as HF transformers saves them and as GGUF files, and the logits of two engines.

tests/fixtures/gemma3 has of each model a directory, `NAME-f32.gguf` with the same values, and in `expected.safetensors`
two prompts of random ids, the long one beyond the window of sliding layers:

* `NAME.PROMPT.ids`: int32, [T];
* `NAME.PROMPT.logits`, `NAME.PROMPT.llama_cpp`: float32, [T, vocabulary] of the short prompt and the last 16 positions
  of the long one, by transformers with eager attention in float32 and by llama.cpp.

llama.cpp looks GELU up in a table of float16, so it agrees to 1e-3 alone. Directories have gains of norms as what is
added to 1. One has the entries that transformers 4 wrote.
"""

import argparse
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

os.environ["TORCH_COMPILE_DISABLE"] = "1"

import numpy as np
import torch
from safetensors.numpy import save
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

from gguf_io import add_byte_tokenizer, finish
from hf_small import NAMES, begin, gguf_name, load, randomise, record
from llama_cpp import LlamaCpp

TOLERANCE = 2e-3
BF16, F16, F32 = torch.bfloat16, torch.float16, torch.float32
GEMMA_NAMES = NAMES | {
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


@dataclass(frozen=True)
class Gemma3:
    """One model. `sizes`: hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary; `window`: positions that sliding
    layers see, 0 where none slides; `factor`: by which global layers turn slower."""

    name: str
    seed: int
    sizes: tuple
    window: int
    dtype: torch.dtype
    bases: tuple = (1e6, 1e4)
    factor: float = 1.0
    is_old: bool = False
    context: int = 320
    eps: float = 1e-6

    def kinds(self):
        """Which layers slide."""
        layers = self.sizes[2]
        if not self.window:
            return ["full_attention"] * layers
        return ["full_attention" if (layer + 1) % 6 == 0 else "sliding_attention" for layer in range(layers)]


MODELS = [
    Gemma3("sliding", 111, (48, 68, 7, 6, 2, 12, 261), 23, BF16, (1e5, 5e3)),
    Gemma3("full", 112, (36, 60, 2, 4, 1, 18, 262), 0, F16, (1e4, 1e4)),
    Gemma3("scaled", 113, (40, 52, 6, 4, 2, 14, 263), 100, F32, (1e6, 1e4), 8.0, is_old=True),
]


def write_directory(folder, model):
    """The directory of a model, whose values its type holds exactly; gives it as transformers loads it."""
    hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary = model.sizes
    scaled = {"rope_type": "linear", "factor": model.factor} if model.factor != 1 else {"rope_type": "default"}
    config = Gemma3TextConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=ffn,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=head_dim,
        query_pre_attn_scalar=head_dim,
        max_position_embeddings=model.context,
        rms_norm_eps=model.eps,
        sliding_window=model.window or 512,
        layer_types=model.kinds(),
        rope_parameters={
            "full_attention": scaled | {"rope_theta": model.bases[0]},
            "sliding_attention": {"rope_type": "default", "rope_theta": model.bases[1]},
        },
    )
    made = Gemma3ForCausalLM._from_config(config, dtype=torch.float32).eval()
    randomise(made, model.seed, around=0.0)
    made.to(model.dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    path = folder / "config.json"
    entries = json.loads(path.read_text())
    if model.is_old:
        entries.pop("rope_parameters")
        entries.pop("layer_types")
        entries.pop("_sliding_window_pattern", None)
        entries |= {"rope_theta": model.bases[0], "rope_local_base_freq": model.bases[1], "sliding_window_pattern": 6}
        entries["rope_scaling"] = {"rope_type": "linear", "factor": model.factor}
    path.write_text(json.dumps(entries, indent=1) + "\n")
    return load(folder, Gemma3ForCausalLM)


def write_gguf(path, model, loaded):
    """The model as a GGUF file with the names and keys of llama.cpp, every tensor in F32."""
    writer = begin(path, "gemma3", model)
    writer.add_rope_freq_base(model.bases[0])
    if model.window:
        writer.add_sliding_window(model.window)
        if model.bases[1] != 1e4:
            writer.add_float32("gemma3.rope.freq_base_swa", model.bases[1])
    if model.factor != 1:
        writer.add_string("gemma3.rope.scaling.type", "linear")
        writer.add_rope_scaling_factor(model.factor)
    add_byte_tokenizer(writer, model.sizes[-1])
    for name, values in loaded.state_dict().items():
        if name.startswith("lm_head"):
            continue
        values = values.numpy()
        values = values + np.float32(1) if values.ndim == 1 else values
        writer.add_tensor(gguf_name(name, GEMMA_NAMES), values)
    finish(writer)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/gemma3"), help="folder of the models")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    golden, llama_cpp = {}, LlamaCpp(arguments.oracle)
    for model in MODELS:
        path = arguments.out / f"{model.name}-f32.gguf"
        loaded = write_directory(arguments.out / model.name, model)
        write_gguf(path, model, loaded)
        record(golden, model, loaded, path, llama_cpp, TOLERANCE)
    (arguments.out / "expected.safetensors").write_bytes(save(golden))


if __name__ == "__main__":
    main()
