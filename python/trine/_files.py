"""What is done with files: looking into them, checking them, converting them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from . import _trine


class ModelReport(NamedTuple):
    """What a file says of its model."""

    architecture: str
    """The architecture, such as `bitnet-b1.58`."""
    name: str | None
    """Its name."""
    context: int
    """The positions that it was trained for."""
    axes: dict[str, int]
    """The lengths of its axes by their names."""


class TensorReport(NamedTuple):
    """A tensor of a file."""

    name: str
    """Its name in the file."""
    role: str | None
    """What it is in the model, in words; none where the architecture has no such tensor."""
    dims: tuple[str, ...]
    """The names of the axes of that role, outermost first."""
    shape: tuple[int, ...]
    """Its lengths in the file, outermost first."""
    type: str
    """Its type, such as `I2_S`."""
    bytes: int
    """Its length in bytes."""
    offset: int
    """Its first byte in the file."""
    packing: str | None
    """The packing that its products run in, where values were looked at."""
    scale: float | None
    """The one scale of a ternary matrix, where values were looked at."""
    zeros: float | None
    """The share of values that are 0, from 0 to 1, where values were looked at."""
    rms: float | None
    """The root mean square of the values, of gains always, of others where values were looked at."""
    remarks: tuple[str, ...]
    """What is unusual about the values."""

    @property
    def sizes(self) -> dict[str, int]:
        """The length of each axis by its name."""
        return dict(zip(self.dims, self.shape))


class FileReport(NamedTuple):
    """What a file holds."""

    file: str
    """The file or directory."""
    container: str
    """`gguf` or `safetensors`."""
    version: int | None
    """The version of the container."""
    files: int
    """How many files there are."""
    bytes: int
    """Their length together."""
    model: ModelReport | None
    """The model, where there is one that can be run."""
    problem: str | None
    """Why there is none."""
    metadata: dict[str, Any]
    """What the file says besides tensors."""
    tensors: tuple[TensorReport, ...]
    """Every tensor, in the order of the file."""

    def tensor(self, name: str) -> TensorReport:
        """The tensor of a name; `KeyError` where there is none."""
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        raise KeyError(name)


class Problem(NamedTuple):
    """What is wrong with a file, or to be known of it."""

    kind: str
    """`description`, `missing_tensor`, `unknown_tensor`, `shape`, `contents`, `tensor`, `arithmetic`, `memory`,
    `tokenizer`, `template`; of warnings also `warning`, `no_vocabulary` and `unusual`."""
    message: str
    """One line: where, what was found, what was expected."""
    file: str | None
    """The file."""
    key: str | None
    """The entry of its metadata."""
    tensor: str | None
    """The tensor."""
    offset: int | None
    """Where the tensor begins in the file, in bytes."""


class CheckReport(NamedTuple):
    """Whether a file is a model that can be run."""

    file: str
    """The file or directory."""
    loads: bool
    """Whether it loads and computes numbers: there are no problems."""
    problems: tuple[Problem, ...]
    """All that is wrong."""
    warnings: tuple[Problem, ...]
    """What is to be known of a file that loads."""


def inspect(path: str | os.PathLike[str] | None = None, *, values: bool = False) -> FileReport:
    """What a file or directory holds: every tensor with its role, axes and lengths. Nothing is refused but what cannot
    be read. `values` looks at all values, which takes as long as reading them. Without a path it is the embedded model.

    >>> import trine
    >>> tensor = trine.inspect().tensor("blk.0.attn_k.weight")
    >>> tensor.role, tensor.dims, tensor.sizes
    ('key projection of block 0', ('kv_width', 'hidden'), {'kv_width': 128, 'hidden': 256})
    """
    import json

    found: dict[str, Any] = json.loads(_trine.inspect(path, values))
    model: Mapping[str, Any] | None = found["model"]
    found["model"] = None if model is None else ModelReport(**model)
    found["tensors"] = tuple(_tensor(tensor) for tensor in found["tensors"])
    return FileReport(**found)


def _tensor(found: dict[str, Any]) -> TensorReport:
    lists = {name: tuple(found[name]) for name in ("dims", "shape", "remarks")}
    return TensorReport(**{**found, **lists})


def check(path: str | os.PathLike[str] | None = None) -> CheckReport:
    """Loads a file or directory and computes its first logits: all that is wrong with it, and what is unusual. Without
    a path it is the embedded model.

    >>> import trine
    >>> trine.check().loads
    True
    """
    import json

    found: dict[str, Any] = json.loads(_trine.check(path))
    lists = {name: tuple(Problem(**problem) for problem in found[name]) for name in ("problems", "warnings")}
    return CheckReport(**{**found, **lists})


def convert(
    path: str | os.PathLike[str],
    output: str | os.PathLike[str],
    to: Literal["i2_s", "tq1_0", "tq2_0", "q2_0", "pq2_0", "ptq1_0", "q1_0", "f16"],
    *,
    head: Literal["f16", "q8_0", "q6_k", "q4_0"] | None = None,
    quantize: Literal["absmean"] | None = None,
) -> list[str]:
    """Writes the model of a file or directory as a GGUF file whose matrices have the type `to`, and returns warnings.
    Codes and scales stay as they are; what a type cannot hold is refused. `head` rounds the head to a type. `quantize`
    makes float masters ternary.
    """
    return _trine.convert(path, output, to, head, quantize is not None)
