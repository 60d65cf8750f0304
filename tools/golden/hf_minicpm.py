#!/usr/bin/env python3
"""Writes small MiniCPM models as OpenBMB saves them and as GGUF files, and the logits of two engines.

HF transformers has no MiniCPM; its Granite is the same graph with the scales given directly, so Granite's weights and
logits are recorded, and `config.json` is rewritten with MiniCPM's entries. tests/fixtures/minicpm has of each model a
directory, `NAME-f32.gguf` with the same values, and in `expected.safetensors` two prompts of random ids:

* `NAME.PROMPT.ids`: int32, [T];
* `NAME.PROMPT.logits`, `NAME.PROMPT.llama_cpp`: float32, [T, vocabulary] of the short prompt and the last 16 positions
  of the long one, by transformers and by llama.cpp.

One file has no keys of scales: llama.cpp then divides logits by 256/hidden where MiniCPM divides by hidden/256, so its
logits are put right here. One model has LongRoPE beyond its original context: transformers chooses divisors by the
length of the prompt, llama.cpp by the context, so the short prompt is llama.cpp's alone.
"""

import argparse
import json
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

os.environ["TORCH_COMPILE_DISABLE"] = "1"

import numpy as np
import torch
from safetensors.numpy import save
from transformers import GraniteConfig, GraniteForCausalLM

from directories import permuted
from gguf_io import add_byte_tokenizer, finish
from hf_small import NAMES, begin, gguf_name, load, randomise, record
from llama_cpp import LlamaCpp

TOLERANCE = 1e-5
BF16, F16, F32 = torch.bfloat16, torch.float16, torch.float32
CONTEXT = 1024
"""The context that the oracle allocates."""


@dataclass(frozen=True)
class MiniCpm:
    """One model. `sizes`: hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary; `mup`: scale_emb, scale_depth,
    dim_model_base; `original`: the first context of LongRoPE."""

    name: str
    seed: int
    sizes: tuple
    mup: tuple
    dtype: torch.dtype
    tied: bool = True
    context: int = 320
    original: int = 0
    has_keys: bool = True
    eps: float = 2e-6

    def scales(self):
        """What the embedding and the branches are multiplied by, and the logits divided by."""
        hidden, _, layers = self.sizes[:3]
        embedding, depth, base = self.mup
        return embedding, depth / math.sqrt(layers), hidden / base

    def rope(self):
        """Entries of RoPE."""
        if not self.original:
            return {"rope_type": "default", "rope_theta": 20000.0}
        pairs = self.sizes[5] // 2
        short = [1.0 + 0.05 * pair for pair in range(pairs)]
        long = [1.25 + 0.5 * pair for pair in range(pairs)]
        scaling = {"rope_type": "longrope", "rope_theta": 20000.0, "short_factor": short, "long_factor": long}
        return scaling | {"original_max_position_embeddings": self.original}

    def multiplier(self):
        """What cosines and sines are multiplied by."""
        longer = self.context / self.original
        return math.sqrt(1 + math.log(longer) / math.log(self.original)) if longer > 1 else 1.0


MODELS = [
    MiniCpm("first", 101, (44, 68, 2, 6, 2, 10, 261), (12, 1.4, 256), BF16, has_keys=False),
    MiniCpm("scaled", 102, (64, 76, 3, 4, 2, 14, 263), (6.5, 1.9, 16), F16, False),
    MiniCpm("long", 103, (36, 60, 2, 6, 3, 12, 262), (3.25, 1.2, 24), F32, context=CONTEXT, original=64),
    MiniCpm("short", 104, (36, 52, 2, 4, 1, 16, 264), (5.0, 1.4, 9), BF16, context=CONTEXT, original=CONTEXT),
]


def write_directory(folder, model):
    """The directory of a model, whose values its type holds exactly; gives it as transformers loads it."""
    hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary = model.sizes
    embedding, residual, logits = model.scales()
    config = GraniteConfig(
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
        rope_parameters=model.rope(),
        embedding_multiplier=embedding,
        residual_multiplier=residual,
        logits_scaling=logits,
        attention_multiplier=head_dim**-0.5,
    )
    made = GraniteForCausalLM._from_config(config, dtype=torch.float32).eval()
    randomise(made, model.seed)
    made.to(model.dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    loaded = load(folder, GraniteForCausalLM)
    path = folder / "config.json"
    entries = json.loads(path.read_text())
    for key in ("embedding_multiplier", "residual_multiplier", "logits_scaling", "attention_multiplier"):
        del entries[key]
    entries |= {"architectures": ["MiniCPMForCausalLM"], "model_type": "minicpm"}
    entries |= dict(zip(("scale_emb", "scale_depth", "dim_model_base"), model.mup, strict=True))
    scaling = entries.pop("rope_parameters")
    entries["rope_theta"] = scaling.pop("rope_theta")
    entries["rope_scaling"] = scaling if model.original else None
    path.write_text(json.dumps(entries, indent=1) + "\n")
    return loaded


def write_gguf(path, model, loaded):
    """The model as a GGUF file with the names, keys and order of rows of llama.cpp, every tensor in F32."""
    heads, kv_heads, head_dim = model.sizes[3:6]
    writer = begin(path, "minicpm", model)
    writer.add_rope_freq_base(20000.0)
    writer.add_rope_dimension_count(head_dim)
    if model.has_keys:
        embedding, residual, logits = model.scales()
        writer.add_embedding_scale(embedding)
        writer.add_residual_scale(residual)
        writer.add_logit_scale(logits)
    if model.original:
        scaling = model.rope()
        writer.add_string("minicpm.rope.scaling.type", "longrope")
        writer.add_rope_scaling_orig_ctx_len(model.original)
        writer.add_rope_scaling_attn_factors(model.multiplier())
        for kind in ("short", "long"):
            writer.add_tensor(f"rope_factors_{kind}.weight", np.array(scaling[f"{kind}_factor"], np.float32))
    add_byte_tokenizer(writer, model.sizes[-1])
    for name, values in loaded.state_dict().items():
        if model.tied and name.startswith("lm_head"):
            continue
        values = values.numpy()
        if "q_proj" in name:
            values = permuted(values, heads)
        elif "k_proj" in name:
            values = permuted(values, kv_heads)
        writer.add_tensor(gguf_name(name, NAMES), np.ascontiguousarray(values))
    finish(writer)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/minicpm"), help="folder of the models")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    golden, llama_cpp = {}, LlamaCpp(arguments.oracle)
    for model in MODELS:
        path = arguments.out / f"{model.name}-f32.gguf"
        loaded = write_directory(arguments.out / model.name, model)
        write_gguf(path, model, loaded)
        divisor = model.scales()[2]
        factor = 1.0 if model.has_keys else divisor**-2
        is_longer = 0 < model.original < model.context
        record(golden, model, loaded, path, llama_cpp, TOLERANCE, factor, skip_short=is_longer)
    (arguments.out / "expected.safetensors").write_bytes(save(golden))


if __name__ == "__main__":
    main()
