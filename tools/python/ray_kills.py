#!/usr/bin/env python3
"""Runs `examples/ray_batch.py` on a cluster of three node processes on this machine, and kills one at random with -9:
an actor, a node, the driver. Whatever was killed, every row has to be there once, with the bytes that one process
without Ray makes.

    pip install 'ray[data]==2.60.0' ./python
    python tools/python/ray_kills.py --rounds 20
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import trine
from ray.cluster_utils import Cluster
from trine import batch

ROOT = Path(__file__).resolve().parents[2]
SHARDS, ROWS = 24, 10
FIELDS = {"max_tokens": 40, "seed": 3}


def shards(folder: Path) -> list[Path]:
    """Files of prompts, 240 rows in all."""
    paths = []
    for shard in range(SHARDS):
        path = folder / f"part-{shard}.jsonl"
        lines = [json.dumps({"id": f"{shard}/{row}", "prompt": f"The {row} fox"}) for row in range(ROWS)]
        path.write_text("\n".join(lines) + "\n")
        paths.append(path)
    return paths


def actors() -> list[int]:
    """The processes of the actors that map shards."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    found = []
    for line in listed.splitlines():
        pid, _, name = line.strip().partition(" ")
        if "ray::" in name and "Map" in name:
            found.append(int(pid))
    return found


def started(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """The driver, which writes what it says to a file."""
    with log.open("ab") as file:
        return subprocess.Popen(command, stdout=file, stderr=file)


def round_of(number: int, folder: Path, paths: list[Path], expected: dict[str, bytes], chance: random.Random) -> str:
    """One job with something killed in it; what was."""
    output, log = folder / f"texts-{number}", folder / f"driver-{number}.log"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    workers = [cluster.add_node(num_cpus=1) for _ in range(2)]
    what = chance.choice(["actor", "node", "driver"])
    command = [sys.executable, str(ROOT / "examples" / "ray_batch.py"), *map(str, paths), "--output", str(output)]
    command += ["--address", cluster.address, "--nodes", "2", "--threads", "1"]
    command += ["--max-tokens", str(FIELDS["max_tokens"]), "--seed", str(FIELDS["seed"])]
    try:
        driver = started(command, log)
        before = chance.randrange(1, SHARDS - 4)
        while driver.poll() is None and len(list(output.glob("*.jsonl"))) < before:
            time.sleep(0.02)
        done = len(list(output.glob("*.jsonl")))
        if what == "actor":
            found = actors()
            assert found or driver.poll() is not None, "the job runs and has no actor"
            for pid in found and [chance.choice(found)]:
                os.kill(pid, signal.SIGKILL)
        elif what == "node":
            cluster.remove_node(chance.choice(workers), allow_graceful=False)
            cluster.add_node(num_cpus=1)
        else:
            driver.kill()
        again = 0
        while driver.wait(timeout=600) != 0:
            again += 1
            assert again < 5, log.read_text()[-4000:]
            driver = started(command, log)
    finally:
        cluster.shutdown()
    made = {path.name: path.read_bytes() for path in output.glob("*.jsonl")}
    assert made == expected, f"{len(made)} of {len(expected)} shards are there, or with other bytes"
    ids = [json.loads(line)["id"] for data in made.values() for line in data.splitlines()]
    assert len(ids) == len(set(ids)) == SHARDS * ROWS
    return f"{what} killed behind {done} of {SHARDS} shards, driver started again {again} times"


def main() -> None:
    """Runs the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths, alone = shards(folder), folder / "alone"
        alone.mkdir()
        model = trine.embedded()
        for path in paths:
            batch.process(path, alone, model, **FIELDS)
        expected = {path.name: path.read_bytes() for path in alone.iterdir()}
        for number in range(arguments.rounds):
            print(f"{number}: {round_of(number, folder, paths, expected, chance)}", flush=True)
    print(f"{SHARDS * ROWS} rows, each once, in {arguments.rounds} rounds")


if __name__ == "__main__":
    main()
