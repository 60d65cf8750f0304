#!/usr/bin/env python3
"""Writes models for llama.cpp as GGUF files, and the logits that llama.cpp computes with them.

Ternary models are stored as TQ1_0 and TQ2_0 with float32 tables, because llama.cpp rounds the activations that meet a
float16 head; dense ones as F32, F16, BF16, Q8_0 and Q4_0. llama.cpp's own quantizer writes five more files: Q4_1
matrices with Q8_0 tables, TQ2_0 and Q2_0 with Q6_K ones, Q4_K with Q5_K ones and Q5_K with Q4_K ones; in the last two, matrices
whose width is no multiple of 256 become Q5_0 and Q5_1. `logits.safetensors` has for each file `NAME.ids` (int32, the
prompt) and `NAME.logits` (float32, [sequence, vocabulary]), and where llama.cpp rounds activations `NAME.exact`, the
logits of the numpy model, which does not.

The files are read back, their weights dequantized by the gguf package and run by `numpy_model.py`, which rounds
activations only where they meet ternary matrices. F32, TQ1_0 and TQ2_0 must agree with it; for the others the
difference is printed, which is what llama.cpp's rounding of activations costs.
"""

import argparse
import subprocess
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from models import LLAMA_DENSE_MODELS, LLAMA_TERNARY_MODELS, prompts
from numpy_model import BLOCK, LOGIT_TOLERANCE, Model, robust
from parameters import random_parameters, read_parameters, write_gguf

DENSE_TYPES = {
    "bitnet-dense": ["F32", "F16", "Q8_0"],
    "llama-dense": ["F32", "F16", "BF16", "Q8_0", "Q4_0"],
    "llama-tied": ["F32"],
    "llama-k": [],
    "llama-bias": ["F32"],
}
"""Types of the matrices and the tables of each dense model."""

EXACT_TYPES = ("F32", "TQ1_0", "TQ2_0")
"""Types with which llama.cpp does what `numpy_model.py` does."""

FILE_TYPE_Q4_1, FILE_TYPE_Q4_K, FILE_TYPE_Q5_K, FILE_TYPE_TQ2_0, FILE_TYPE_Q2_0 = 3, 14, 16, 37, 41
TENSOR_TYPE_Q8_0, TENSOR_TYPE_Q4_K, TENSOR_TYPE_Q5_K, TENSOR_TYPE_Q6_K = 8, 12, 13, 14


class LlamaCpp:
    """The program that setup.sh builds from llama_oracle.c."""

    def __init__(self, program):
        self.program = program

    def run(self, *arguments):
        """Standard output of one call."""
        command = [self.program, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def adapted_logits(self, path, adapters, ids):
        """Logits [sequence, vocabulary] of a file with adapters, each a path and its strength."""
        out = path.with_suffix(".logits")
        listed = [text for adapter, strength in adapters for text in (adapter, strength)]
        self.run("adapted", path, out, len(adapters), *listed, *ids)
        logits = np.fromfile(out, np.float32).reshape(len(ids), -1)
        out.unlink()
        return logits

    def logits(self, path, ids):
        """Logits [sequence, vocabulary] of a file."""
        out = path.with_suffix(".logits")
        self.run("logits", path, out, *ids)
        logits = np.fromfile(out, np.float32).reshape(len(ids), -1)
        out.unlink()
        return logits


class Generator:
    """Writes files into a folder and collects what llama.cpp computes with them."""

    def __init__(self, llama_cpp, folder):
        self.llama_cpp, self.folder, self.golden = llama_cpp, folder, {}

    def write(self, dimensions, matrix_type, table_type):
        """One file that the gguf package encodes."""
        path = self.folder / f"{dimensions.name}-{matrix_type.lower()}.gguf"
        write_gguf(path, random_parameters(dimensions), matrix_type, table_type)
        self.record(path, dimensions, exact=matrix_type in EXACT_TYPES)

    def quantize(self, dimensions, suffix, file_type, table_type, like=None):
        """One file that llama.cpp quantizes from float32; `like` holds the same weights in types that gguf knows."""
        source, path = self.folder / "source.gguf", self.folder / f"{dimensions.name}-{suffix}.gguf"
        write_gguf(source, random_parameters(dimensions), "F32", "F32")
        self.llama_cpp.run("quantize", source, path, file_type, table_type)
        source.unlink()
        self.record(path, dimensions, exact=False, like=like and self.folder / like)

    def record(self, path, dimensions, exact, like=None):
        """Runs a file and compares the logits with the numpy model's."""
        parameters, ids = read_parameters(like or path, dimensions), prompts(dimensions.name)["prompt"]
        logits = self.llama_cpp.logits(path, ids)
        (expected,), (distance,) = Model(parameters, BLOCK).run([ids])
        difference = np.abs(logits - expected).max()
        boundary = f", distance from a boundary {distance:.1e}" if dimensions.ternary else ""
        print(f"{path.name}: difference {difference:.1e} of {np.abs(logits).max():.2f}{boundary}", flush=True)
        assert difference < LOGIT_TOLERANCE or not exact, f"{path}: llama.cpp and numpy differ"
        assert robust(parameters, BLOCK, [ids]), f"{path}: rounding flips an activation"
        self.golden |= {f"{path.stem}.ids": np.array(ids, np.int32), f"{path.stem}.logits": logits}
        if not exact and not dimensions.ternary:
            self.golden[f"{path.stem}.exact"] = expected.astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/llama_cpp"), help="folder of the files")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    generator = Generator(LlamaCpp(arguments.oracle), arguments.out)
    for dimensions in LLAMA_TERNARY_MODELS:
        for matrix_type in ("TQ1_0", "TQ2_0"):
            generator.write(dimensions, matrix_type, "F32")
    for dimensions in LLAMA_DENSE_MODELS:
        for matrix_type in DENSE_TYPES[dimensions.name]:
            generator.write(dimensions, matrix_type, matrix_type)
    models = {dimensions.name: dimensions for dimensions in LLAMA_TERNARY_MODELS + LLAMA_DENSE_MODELS}
    generator.quantize(models["llama"], "tq2_0-q6_k", FILE_TYPE_TQ2_0, TENSOR_TYPE_Q6_K)
    generator.quantize(models["llama"], "q2_0", FILE_TYPE_Q2_0, TENSOR_TYPE_Q6_K, "llama-tq2_0-q6_k.gguf")
    generator.quantize(models["llama-dense"], "q4_1", FILE_TYPE_Q4_1, TENSOR_TYPE_Q8_0)
    generator.quantize(models["llama-k"], "q4_k", FILE_TYPE_Q4_K, TENSOR_TYPE_Q5_K)
    generator.quantize(models["llama-k"], "q5_k", FILE_TYPE_Q5_K, TENSOR_TYPE_Q4_K)
    (arguments.out / "logits.safetensors").write_bytes(save(generator.golden))


if __name__ == "__main__":
    main()
