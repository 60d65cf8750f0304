#!/usr/bin/env python3
"""Writes tests/fixtures/blocks.safetensors: raw blocks of each tensor type and the values they decode to.

For each type T there are two tensors: `T.bytes` (uint8, row after row) and `T.values` (float32, [rows, columns]).
The values of the dense types and of TQ1_0 and TQ2_0 come from `gguf.quants.dequantize`, those of I2_S from the F16 file
from which bitnet.cpp's own quantizer wrote the I2_S file.
"""

import argparse
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType, quants
from safetensors.numpy import save

from gguf_io import I2_S, I2_S_TRAILER, RawReader

SEED = 20240217
I2_S_TENSOR = "blk.0.attn_k.weight"

SHAPES = {
    "Q8_0": (5, 96),
    "Q4_0": (3, 160),
    "Q4_1": (7, 64),
    "Q6_K": (3, 512),
    "TQ1_0": (2, 768),
    "TQ2_0": (3, 512),
    "Q5_0": (4, 96),
    "Q5_1": (6, 64),
    "Q4_K": (4, 512),
    "Q5_K": (2, 768),
}
"""Rows and columns by type; no two types share a shape with another block size."""

SCALE_OFFSETS = {
    "Q8_0": [0],
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q6_K": [208],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
}
"""Byte offsets of the f16 numbers in a block of random bytes."""


def dense_blocks(random, name, rows, columns):
    """Random codes under finite f16 scales of both signs; the last block is zero, as engines write it."""
    block, size = gguf.GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    data = random.integers(0, 256, (rows * columns // block, size), dtype=np.uint8)
    for offset in SCALE_OFFSETS[name]:
        scales = random.uniform(-0.1, 0.1, len(data)).astype(np.float16)
        data[:, offset : offset + 2] = scales.view(np.uint8).reshape(-1, 2)
    zeros = np.zeros((1, block), np.float32)
    data[-1] = 0 if name.endswith("_K") else quants.quantize(zeros, GGMLQuantizationType[name])[0]
    return data.reshape(rows, -1)


def ternary_blocks(random, name, rows, columns):
    """Random ternary values with another scale in each block of 256; the last block is all zero."""
    values = random.integers(-1, 2, (rows * columns // 256, 256)).astype(np.float32)
    values *= random.uniform(0.01, 0.1, (len(values), 1)).astype(np.float16).astype(np.float32)
    values[-1] = 0
    return quants.quantize(values.reshape(rows, columns), GGMLQuantizationType[name])


def half_precision(random):
    """F16 and BF16: normal, subnormal, largest and zero values of both signs."""
    edges = [0, -0.0, 65504, -65504, 6e-8, -6e-8, 6e-5, -1e-5, 2**-14, 1 / 3]
    half = np.concatenate([random.standard_normal(30), edges])
    half = half.astype(np.float16).reshape(5, 8)
    brain = (random.integers(0, 1 << 16, 42) & 0xBFFF).astype(np.uint16)
    brain[:4] = [0x0000, 0x8000, 0x7F7F, 0x0001]
    brain = brain.reshape(6, 7)
    return {
        "F16.bytes": half.view(np.uint8),
        "F16.values": quants.dequantize(half, GGMLQuantizationType.F16),
        "BF16.bytes": brain.view(np.uint8),
        "BF16.values": quants.dequantize(brain.view(np.uint8), GGMLQuantizationType.BF16),
    }


def i2s_tensor(i2s_path, f16_path):
    """One whole tensor that bitnet.cpp quantized to I2_S, and its values in the file that it read (-0 as +0)."""
    reader = RawReader(i2s_path)
    shape, type_id, _ = reader.raw_tensors[I2_S_TENSOR]
    assert type_id == I2_S, f"{i2s_path}: {I2_S_TENSOR} has type {type_id}"
    data = reader.bytes_of(I2_S_TENSOR, shape[0] * shape[1] // 4 + I2_S_TRAILER)
    source = next(tensor for tensor in gguf.GGUFReader(f16_path).tensors if tensor.name == I2_S_TENSOR)
    return {"I2_S.bytes": data, "I2_S.values": source.data.astype(np.float32) + 0.0}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--i2s", type=Path, required=True, help="a file that bitnet.cpp quantized to I2_S")
    parser.add_argument("--f16", type=Path, required=True, help="the F16 file it was made from")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/blocks.safetensors"))
    arguments = parser.parse_args()

    random = np.random.default_rng(SEED)
    tensors = half_precision(random)
    for name, (rows, columns) in SHAPES.items():
        make = ternary_blocks if name.startswith("TQ") else dense_blocks
        data = make(random, name, rows, columns)
        values = quants.dequantize(data, GGMLQuantizationType[name])
        assert values.shape == (rows, columns) and np.isfinite(values).all()
        tensors |= {f"{name}.bytes": data, f"{name}.values": values}
    tensors |= i2s_tensor(arguments.i2s, arguments.f16)
    arguments.out.write_bytes(save({name: np.ascontiguousarray(value) for name, value in tensors.items()}))


if __name__ == "__main__":
    main()
