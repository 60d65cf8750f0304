"""Shards: those of the command, exactly once, whatever is killed and repeated."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trine
from conftest import FIXTURES
from trine import batch

FIELDS: dict[str, Any] = {"max_tokens": 12, "seed": 3}


def shards(folder: Path, count: int, rows: int) -> list[Path]:
    """Files of prompts."""
    paths = []
    for shard in range(count):
        path = folder / f"part-{shard}.jsonl"
        lines = [json.dumps({"id": f"{shard}/{row}", "prompt": f"The {row} fox"}) for row in range(rows)]
        path.write_text("\n".join(lines) + "\n")
        paths.append(path)
    return paths


def test_a_shard_is_made_once_and_is_the_same_everywhere(tmp_path: Path, model: trine.Model) -> None:
    (shard,) = shards(tmp_path, 1, 20)
    outputs = [tmp_path / "a", tmp_path / "b"]
    made = []
    for folder, of in zip(outputs, (model, trine.embedded(threads=1, batch=3))):
        folder.mkdir()
        made.append(batch.process(shard, folder, of, **FIELDS))
    assert made[0].name == made[1].name and made[0].read_bytes() == made[1].read_bytes()
    rows = [json.loads(line) for line in made[0].read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"0/{row}" for row in range(20)]
    assert rows[7]["text"] == "".join(model.generate("The 7 fox", **FIELDS))
    before = made[0].stat().st_mtime_ns
    assert batch.process(shard, outputs[0], model, **FIELDS) == made[0] and made[0].stat().st_mtime_ns == before
    assert batch.process(shard, outputs[0], model, **{**FIELDS, "seed": 4}).name != made[0].name
    assert batch.fingerprint(model) == batch.fingerprint(trine.embedded()) != batch.fingerprint(
        trine.embedded(kv="f32")
    )


def test_rows_that_are_wrong_are_named(tmp_path: Path, model: trine.Model) -> None:
    wrong = [
        ('{"id": 1}', "`prompt` is missing"),
        ("nonsense", "expected"),
        ('{"id": 0, "prompt": "b"}', "id 0 was before"),
    ]
    for line, what in wrong:
        shard = tmp_path / "wrong.jsonl"
        shard.write_text('{"id": 0, "prompt": "a"}\n' + line + "\n")
        with pytest.raises(trine.TrineError, match=f"wrong.jsonl, line 2: .*{what}"):
            batch.process(shard, tmp_path, model, **FIELDS)
        with pytest.raises(trine.TrineError, match=f"line 2: .*{what}"):
            batch._batch(model, FIELDS).lines(shard.read_text())
        assert list(tmp_path.iterdir()) == [shard]
    with pytest.raises(FileNotFoundError, match="nowhere.jsonl"):
        batch.process(tmp_path / "nowhere.jsonl", tmp_path, model)
    no_fields: list[tuple[dict[str, Any], str]] = [
        ({"temperature": "hot"}, "`temperature`"),
        ({"colour": 1}, "`colour` is no field"),
        ({"n": 2}, "one text"),
    ]
    for fields, what in no_fields:
        with pytest.raises(trine.TrineError, match=what):
            batch.process(shard, tmp_path, model, **fields)
    with pytest.raises(trine.TrineError, match="of type object"):
        batch.rows(model, [{"id": 1, "prompt": object()}])
    with pytest.raises(trine.TrineError, match="generates no text"):
        batch.rows(trine.Model(FIXTURES / "embeddings" / "qwen3-i2_s.gguf"), [{"id": 1, "prompt": "a"}])


def test_the_command_makes_the_same_bytes(tmp_path: Path, model: trine.Model, command: Path) -> None:
    (shard,) = shards(tmp_path, 1, 20)
    requests = tmp_path / "requests.jsonl"
    asked = [
        {"custom_id": "a", "method": "POST", "url": "/v1/completions", "body": {"prompt": ["A dog", "A cat"], "n": 2}},
        {"id": "b", "prompt": "The old king\u2019s \u00e9p\u00e9e"},
        {"id": "c", "prompt": "word " * 400},
    ]
    requests.write_text("\n".join(map(json.dumps, asked)))
    fields = {**FIELDS, "temperature": 0.75, "stop": ["."], "logit_bias": {11: -2}, "top_k": None}
    given = {name: json.dumps(value) for name, value in fields.items() if value is not None}
    of_command, of_python = tmp_path / "command", tmp_path / "python"
    of_python.mkdir()
    for path, status in ((shard, 0), (requests, 1)):
        options = [word for name, value in given.items() for word in ("--field", f"{name}={value}")]
        run = subprocess.run([command, "batch", path, of_command, *options], stdout=subprocess.PIPE, text=True)
        assert run.returncode == status, run
        if status == 0:
            made = batch.process(path, of_python, model, **fields)
        else:
            with pytest.warns(UserWarning, match="1 rows have an error"):
                made = batch.process(path, of_python, model, **fields)
        expected = Path(run.stdout.strip())
        assert made.name == expected.name and made.read_bytes() == expected.read_bytes()
        lines = [json.loads(line) for line in made.read_text().splitlines()]
        given_rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert batch.rows(model, given_rows, **fields) == lines
    assert lines[0]["custom_id"] == "a" and lines[0]["response"]["status_code"] == 200 and "text" in lines[1]
    assert lines[2]["id"] == "c" and "maximum context length" in lines[2]["error"]["message"]


def test_rows_of_other_libraries_are_taken(model: trine.Model) -> None:
    given = [{"id": np.int64(row), "prompt": f"The {row} fox", "more": object()} for row in range(3)]
    plain = [{"id": row, "prompt": f"The {row} fox"} for row in range(3)]
    assert batch.rows(model, given, **FIELDS, temperature=np.float64(0.5)) == batch.rows(
        model, iter(plain), **FIELDS, temperature=0.5
    )
    assert batch.rows(model, []) == []


WORKER = """
import sys, trine
from trine import batch
model = trine.embedded(threads=1)
print("begun", flush=True)
for shard in sys.argv[2:]:
    batch.process(shard, sys.argv[1], model, max_tokens=12, seed=3)
"""


def test_every_row_is_there_once_whatever_is_killed(tmp_path: Path, model: trine.Model) -> None:
    paths = shards(tmp_path, 8, 30)
    output, alone = tmp_path / "output", tmp_path / "alone"
    output.mkdir(), alone.mkdir()
    chance = random.Random(5)
    for _ in range(6):
        order = chance.sample(paths, len(paths))
        workers = [
            subprocess.Popen([sys.executable, "-c", WORKER, output, *order], stdout=subprocess.PIPE) for _ in range(2)
        ]
        for worker in workers:
            assert worker.stdout is not None and worker.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.4))
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
    for path in paths:
        batch.process(path, output, model, **FIELDS)
        batch.process(path, alone, model, **FIELDS)
    made = {path.name: path.read_bytes() for path in output.glob("*.jsonl")}
    assert made == {path.name: path.read_bytes() for path in alone.iterdir()} and len(made) == 8
    ids = [json.loads(line)["id"] for data in made.values() for line in data.splitlines()]
    assert len(ids) == len(set(ids)) == 240
