"""Ternary (BitNet b1.58) language models whose arrays have named, checked axes.

>>> import trine
>>> model = trine.embedded()
>>> print("".join(model.generate("Once upon a time", max_tokens=12, temperature=0)))
, there was a little girl named Lily. She loved to

`Model` opens a file, `embedded` the small model that comes with the package. `inspect`, `check` and `convert` work on
files. Errors are `TrineError` and its four classes. What is computed does not depend on who else asks: the same prompt,
options and seed give the same tokens.
"""

from __future__ import annotations

from ._array import Array, Logits
from ._files import FileReport, ModelReport, Problem, CheckReport, TensorReport, check, convert, inspect
from ._generation import AsyncGeneration, Generated, Generation, GenerateOptions, Logprobs, Score, Usage
from ._model import Model, embedded
from ._session import Session
from ._shapes import Shapes
from ._tokenizer import Tokenizer
from ._trace import PartValues, Trace
from ._trine import ContextFull, FileError, ShapeError, TemplateError, TrineError, __version__

__all__ = [
    "Array",
    "AsyncGeneration",
    "CheckReport",
    "ContextFull",
    "FileError",
    "FileReport",
    "Generated",
    "GenerateOptions",
    "Generation",
    "Logits",
    "Logprobs",
    "Model",
    "ModelReport",
    "PartValues",
    "Problem",
    "Score",
    "Session",
    "ShapeError",
    "Shapes",
    "TemplateError",
    "TensorReport",
    "Tokenizer",
    "Trace",
    "TrineError",
    "Usage",
    "__version__",
    "check",
    "convert",
    "embedded",
    "inspect",
]
