"""What tests share: the repository's files, and the embedded model."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trine

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
STORIES = ROOT / "assets" / "stories-i2_s.gguf"


def golden(name: str) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a file of safetensors, read as its format says."""
    data = (FIXTURES / name).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    types = {"F32": np.float32, "I32": np.int32}
    found = {}
    for key, entry in json.loads(data[8 : 8 + length]).items():
        if key != "__metadata__":
            begin, end = (8 + length + at for at in entry["data_offsets"])
            found[key] = np.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return found


def distance(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> float:
    """`|a - b| / |b|`."""
    difference = found.astype(np.float64) - expected.astype(np.float64)
    return float(np.linalg.norm(difference) / np.linalg.norm(expected.astype(np.float64)))


@pytest.fixture(scope="session")
def model() -> trine.Model:
    """The embedded model."""
    return trine.embedded()


@pytest.fixture(scope="session")
def command() -> Path:
    """The `trine` command, where it was built."""
    for kind in ("release", "debug"):
        if (path := ROOT / "target" / kind / "trine").exists():
            return path
    pytest.skip("the `trine` command is not built: `cargo build --release` builds it")


@pytest.fixture
def server(command: Path) -> Iterator[str]:
    """The address of a server of the embedded model."""
    process = subprocess.Popen(
        [command, "serve", STORIES, "--port", "0", "--id", "trine"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    address = next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
    yield address.rstrip("/")
    process.terminate()
    process.communicate()


def document(*arguments: str | Path) -> Any:
    """What a command prints as JSON."""
    printed = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return json.loads(printed.stdout)
