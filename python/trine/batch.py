"""Shards of requests that become shards of answers, so that any engine of batch jobs may repeat, kill and race the work.

A shard is a file of lines of JSON, each with an `id` and a `prompt`, or a request in the form of OpenAI's batches. What
is made of it has a name that follows from the name and the contents of the shard, the fields and the model, and is
there as a whole or not at all. A shard that is there is not made again. What a row becomes is a function of the row, the
fields and the model alone, on every machine: whoever makes it makes the same bytes. So each row is there exactly once,
whatever was repeated. Progress is the directory.

The command `trine batch` makes the same files. `fields` are those of `/v1/completions` of the server, such as
`max_tokens` (16 where it is not given), `temperature`, `stop` and `seed` (0 where it is not given).
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import Model, TrineError

if TYPE_CHECKING:
    from ._trine import Batch

_KEYS = ("id", "prompt", "custom_id", "method", "url", "body")
"""What is looked at of a row."""


def fingerprint(model: Model) -> str:
    """What tells a model, as it is computed here, from others: equal on all machines. It is a digest of what the model
    remembers of a token."""
    return _batch(model, {}).fingerprint()


def rows(model: Model, given: Iterable[Mapping[str, Any]], **fields: Any) -> list[dict[str, Any]]:
    """What rows in memory become, in their order: the objects that are lines of a file that `process` makes.

    >>> import trine
    >>> made = rows(trine.embedded(), [{"id": "a", "prompt": "The fox"}], max_tokens=3, temperature=0)
    >>> made[0]["id"], len(made[0]["tokens"]), made[0]["finish"], made[0]["seed"]
    ('a', 3, 'max_tokens', 0)
    """
    lines = (json.dumps({key: row[key] for key in _KEYS if key in row}, default=_plain) for row in given)
    made = _batch(model, fields).lines("\n".join(lines))
    return [json.loads(line) for line in made]


def process(shard: str | os.PathLike[str], output: str | os.PathLike[str], model: Model, **fields: Any) -> Path:
    """Makes of a shard what it becomes, in the directory `output`, unless it is there; its path.

    The file is written beside its place, brought to disk, and then renamed: a process that is killed leaves at most a
    file with another ending. A row that is wrong has its error in its place, and a warning says how many there are.
    """
    path, refused = _batch(model, fields).process(shard, output)
    if refused:
        warnings.warn(f"{path}: {refused} rows have an error instead of a text", stacklevel=2)
    return path


def _batch(model: Model, fields: Mapping[str, Any]) -> Batch:
    """What makes of shards what they become. A field that is none is not given."""
    given = {name: value for name, value in fields.items() if value is not None}
    return model._engine.batch(json.dumps(given, default=_plain))


def _plain(value: Any) -> Any:
    """A value of another library, such as a number of numpy, as JSON has it."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TrineError(f"expected a value that JSON has, found one of type {type(value).__name__}")
