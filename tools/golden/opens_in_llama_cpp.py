#!/usr/bin/env python3
"""Shows that a GGUF file opens in llama.cpp, and what it computes there.

    opens_in_llama_cpp.py --oracle /tmp/oracle/llama_oracle FILE ID...

prints the best ids and their logits at each position of the prompt; `--out` writes all logits as safetensors
(`logits`, float32, [positions, vocabulary]). With `--like OTHER` the other file runs too, and the two must agree: a file
and what `trine convert` made of it without loss, of types whose activations llama.cpp rounds alike.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from llama_cpp import LlamaCpp

BEST = 5

TOLERANCE = 1e-6
"""How far the logits of two files may be from each other, |a - b| / |b|."""


def logits(llama_cpp, path, ids):
    """Logits [positions, vocabulary] of a file, wherever it lies; ends the program where llama.cpp does not open it."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "model.gguf"
        link.symlink_to(path.resolve())
        try:
            return llama_cpp.logits(link, ids)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{path}: {error.stderr.strip()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--like", type=Path, help="a file with the same model")
    parser.add_argument("--out", type=Path, help="where to write all logits")
    parser.add_argument("file", type=Path)
    parser.add_argument("ids", type=int, nargs="+")
    arguments = parser.parse_args()
    llama_cpp = LlamaCpp(arguments.oracle)
    found = logits(llama_cpp, arguments.file, arguments.ids)
    for position, row in enumerate(found):
        best = np.argsort(-row, kind="stable")[:BEST]
        print(f"{position}:", "  ".join(f"{number} {row[number]:.6f}" for number in best))
    if arguments.out:
        arguments.out.write_bytes(save({"logits": found}))
    if arguments.like:
        expected = logits(llama_cpp, arguments.like, arguments.ids)
        if found.shape != expected.shape:
            sys.exit(f"{arguments.like} has logits {expected.shape}, not {found.shape}")
        difference = np.linalg.norm(found - expected) / np.linalg.norm(expected)
        print(f"|a - b| / |b| {difference:.1e}")
        if difference > TOLERANCE:
            sys.exit(f"{arguments.file} and {arguments.like} differ")


if __name__ == "__main__":
    main()
