#!/usr/bin/env python3
"""Writes tests/fixtures/layouts.safetensors: matrices in the ternary layouts that Trine repacks when it loads them.

For a layout L and a matrix M there is `L.M.bytes` (uint8), and for each matrix `M.values` (float16, [rows, columns]) of
the float16 file from which the others were quantized. IQ1_BN, IQ2_BN and IQ2_BN_R4 are cut from files that ik_llama.cpp
wrote. The packings of I2_S are written by bitnet.cpp's own function `quantize_i2_s`, compiled from its source for each
of the machines that it knows.
"""

import argparse
import ctypes
import re
import subprocess
import tempfile
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save

from gguf_io import I2_S_TRAILER, RawReader

MATRICES = {"blk.0.attn_k.weight": 128, "blk.1.ffn_down.weight": 8}
"""Tensors of the files, and how many of their rows are taken: a multiple of four."""

ROW_BYTES = {
    "IQ1_BN": lambda columns: 2 + columns // 64 * 13,
    "IQ2_BN": lambda columns: 4 + columns // 4,
    "IQ2_BN_R4": lambda columns: 4 + columns // 4,
}

PACKINGS = {
    "I2_S_X86": ["-D__AVX2__", "-DACT_PARALLEL", "-DQK_I2_S=128"],
    "I2_S_INTERLEAVED4": ["-D__AVX2__", "-DQK_I2_S=128"],
    "I2_S_ARM": ["-D__ARM_NEON", "-DQK_I2_S=64"],
}
"""How `quantize_i2_s` is compiled for each packing."""

PROLOGUE = """
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#define GGML_TYPE_I2_S 36
static size_t ggml_row_size(int, int64_t n) { return n; }
extern "C" {
"""


def compiled(source, flags, folder):
    """`quantize_i2_s` of `source` as a library function."""
    function = re.search(r"^size_t quantize_i2_s\(.*?^}$", source, re.DOTALL | re.MULTILINE).group()
    code, library = folder / "quantize.cpp", folder / f"{abs(hash(tuple(flags)))}.so"
    code.write_text(PROLOGUE + function + "\n}\n")
    subprocess.run(["g++", "-O1", "-shared", "-fPIC", *flags, str(code), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library)).quantize_i2_s


def i2s(quantize, values):
    """The bytes of an I2_S matrix. Those after the scale are 0 here; bitnet.cpp leaves them as they are."""
    data = np.zeros(values.size // 4 + I2_S_TRAILER, np.uint8)
    rows, columns = values.shape
    pointer = lambda array: array.ctypes.data_as(ctypes.c_void_p)
    quantize(pointer(values), pointer(data), ctypes.c_int64(rows), ctypes.c_int64(columns), None)
    return data


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--f16", type=Path, required=True, help="the float16 file")
    parser.add_argument("--ik", type=Path, required=True, help="folder with tiny-LAYOUT.gguf by ik_llama.cpp")
    parser.add_argument("--bitnet", type=Path, required=True, help="bitnet.cpp's src/ggml-bitnet-mad.cpp")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/layouts.safetensors"))
    arguments = parser.parse_args()

    source = {tensor.name: tensor.data for tensor in gguf.GGUFReader(arguments.f16).tensors}
    values = {name: source[name][:rows].astype(np.float32) + 0.0 for name, rows in MATRICES.items()}
    tensors = {f"{name}.values": matrix.astype(np.float16) for name, matrix in values.items()}
    for layout, row_bytes in ROW_BYTES.items():
        reader = RawReader(arguments.ik / f"tiny-{layout}.gguf")
        for name, matrix in values.items():
            rows, columns = matrix.shape
            tensors[f"{layout}.{name}.bytes"] = reader.bytes_of(name, rows * row_bytes(columns))
    with tempfile.TemporaryDirectory() as folder:
        for packing, flags in PACKINGS.items():
            quantize = compiled(arguments.bitnet.read_text(), flags, Path(folder))
            for name, matrix in values.items():
                tensors[f"{packing}.{name}.bytes"] = i2s(quantize, matrix)
    arguments.out.write_bytes(save(tensors))


if __name__ == "__main__":
    main()
