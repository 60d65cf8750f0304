#!/usr/bin/env python3
"""Writes tests/fixtures/grouped: weights with a scale for each group, and what other engines compute with them."""

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from ggml_library import Ggml
from grouped_blocks import activations, blocks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/grouped"), help="folder of the files")
    arguments = parser.parse_args()
    ggml = Ggml(arguments.oracle)
    for name, tensors in {"blocks": blocks(ggml), "q8_0": activations(ggml)}.items():
        contiguous = {key: np.ascontiguousarray(array) for key, array in tensors.items()}
        (arguments.out / f"{name}.safetensors").write_bytes(save(contiguous))


if __name__ == "__main__":
    main()
