#!/usr/bin/env python3
"""Writes tests/fixtures/quantized.safetensors: f32 values and what other programs round them to.

`values` are float32, [rows, columns]. `Q8_0.bytes` and `Q4_0.bytes` are from the `gguf` package, `Q6_K.bytes` from
llama.cpp's `ggml_quantize_chunk`, which the library given exports. PyPI: gguf==0.19.0, xllamacpp==2026.10.11549 (its
one shared library), safetensors==0.8.0, numpy==2.4.6.
"""

import argparse
import ctypes
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, quants
from safetensors.numpy import save

SEED = 20240911
ROWS, COLUMNS = 9, 512


def values():
    """Weights of usual sizes, and blocks at the edges of the rules."""
    random = np.random.default_rng(SEED)
    values = random.standard_normal((ROWS, COLUMNS)).astype(np.float32)
    values *= np.float32(0.02) * np.exp(random.uniform(-2, 2, (ROWS, 1))).astype(np.float32)
    values[3, :256] = 0
    values[3, 256:272] = 0  # one group without a value
    values[3, 288:304] *= np.float32(1e-4)  # and one whose scale rounds to zero
    values[4, ::7] *= 30  # outliers
    values[5, :256] = np.round(values[5, :256] * 400) / 8  # halves, and equal magnitudes of both signs
    values[6, :256] = np.abs(values[6, :256])
    values[6, 256:] = -np.abs(values[6, 256:])
    values[7] *= 1e3
    values[8] *= np.float32(0.02)  # scales of Q6_K are subnormal, but not zero
    return values


def by_llama_cpp(library, name, values):
    """The bytes that `ggml_quantize_chunk` writes, without importance weights."""
    ggml = ctypes.CDLL(str(library))
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    row_bytes = quants.quant_shape_to_byte_shape(values.shape, GGMLQuantizationType[name])[-1]
    out = np.zeros((len(values), row_bytes), np.uint8)
    pointer = lambda array: array.ctypes.data_as(ctypes.c_void_p)
    rows, columns = (ctypes.c_int64(length) for length in values.shape)
    kind = ctypes.c_int(GGMLQuantizationType[name].value)
    written = ggml.ggml_quantize_chunk(
        kind, pointer(values), pointer(out), ctypes.c_int64(0), rows, columns, ctypes.c_void_p()
    )
    assert written == out.nbytes, f"{written} bytes of {name}, not {out.nbytes}"
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ggml", type=Path, required=True, help="a shared library with ggml_quantize_chunk")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/quantized.safetensors"))
    arguments = parser.parse_args()

    source = values()
    tensors = {"values": source}
    for name in ["Q8_0", "Q4_0"]:
        tensors[f"{name}.bytes"] = quants.quantize(source, GGMLQuantizationType[name])
        other = by_llama_cpp(arguments.ggml, name, source)
        print(f"{name}: {np.count_nonzero(other != tensors[f'{name}.bytes'])} bytes differ between gguf and llama.cpp")
    tensors["Q6_K.bytes"] = by_llama_cpp(arguments.ggml, "Q6_K", source)
    arguments.out.write_bytes(save({name: np.ascontiguousarray(value) for name, value in tensors.items()}))


if __name__ == "__main__":
    main()
