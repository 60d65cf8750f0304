#!/usr/bin/env python3
"""Writes the BitNet models as GGUF files and what HF transformers computes with them.

The same codes and scales go into a transformers checkpoint in its packed form (`BitNetForCausalLM`, quantization
`bitnet`, linear class `autobitlinear`, offline) and into GGUF files as I2_S, TQ1_0 and TQ2_0; model `a` also as F32.
The float masters of model `m` go into a checkpoint that transformers quantizes itself (online), and into files as F32
and BF16; without a quantization, transformers also says what the masters compute as they are.
The checkpoint is loaded with `from_pretrained`, forward hooks record every sublayer, `generate` continues the prompt.

Before anything is kept, the logits must agree at every position with those of `numpy_model.py` in float64, in float32
and with more rounding noise than any engine has; the least distance of an x * s from a rounding boundary is printed.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

os.environ["TORCH_COMPILE_DISABLE"] = "1"

import numpy as np
import torch
from safetensors.numpy import save
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, BitNetConfig
from transformers.integrations.bitnet import pack_weights
from transformers.models.bitnet import modeling_bitnet

from models import HF_MODELS, MATRIX_NAMES, NORM_NAMES, prompts
from numpy_model import LOGIT_TOLERANCE, VARIANTS, Model, top_two_margin
from parameters import random_parameters, write_gguf

NORM_INPUTS = {
    "attn_norm": "input",
    "attn_sub_norm": "attention",
    "ffn_norm": "residual",
    "ffn_sub_norm": "ffn_product",
}
"""What the input of each normalisation is called in the golden file."""

TERNARY_FILES = ("I2_S", "TQ1_0", "TQ2_0")
MASTER_FILES = ("F32", "BF16")
"""Types of the matrices in the files of a model."""

OFFLINE, ONLINE, UNQUANTIZED = "offline", "online", None
"""What transformers does with the weights: takes them as ternary, makes them ternary, runs them as they are."""


def write_checkpoint(folder, parameters, quantization):
    """Writes `config.json` and `model.safetensors` for `from_pretrained`; packed ternary weights where offline."""
    dimensions = parameters.dimensions
    config = BitNetConfig(
        vocab_size=dimensions.vocabulary,
        hidden_size=dimensions.hidden,
        intermediate_size=dimensions.ffn,
        num_hidden_layers=dimensions.layers,
        num_attention_heads=dimensions.heads,
        num_key_value_heads=dimensions.kv_heads,
        max_position_embeddings=dimensions.context,
        rms_norm_eps=dimensions.rms_eps,
        rope_parameters={"rope_type": "default", "rope_theta": dimensions.rope_theta},
        hidden_act="relu2",
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=True,
        architectures=["BitNetForCausalLM"],
    ).to_dict()
    if quantization is not UNQUANTIZED:
        config["quantization_config"] = {
            "quant_method": "bitnet",
            "linear_class": "autobitlinear",
            "quantization_mode": quantization,
        }
    (folder / "config.json").write_text(json.dumps(config))
    tensors = {
        "model.embed_tokens.weight": torch.from_numpy(parameters.embedding),
        "model.norm.weight": torch.from_numpy(parameters.gains["output_norm"]),
    }
    for layer in range(dimensions.layers):
        prefix = f"model.layers.{layer}."
        for name, full_name in MATRIX_NAMES.items():
            key = f"blk.{layer}.{name}"
            if quantization == OFFLINE:
                codes = torch.from_numpy(parameters.codes[key].astype(np.float32))
                tensors[f"{prefix}{full_name}.weight"] = pack_weights(codes)
                tensors[f"{prefix}{full_name}.weight_scale"] = torch.tensor([float(parameters.scales[key])])
            else:
                tensors[f"{prefix}{full_name}.weight"] = torch.from_numpy(parameters.masters[key])
        for name, full_name in NORM_NAMES.items():
            tensors[f"{prefix}{full_name}.weight"] = torch.from_numpy(parameters.gains[f"blk.{layer}.{name}"])
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def load(parameters, quantization):
    """The model as transformers loads it, with the plain attention whose parts can be recorded."""
    with tempfile.TemporaryDirectory() as name:
        write_checkpoint(Path(name), parameters, quantization)
        model, report = AutoModelForCausalLM.from_pretrained(
            name, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
        )
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    linear = "Linear" if quantization is UNQUANTIZED else "AutoBitLinear"
    for layer in model.model.layers:
        for full_name in MATRIX_NAMES.values():
            module = layer.get_submodule(full_name)
            assert type(module).__name__ == linear
            assert getattr(module, "online_quant", False) == (quantization == ONLINE)
    return model.eval()


def rows(tensor):
    """[1, sequence, features], or [1, heads, sequence, head_dim], as a contiguous array [sequence, features]."""
    if tensor.dim() == 4:
        tensor = tensor.transpose(1, 2).flatten(2)
    return np.ascontiguousarray(tensor[0].detach().numpy())


def record_sublayers(model, ids):
    """Inputs and outputs of every sublayer of one forward pass, by their names in the golden file."""
    recorded, hooks = {}, []

    def watch(module, output_name, input_name=None):
        def hook(_, inputs, output):
            recorded[output_name] = rows(output)
            if input_name is not None:
                recorded[input_name] = rows(inputs[0])

        hooks.append(module.register_forward_hook(hook))

    for number, layer in enumerate(model.model.layers):
        prefix = f"layer.{number}."
        for name, full_name in MATRIX_NAMES.items():
            watch(layer.get_submodule(full_name), prefix + name)
        for name, full_name in NORM_NAMES.items():
            watch(layer.get_submodule(full_name), prefix + name, prefix + NORM_INPUTS[name])
        watch(layer, prefix + "output")
    watch(model.model.norm, "output_norm")

    plain_attention = modeling_bitnet.eager_attention_forward

    def attention(module, query, key, *others, **options):
        recorded[f"layer.{module.layer_idx}.attn_q_rope"] = rows(query)
        recorded[f"layer.{module.layer_idx}.attn_k_rope"] = rows(key)
        return plain_attention(module, query, key, *others, **options)

    modeling_bitnet.eager_attention_forward = attention
    try:
        recorded["logits"] = rows(model(ids).logits)
    finally:
        modeling_bitnet.eager_attention_forward = plain_attention
        for hook in hooks:
            hook.remove()
    return recorded


def run_transformers(model, expected):
    """Everything that goes into the golden file."""
    prompt = torch.tensor([expected["prompt"]])
    batch = torch.tensor(expected["batch"])
    generated = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=len(expected["greedy"]),
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
        output_logits=True,
        return_dict_in_generate=True,
    )
    greedy_logits = torch.cat(generated.logits).numpy()
    return record_sublayers(model, prompt) | {
        "prompt.ids": prompt[0].numpy().astype(np.int32),
        "greedy.ids": generated.sequences[0, prompt.shape[1] :].numpy().astype(np.int32),
        "greedy.logits": greedy_logits,
        "greedy.margin": top_two_margin(greedy_logits),
        "batch.ids": batch.numpy().astype(np.int32),
        "batch.logits": model(batch).logits.numpy(),
    }


def verify(parameters, expected, golden):
    """Compares transformers with the numpy model and its variants, and prints the distances from the boundaries."""
    assert golden["greedy.ids"].tolist() == expected["greedy"], "transformers continues the prompt otherwise"
    prompt_length = len(expected["prompt"])
    sequence = [expected["prompt"] + expected["greedy"][:-1]]
    for name, options in VARIANTS.items():
        model = Model(parameters, **options)
        (logits,), (distance,) = model.run(sequence)
        batch_logits, batch_distance = model.run(expected["batch"])
        differences = [
            np.abs(logits[:prompt_length] - golden["logits"]).max(),
            np.abs(logits[prompt_length - 1 :] - golden["greedy.logits"]).max(),
            np.abs(batch_logits - golden["batch.logits"]).max(),
        ]
        print(
            f"model {parameters.dimensions.name}, {name}: difference of logits {max(differences):.1e},"
            f" distance from a boundary {distance:.1e} (batch {batch_distance.min():.1e})"
        )
        assert max(differences) < LOGIT_TOLERANCE
    lead, largest = golden["greedy.margin"].min(), np.abs(golden["logits"]).max()
    print(f"model {parameters.dimensions.name}: least lead of the best logit {lead:.4f}, largest logit {largest:.2f}")


def write_ternary_model(folder, parameters, expected):
    """The files of a model with ternary weights."""
    name = parameters.dimensions.name
    golden = run_transformers(load(parameters, OFFLINE), expected)
    verify(parameters, expected, golden)
    (folder / f"{name}.safetensors").write_bytes(save(golden))
    for matrix_type in TERNARY_FILES:
        write_gguf(folder / f"{name}-{matrix_type.lower()}.gguf", parameters, matrix_type)
    if name == "a":
        write_gguf(folder / "a-f32.gguf", parameters, "F32", table_type="F32")


def write_master_model(folder, parameters, expected):
    """The files of a model with float masters, of which whole runs are kept."""
    name = parameters.dimensions.name
    golden = run_transformers(load(parameters, ONLINE), expected)
    verify(parameters, expected, golden)
    kept = {key: golden[key] for key in golden if key.startswith(("prompt.", "logits", "greedy."))}
    prompt = torch.tensor([expected["prompt"]])
    kept["unquantized.logits"] = rows(load(parameters, UNQUANTIZED)(prompt).logits)
    (folder / f"{name}.safetensors").write_bytes(save(kept))
    for matrix_type in MASTER_FILES:
        write_gguf(folder / f"{name}-{matrix_type.lower()}.gguf", parameters, matrix_type)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/hf"), help="folder of the files")
    parser.add_argument("--model", action="append", help="only this model (repeatable)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for dimensions in HF_MODELS:
        if arguments.model is None or dimensions.name in arguments.model:
            write = write_master_model if dimensions.masters else write_ternary_model
            write(arguments.out, random_parameters(dimensions), prompts(dimensions.name))


if __name__ == "__main__":
    main()
