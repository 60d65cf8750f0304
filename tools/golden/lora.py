#!/usr/bin/env python3
"""Writes adapters of low rank (LoRA) as HF PEFT saves them and as GGUF files, and the logits of two engines.

tests/fixtures/lora has a small Llama as HF transformers saves it (`llama`) and as a GGUF file (`llama-f32.gguf`), whose
query and key matrices have their rows in another order, two adapters of all matrices as PEFT saves them (`NAME`) and as
GGUF files (`NAME.gguf`), and in `expected.safetensors`:

* `ids`: int32, [T], the prompt;
* `none`: float32, [T, vocabulary], the logits without an adapter;
* `NAME`: with the adapter, by PEFT; `both`: with both, one after the other, the second one at strength STRENGTH.

`plain` has one rank and alpha; `patterns` has ranks and alphas of its own for some matrices, and divides by the root of
the rank. A GGUF adapter has one alpha, so that of `patterns` has its scales in the second factor, and an alpha of 0.
llama.cpp must agree with PEFT; the distance is printed.
"""

import argparse
import os
from pathlib import Path

os.environ["TORCH_COMPILE_DISABLE"] = "1"

import gguf
import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.numpy import save
from transformers import LlamaConfig

from directories import permuted
from gguf_io import add_byte_tokenizer, finish
from hf_checkpoints import LLAMA, load, make
from hf_qwen import relative
from llama_cpp import LlamaCpp
from models import MATRIX_NAMES, NORM_NAMES

LENGTH, STRENGTH, TOLERANCE = 13, -0.75, 2e-5
HEADS = {"attn_q": LLAMA["num_attention_heads"], "attn_k": LLAMA["num_key_value_heads"]}
ALL = [full.rpartition(".")[2] for full in MATRIX_NAMES.values()]
ADAPTERS = {
    "plain": LoraConfig(r=3, lora_alpha=7, target_modules=ALL),
    "patterns": LoraConfig(
        r=4,
        lora_alpha=6,
        use_rslora=True,
        target_modules=["q_proj", "k_proj", "v_proj", "down_proj"],
        rank_pattern={r"layers\.1\.self_attn\.q_proj": 2},
        alpha_pattern={"down_proj": 9},
    ),
}


def write_model(path, config, loaded):
    """The model as a GGUF file with the names, keys and the order of rows of llama.cpp, every tensor in F32."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("trine golden lora")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    add_byte_tokenizer(writer, config.vocab_size)
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    for layer in range(config.num_hidden_layers):
        for name, full in (MATRIX_NAMES | NORM_NAMES).items():
            names[f"model.layers.{layer}.{full}"] = f"blk.{layer}.{name}"
    for name, values in loaded.state_dict().items():
        target, values = names[name.removesuffix(".weight")], values.numpy()
        heads = HEADS.get(target.rpartition(".")[2])
        writer.add_tensor(f"{target}.weight", permuted(values, heads) if heads else values)
    finish(writer)


def write_adapter(path, adapted, layers, alpha):
    """The adapter as a GGUF file, as llama.cpp's converter lays it out; without an alpha the scales are in B."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha or 0.0)
    modules = dict(adapted.base_model.model.named_modules())
    for layer in range(layers):
        for name, full in MATRIX_NAMES.items():
            module = modules[f"model.layers.{layer}.{full}"]
            if not hasattr(module, "lora_A"):
                continue
            down, up = module.lora_A["default"].weight.numpy(), module.lora_B["default"].weight.numpy()
            up = up if alpha else up * np.float32(module.scaling["default"])
            up = permuted(up, HEADS[name]) if name in HEADS else up
            writer.add_tensor(f"blk.{layer}.{name}.weight.lora_a", down)
            writer.add_tensor(f"blk.{layer}.{name}.weight.lora_b", np.ascontiguousarray(up))
    finish(writer)


def adapted_model(folder, configuration, seed):
    """The model with a random adapter, both of whose factors are random."""
    random = torch.Generator().manual_seed(seed)
    model = get_peft_model(load(folder), configuration).eval()
    for name, values in model.named_parameters():
        if "lora_" in name:
            values.data = 0.3 * torch.randn(values.shape, generator=random)
    return model


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/lora"))
    arguments = parser.parse_args()
    out, llama_cpp = arguments.out, LlamaCpp(arguments.oracle)
    out.mkdir(parents=True, exist_ok=True)
    rope = {"rope_type": "default", "rope_theta": 25000.0}
    config = LlamaConfig(**LLAMA, tie_word_embeddings=False, rope_parameters=rope)
    folder, path = out / "llama", out / "llama-f32.gguf"
    make(config, 91, torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    write_model(path, config, load(folder))
    ids = np.random.default_rng(92).integers(3, config.vocab_size, LENGTH)
    batch = torch.from_numpy(ids)[None]
    golden = {"ids": ids.astype(np.int32), "none": load(folder)(batch).logits[0].numpy()}

    def compare(name, expected, *adapters):
        found = llama_cpp.adapted_logits(path, adapters, ids.tolist())
        difference = relative(found, expected)
        effect = relative(expected, golden["none"])
        print(f"{name}: |a - b| / |b| {difference:.1e}, the adapter changes the logits by {effect:.2f}", flush=True)
        assert difference < TOLERANCE, f"{name}: llama.cpp and PEFT differ"

    for number, (name, configuration) in enumerate(ADAPTERS.items()):
        model = adapted_model(folder, configuration, 93 + number)
        model.save_pretrained(out / name)
        (out / name / "README.md").unlink(missing_ok=True)
        alpha = None if configuration.use_rslora else float(configuration.lora_alpha)
        write_adapter(out / f"{name}.gguf", model, config.num_hidden_layers, alpha)
        golden[name] = np.ascontiguousarray(model(batch).logits[0].numpy())
        compare(name, golden[name], (out / f"{name}.gguf", 1.0))

    model = PeftModel.from_pretrained(load(folder), out / "plain", adapter_name="plain")
    model.load_adapter(out / "patterns", adapter_name="patterns")
    for module in model.modules():
        if hasattr(module, "lora_A") and "patterns" in module.scaling:
            module.scaling["patterns"] *= STRENGTH
    model.base_model.set_adapter(["plain", "patterns"])
    golden["both"] = np.ascontiguousarray(model.eval()(batch).logits[0].numpy())
    compare("both", golden["both"], (out / "plain.gguf", 1.0), (out / "patterns.gguf", STRENGTH))
    (out / "expected.safetensors").write_bytes(save(golden))


if __name__ == "__main__":
    main()
