"""What the scripts of small models share: prompts, the logits of two engines, and how GGUF files are begun.

Belongs here: recording, and keys that all architectures have. Does not belong here: what one architecture has.
"""

import gguf
import numpy as np
import torch

from gguf_io import FILE_TYPES
from hf_qwen import relative

SHORT, LONG, KEPT = 19, 150, 16
"""Lengths of the prompts, and how many of the last positions of the long one have logits."""

NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""Tensors of a block by their modules in directories."""

OUTSIDE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def gguf_name(name, names):
    """The name of a tensor in a GGUF file."""
    module, _, kind = name.rpartition(".")
    if module in OUTSIDE:
        return f"{OUTSIDE[module]}.{kind}"
    layer, rest = module.removeprefix("model.layers.").split(".", 1)
    return f"blk.{layer}.{names[rest]}.{kind}"


def begin(path, architecture, model, file_type="F32"):
    """A writer with the keys that all architectures have. `model.sizes`: hidden, ffn, layers, heads, kv_heads,
    head_dim, vocabulary."""
    hidden, ffn, layers, heads, kv_heads, head_dim, _ = model.sizes
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(f"trine golden {architecture} {model.name}")
    writer.add_file_type(FILE_TYPES[file_type])
    writer.add_block_count(layers)
    writer.add_context_length(model.context)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(model.eps)
    return writer


def randomise(model, seed, around=1.0):
    """Weights of every parameter: matrices that keep the variance, gains of a size of their own each."""
    random = torch.Generator().manual_seed(seed)
    for values in model.parameters():
        noise = torch.randn(values.shape, generator=random)
        if values.dim() == 1:
            values.data = around + 0.3 * noise + 0.2 * torch.rand((), generator=random)
        else:
            values.data = noise / values.shape[1] ** 0.5 * (0.7 + torch.rand((), generator=random))


def record(golden, model, loaded, path, llama_cpp, tolerance, factor=1.0, skip_short=False):
    """The logits of both engines for two prompts; llama.cpp's times `factor`. transformers' of the short prompt are
    left out where they follow another rule."""
    random = np.random.default_rng(model.seed)
    for prompt, length in (("short", SHORT), ("long", LONG)):
        ids, key = random.integers(0, model.sizes[-1], length), f"{model.name}.{prompt}"
        kept = slice(None) if prompt == "short" else slice(-KEPT, None)
        logits = loaded(torch.from_numpy(ids)[None]).logits[0].numpy()
        found = llama_cpp.logits(path, ids.tolist()) * np.float32(factor)
        difference = relative(found, logits)
        print(f"{key}: |a - b| / |b| {difference:.1e}, largest {np.abs(found - logits).max():.1e}", flush=True)
        golden |= {f"{key}.ids": ids.astype(np.int32), f"{key}.llama_cpp": np.ascontiguousarray(found[kept])}
        if prompt == "short" and skip_short:
            assert difference > 1e-3, "the rules differ"
            continue
        assert difference < tolerance, f"{path}: llama.cpp and transformers differ"
        golden[f"{key}.logits"] = np.ascontiguousarray(logits[kept])


def load(folder, kind):
    """The model as transformers loads it, nothing missing and nothing left over."""
    loaded, report = kind.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    return loaded.eval()
