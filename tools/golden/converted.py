#!/usr/bin/env python3
"""Lets other programs read what `trine convert` writes, and writes tests/fixtures/converted.json: the SHA-256 of each file.

The embedded model is converted to each type that the `gguf` package decodes. Every tensor is decoded with the package and
compared with the I2_S file, decoded by plain numpy; a file that the package wrote is converted to I2_S and compared too.
A test converts again and compares the digests, so what was checked here is what the tests see.
"""

import argparse
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

import gguf
import numpy as np
from gguf import quants

from gguf_io import I2_S, I2_S_TRAILER, RawReader, unpack_i2s

EMBEDDED = Path("assets/stories-i2_s.gguf")
OF_LLAMA_CPP = Path("tests/fixtures/llama_cpp/bitnet-tq2_0.gguf")


def convert(trine, source, kind, folder):
    """The file that `trine convert` writes."""
    out = folder / f"{source.stem}-{kind}.gguf"
    subprocess.run([trine, "convert", source, out, "--to", kind], check=True)
    return out


def matrices(path):
    """Float matrices of the I2_S tensors of a file by name."""
    reader = RawReader(path)
    found = {}
    for name, (shape, type_id, _) in reader.raw_tensors.items():
        if type_id == I2_S:
            rows, columns = shape
            data = reader.bytes_of(name, rows * columns // 4 + I2_S_TRAILER)
            found[name] = unpack_i2s(data, rows, columns)
    return found


def check(path, expected):
    """Compares every matrix of a converted file, as the `gguf` package decodes it."""
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    for name, values in expected.items():
        tensor = tensors[name]
        found = quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        scale = tensors.get(name.removesuffix("weight") + "scale")
        if scale is not None:
            found = found * scale.data[0]
        assert np.array_equal(found, values), f"{path}: {name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trine", default="target/debug/trine", help="the program")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/converted.json"))
    arguments = parser.parse_args()

    digests = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = matrices(EMBEDDED)
        assert len(expected) == 28
        for kind in ("tq1_0", "tq2_0", "f16"):
            path = convert(arguments.trine, EMBEDDED, kind, folder)
            check(path, expected)
            digests[kind] = hashlib.sha256(path.read_bytes()).hexdigest()
        back = convert(arguments.trine, OF_LLAMA_CPP, "i2_s", folder)
        check(OF_LLAMA_CPP, matrices(back))
        digests["i2_s"] = hashlib.sha256(back.read_bytes()).hexdigest()
    arguments.out.write_text(json.dumps(digests, indent=1) + "\n")


if __name__ == "__main__":
    main()
