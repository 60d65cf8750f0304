#!/usr/bin/env python3
"""Continues the prompts of many shards on many machines: Ray Data with one actor a node, each with a model of its own.

    python examples/ray_batch.py --model model.gguf --output texts part-*.jsonl

Ray decides which actor takes which shard, and gives a shard to another one where an actor or a node is lost. Each shard
is there once all the same, as `trine.batch.process` makes a file that follows from its input, or none. Started again
after whatever happened, the program makes what is missing. Input and output are folders that all nodes see.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import ray
import ray.data
import trine
from trine import batch


class Worker:
    """A model, on one node."""

    def __init__(self, model: str | None, output: str, fields: dict[str, Any], threads: int | None) -> None:
        sizes: dict[str, Any] = {"threads": threads}
        self.model = trine.Model(model, **sizes) if model else trine.embedded(**sizes)
        self.output, self.fields = output, fields

    def __call__(self, shards: dict[str, Any]) -> dict[str, Any]:
        """The files that some shards become."""
        made = [str(batch.process(shard, self.output, self.model, **self.fields)) for shard in shards["shard"]]
        return {"made": made, "by": [os.getpid()] * len(made)}


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("shards", nargs="+", help="files of lines of JSON, each with an `id` and a `prompt`")
    parser.add_argument("--output", required=True, help="the folder of the texts")
    parser.add_argument("--model", help="a GGUF file or a directory; without one the embedded model")
    parser.add_argument("--address", default="auto", help="the cluster")
    parser.add_argument("--nodes", type=int, help="actors; by default one for each node")
    parser.add_argument("--cpus", type=float, default=1.0, help="cores that an actor takes of its node")
    parser.add_argument("--threads", type=int, help="threads of an actor; by default one for each core")
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    Path(arguments.output).mkdir(parents=True, exist_ok=True)
    ray.init(address=arguments.address)
    nodes = arguments.nodes or max(1, sum(node["Alive"] for node in ray.nodes()))
    fields = {"max_tokens": arguments.max_tokens, "seed": arguments.seed}
    shards = [{"shard": os.path.abspath(shard)} for shard in arguments.shards]
    made = (
        ray.data.from_items(shards, override_num_blocks=len(shards))
        .map_batches(
            Worker,
            fn_constructor_args=(arguments.model, os.path.abspath(arguments.output), fields, arguments.threads),
            batch_size=1,
            num_cpus=arguments.cpus,
            compute=ray.data.ActorPoolStrategy(size=nodes),
        )
        .take_all()
    )
    print(f"{len({row['made'] for row in made})} shards, by {len({row['by'] for row in made})} actors")


if __name__ == "__main__":
    main()
