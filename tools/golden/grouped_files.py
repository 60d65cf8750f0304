"""The models of `grouped_models.py` as files: GGUF in each packing, directories of floats and of MLX.

Belongs here: what is written and how, and the check that MLX itself decodes what is written for it. Does not belong
here: weights, packings, logits.
"""

import copy
import shutil
from functools import partial

import mlx.core as mlx
import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from grouped_packing import LEGACY, PACKINGS, pack, split
from hf_checkpoints import edit_config
from hf_qwen import with_old_keys, write_gguf, write_tokenizer

FILES = {
    "tied": {"q2_0": PACKINGS["Q2_0"], "q2_0-legacy": LEGACY, "pq2_0": PACKINGS["PQ2_0"], "ptq1_0": PACKINGS["PTQ1_0"]},
    "separate": {"q2_0": PACKINGS["Q2_0"], "ptq1_0": PACKINGS["PTQ1_0"]},
    "binary": {"q1_0": PACKINGS["Q1_0"]},
    "halves": {"q2_0": PACKINGS["Q2_0"]},
}
"""The packings of each model by the end of the file's name."""

MLX_GROUP, WORD_BITS = 128, 32


def add_packed(packing, writer, name, values):
    """Adds a matrix [out, in] to a `GGUFWriter`."""
    codes, scales = split(values, packing)
    data = pack(codes, scales, packing).reshape(len(values), -1)
    writer.add_tensor(name, data.view(np.int8), raw_shape=values.shape, raw_dtype=packing.type_id)


def write_packed(path, folder, small, built, packing):
    """A GGUF file with every matrix in one packing; `folder` has the tokenizer, or is none."""
    write_gguf(path, folder, small, built, packing.file_type, partial(add_packed, packing))


def write_unpacked(folder, small, built):
    """A directory as transformers saves it, in float16, with the keys of transformers 4 and a tokenizer."""
    copy.deepcopy(built).to(torch.float16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    with_old_keys(folder, small)
    edit_config(folder, **write_tokenizer(folder, small.sizes[-1] - 3, published=True))


def mlx_matrix(values, binary):
    """Codes in words of 32 bits, least significant first, scales and biases: w = code * scale + bias."""
    codes, scales = split(values, PACKINGS["Q1_0" if binary else "PQ2_0"])
    bits = 1 if binary else 2
    shifts = np.arange(0, WORD_BITS, bits, dtype=np.uint32)
    words = (codes.reshape(-1, WORD_BITS // bits).astype(np.uint32) << shifts).sum(1, dtype=np.uint32)
    scales = scales.reshape(len(values), -1)
    return words.reshape(len(values), -1), scales * np.float16(2 if binary else 1), -scales


def write_mlx(folder, unpacked, binary):
    """A directory like the unpacked one, of which every matrix is packed as MLX packs it."""
    shutil.copytree(unpacked, folder)
    quantization, tensors = {"group_size": MLX_GROUP, "bits": 1 if binary else 2}, {}
    for name, values in load_file(unpacked / "model.safetensors").items():
        if values.ndim == 1:
            tensors[name] = values
            continue
        packed = mlx_matrix(values.astype(np.float32), binary)
        decoded = mlx.dequantize(*map(mlx.array, packed), **quantization, dtype=mlx.float32)
        assert np.array_equal(np.array(decoded), values.astype(np.float32)), f"{name}: MLX decodes something else"
        tensors |= {name.replace("weight", kind): data for kind, data in zip(("weight", "scales", "biases"), packed)}
    save_file(tensors, folder / "model.safetensors", {"format": "mlx"})
    # Versions of mlx-lm write the entry under one name or under both.
    others = {} if binary else {"quantization_config": quantization}
    edit_config(folder, quantization=quantization, **others)
