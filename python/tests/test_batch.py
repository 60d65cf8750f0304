"""Shards: exactly once, whatever is killed and repeated."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trine
from trine import batch

OPTIONS: trine.GenerateOptions = {"max_tokens": 12, "seed": 3}


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
        made.append(batch.process(shard, folder, of, **OPTIONS))
    assert made[0].name == made[1].name and made[0].read_bytes() == made[1].read_bytes()
    rows = [json.loads(line) for line in made[0].read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"0/{row}" for row in range(20)]
    assert rows[7]["text"] == "".join(model.generate("The 7 fox", **OPTIONS))
    before = made[0].stat().st_mtime_ns
    assert batch.process(shard, outputs[0], model, **OPTIONS) == made[0] and made[0].stat().st_mtime_ns == before
    assert batch.process(shard, outputs[0], model, **{**OPTIONS, "seed": 4}).name != made[0].name
    assert batch.fingerprint(model) == batch.fingerprint(trine.embedded()) != batch.fingerprint(
        trine.embedded(kv="f32")
    )


def test_rows_that_are_wrong_are_named(tmp_path: Path, model: trine.Model) -> None:
    for line, what in (('{"id": 1}', "line 2"), ("nonsense", "line 2"), ('{"id": 0, "prompt": "b"}', "id 0 was before")):
        shard = tmp_path / "wrong.jsonl"
        shard.write_text('{"id": 0, "prompt": "a"}\n' + line + "\n")
        with pytest.raises(trine.TrineError, match=what):
            batch.process(shard, tmp_path, model, **OPTIONS)
        assert list(tmp_path.iterdir()) == [shard]


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
        batch.process(path, output, model, **OPTIONS)
        batch.process(path, alone, model, **OPTIONS)
    made = {path.name: path.read_bytes() for path in output.glob("*.jsonl")}
    assert made == {path.name: path.read_bytes() for path in alone.iterdir()} and len(made) == 8
    ids = [json.loads(line)["id"] for data in made.values() for line in data.splitlines()]
    assert len(ids) == len(set(ids)) == 240
