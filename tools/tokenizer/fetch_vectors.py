#!/usr/bin/env python3
"""Fetches llama.cpp's vocabulary-only GGUF files and tokenizer test vectors into models/tokenizer/ (git-ignored).

The repository holds those of gpt-2 and llama-spm; llama-bpe (Llama 3, BitNet b1.58 2B4T) and qwen2 (Qwen 2 to 3) are too
large for it. They come from the copy of llama.cpp in the npm package node-llama-cpp. Needs npm and git:

    python3 tools/tokenizer/fetch_vectors.py [VOCABULARY ...]      (default: llama-bpe qwen2)
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "3.22.1"
MODELS = Path(__file__).resolve().parent.parent.parent / "models" / "tokenizer"


def npm_package(name, folder):
    """Downloads and unpacks a package; gives its folder."""
    target = folder / name.replace("/", "_")
    target.mkdir()
    subprocess.run(["npm", "pack", "--silent", f"{name}@{VERSION}"], cwd=target, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["tar", "xzf", next(target.glob("*.tgz"))], cwd=target, check=True)
    return target / "package"


def llama_cpp_source(folder):
    """Checks out the llama.cpp that the package was built from; gives its folder."""
    bundle = npm_package("node-llama-cpp", folder) / "llama" / "gitRelease.bundle"
    subprocess.run(["git", "clone", "--quiet", "-c", "advice.detachedHead=false", bundle, folder / "llama.cpp"],
                   check=True)
    return folder / "llama.cpp"


def main():
    MODELS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = llama_cpp_source(Path(folder)) / "models"
        for name in sys.argv[1:] or ["llama-bpe", "qwen2"]:
            for suffix in ("", ".inp", ".out"):
                shutil.copy(source / f"ggml-vocab-{name}.gguf{suffix}", MODELS)
            print(MODELS / f"ggml-vocab-{name}.gguf")


if __name__ == "__main__":
    main()
