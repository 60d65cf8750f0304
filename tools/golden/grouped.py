#!/usr/bin/env python3
"""Writes tests/fixtures/grouped: weights with a scale for each group, and what other engines compute with them.

Blocks and activations are in `blocks.safetensors` and `q8_0.safetensors` (see `grouped_blocks.py`). The models of
`grouped_models.py` are written as `NAME-PACKING.gguf`, two also as the directories `NAME-unpacked` and `NAME-mlx`.
`expected.safetensors` has for each model NAME, for a prompt `short` at every position and for one `long` at the last:

* `NAME.PROMPT.ids`: int32, [T];
* `NAME.PROMPT.transformers`: float32, [rows, vocabulary], by transformers with eager attention in float32;
* `NAME.PROMPT.llama_cpp`: the same by llama.cpp of the decoded weights in F32;
* `NAME.PROMPT.q8_0`: by llama.cpp of the packed file (Q1_0 or Q2_0), whose activations it rounds to Q8_0.

All must agree with the numpy model in float64, which rounds nothing or as llama.cpp does, and so must transformers on
the directory of floats and MLX, in float32, on that of packed words.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import mlx.core as mlx
import numpy as np
import torch
from mlx_lm.utils import load_model
from safetensors.numpy import save

from ggml_library import Ggml
from grouped_blocks import activations, blocks
from grouped_files import FILES, write_mlx, write_packed, write_unpacked
from grouped_models import MODELS, GroupedModel, parameters_of, prompts, random_model
from hf_checkpoints import load
from hf_qwen import relative, write_gguf
from llama_cpp import LlamaCpp

ROUNDS_NOTHING = 3e-6
"""How far engines that round no activations may be from float64, |a - b| / |b|."""

ROUNDS_ALIKE = 2e-7
"""The same for engines that round all of them alike, where no other order of operations changes the rounding."""

FLIPS = 1e-2
"""The same where some activation lies so near to a boundary that it is rounded otherwise."""

KEPT = 5
"""How many of the last positions of the long prompt have logits."""


def write_files(out, scratch, grouped, built):
    """Every file of a model; gives the directories."""
    small, folders = grouped.small, {}
    if small.tokenizer:
        folders = {kind: out / f"{small.name}-{kind}" for kind in ("unpacked", "mlx")}
        write_unpacked(folders["unpacked"], small, built)
        write_mlx(folders["mlx"], folders["unpacked"], grouped.binary)
    tokenizer = folders.get("unpacked", scratch)
    write_gguf(scratch / f"{small.name}-f32.gguf", tokenizer, small, built)
    for suffix, packing in FILES[small.name].items():
        write_packed(out / f"{small.name}-{suffix}.gguf", tokenizer, small, built, packing)
    return folders


def by_mlx(folder, ids):
    """Logits of a directory by mlx-lm, in float32."""
    mlx.set_default_device(mlx.cpu)
    loaded, _ = load_model(folder, strict=True)
    loaded.set_dtype(mlx.float32)
    return np.array(loaded(mlx.array(ids[None]))[0])


def compare(name, found, expected, tolerance=None):
    """Prints how far logits are from others."""
    difference, largest = relative(found, expected), np.abs(found - expected).max()
    print(f"{name}: |a - b| / |b| {difference:.1e}, largest {largest:.1e} of {np.abs(expected).max():.2f}", flush=True)
    assert tolerance is None or difference < tolerance, f"{name}: the engines differ"


def record(out, scratch, grouped, llama_cpp, golden):
    """Writes a model and what all engines compute with it."""
    name, built = grouped.small.name, random_model(grouped)
    folders = write_files(out, scratch, grouped, built)
    parameters = parameters_of(grouped.small, built)
    packed = out / f"{name}-{'q1_0' if grouped.binary else 'q2_0'}.gguf"
    for prompt, ids in prompts(parameters, grouped.small.seed).items():
        key, kept = f"{name}.{prompt}", slice(None) if prompt == "short" else slice(-KEPT, None)
        (exact,), _ = GroupedModel(parameters, False).run([ids])
        (rounded,), _ = GroupedModel(parameters, True).run([ids])
        found = {
            "transformers": built(torch.from_numpy(ids)[None]).logits[0].numpy(),
            "llama_cpp": llama_cpp.logits(scratch / f"{name}-f32.gguf", ids.tolist()),
        }
        for engine, logits in found.items():
            compare(f"{key}, {engine}", logits, exact, ROUNDS_NOTHING)
        for kind, folder in folders.items():
            batch = torch.from_numpy(ids)[None]
            logits = by_mlx(folder, ids) if kind == "mlx" else load(folder)(batch).logits[0].numpy()
            compare(f"{key}, the directory {kind}", logits, exact, ROUNDS_NOTHING)
        found["q8_0"] = llama_cpp.logits(packed, ids.tolist())
        compare(f"{key}, q8_0", found["q8_0"], rounded, ROUNDS_ALIKE if prompt == "short" else FLIPS)
        compare(f"{key}, what q8_0 costs", found["q8_0"], exact)
        compare(f"{key}, what YaRN does", GroupedModel(parameters, False, yarn=False).run([ids])[0][0], exact)
        golden[f"{key}.ids"] = ids.astype(np.int32)
        golden |= {f"{key}.{engine}": logits[kept] for engine, logits in found.items()}


def save_tensors(path, tensors):
    """Writes arrays as safetensors."""
    path.write_bytes(save({key: np.ascontiguousarray(array) for key, array in tensors.items()}))


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/grouped"), help="folder of the files")
    arguments = parser.parse_args()
    ggml, llama_cpp, golden = Ggml(arguments.oracle), LlamaCpp(arguments.oracle), {}
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    save_tensors(arguments.out / "blocks.safetensors", blocks(ggml))
    save_tensors(arguments.out / "q8_0.safetensors", activations(ggml))
    with tempfile.TemporaryDirectory() as scratch:
        for grouped in MODELS:
            record(arguments.out, Path(scratch), grouped, llama_cpp, golden)
    save_tensors(arguments.out / "expected.safetensors", golden)


if __name__ == "__main__":
    main()
