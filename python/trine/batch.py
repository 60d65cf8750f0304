"""Shards of prompts that become shards of texts, so that any engine of batch jobs may repeat, kill and race the work.

A shard is a file of lines of JSON, each with an `id` and a `prompt`. What is made of it has a name that follows from
the name of the shard, the options and the model, and is there as a whole or not at all. A shard that is there is not
made again. What a row becomes is a function of the row, the options and the model alone, on every machine: whoever
makes it makes the same bytes. So each row is there exactly once, whatever was repeated. Progress is the directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import Model, TrineError, __version__

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from . import GenerateOptions

_ROWS = 256
"""Rows that are handed over together."""


def fingerprint(model: Model) -> str:
    """What tells a model, as it is computed here, from others: equal on all machines. It is a digest of what the model
    remembers of a token."""
    session = model.session()
    session.feed([0])
    return hashlib.sha256(f"{__version__}\n".encode() + session.save()).hexdigest()[:16]


def rows(model: Model, given: Sequence[Mapping[str, Any]], **options: Unpack[GenerateOptions]) -> list[dict[str, Any]]:
    """What some rows become, in their order: `id`, `text`, `tokens`, `finish` and `seed`.

    >>> import trine
    >>> made = rows(trine.embedded(), [{"id": "a", "prompt": "The fox"}], max_tokens=3, temperature=0)
    >>> made[0]["id"], len(made[0]["tokens"]), made[0]["finish"]
    ('a', 3, 'max_tokens')
    """
    if options.get("seed") is None:
        options["seed"] = 0
    texts = model.generate_batch([_field(row, "prompt") for row in given], **options)
    return [
        {"id": _field(row, "id"), "text": of.text, "tokens": of.tokens, "finish": of.finish, "seed": of.seed}
        for row, of in zip(given, texts)
    ]


def output_name(shard: str | os.PathLike[str], model_fingerprint: str, **options: Unpack[GenerateOptions]) -> str:
    """The name of what a shard becomes."""
    told = json.dumps([Path(shard).name, model_fingerprint, options], sort_keys=True, default=_plain)
    return f"{Path(shard).stem}-{hashlib.sha256(told.encode()).hexdigest()[:16]}.jsonl"


def process(
    shard: str | os.PathLike[str],
    output: str | os.PathLike[str],
    model: Model,
    **options: Unpack[GenerateOptions],
) -> Path:
    """Makes of a shard what it becomes, in the directory `output`, unless it is there; its path. The seed is 0 where
    none is given. The file is written beside its place, brought to disk, and then renamed: a process that is killed
    leaves at most a file whose name ends in `.part`.
    """
    folder = Path(output)
    known = fingerprint(model)
    place = folder / output_name(shard, known, **options)
    if place.exists():
        return place
    given = list(_read(Path(shard)))
    made = [row for at in range(0, len(given), _ROWS) for row in rows(model, given[at : at + _ROWS], **options)]
    descriptor, name = tempfile.mkstemp(prefix=place.stem, suffix=".part", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            for row in made:
                file.write(json.dumps({**row, "fingerprint": known}, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync(folder)
    return place


def _read(shard: Path) -> Iterable[dict[str, Any]]:
    seen = set()
    with shard.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                key, _ = _field(row, "id"), _field(row, "prompt")
            except (ValueError, TypeError) as error:
                raise TrineError(f"{shard}, line {number}: {error}") from error
            if key in seen:
                raise TrineError(f"{shard}, line {number}: the id {key!r} was before: expected one row for each")
            seen.add(key)
            yield row


def _field(row: Mapping[str, Any], name: str) -> Any:
    if not isinstance(row, Mapping) or name not in row:
        raise TrineError(f"expected an object with `id` and `prompt`, found {json.dumps(row, default=_plain)[:80]}")
    return row[name]


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value)


def _sync(folder: Path) -> None:
    """Brings the name of a file to disk, where a system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
