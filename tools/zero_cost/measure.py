#!/usr/bin/env python3
"""Counts the instructions of typed operations and of the same work on slices, under callgrind.

    python3 tools/zero_cost/measure.py

Needs `valgrind` and cargo. Prints a Markdown table, and fails where the two versions differ by more than 1 %. The
program that is measured is ops/benches/zero_cost.rs; callgrind counts what happens inside its `measured`. Counts
do not depend on the load of the machine.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ["rms_norm", "add", "split_merge", "linear", "attention"]
ENVIRONMENTS = ["static", "pinned", "scoped"]
ROUNDS = 20  # as in the program
TOLERANCE = 0.01


def build() -> str:
    """Builds the program as releases are built and returns its path."""
    command = ["cargo", "bench", "-p", "trine-ops", "--bench", "zero_cost", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    messages = [json.loads(line) for line in lines]
    built = [m for m in messages if m.get("target", {}).get("name") == "zero_cost" and m.get("executable")]
    return built[0]["executable"]


def instructions(program: str, operation: str, environment: str, version: str) -> float:
    """Instructions of one call."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    collect = ["--collect-atstart=no", "--toggle-collect=zero_cost::measured*"]
    command = [*valgrind, *collect, program, operation, environment, version]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if collected is None or collected[1] == "0":
        sys.exit(f"callgrind saw no call of `measured` in {' '.join(command)}:\n{run.stderr}")
    return int(collected[1]) / ROUNDS


def main() -> None:
    program = build()
    subprocess.run([program], check=True, stdout=subprocess.DEVNULL)
    failures = []
    print("| operation | environment | typed | by hand | difference |\n|---|---|---:|---:|---:|")
    for operation in OPERATIONS:
        for environment in ENVIRONMENTS:
            typed, by_hand = (instructions(program, operation, environment, version) for version in ["typed", "slices"])
            difference = typed / by_hand - 1
            row = f"| {operation} | {environment} | {typed:.0f} | {by_hand:.0f} | {100 * difference:+.2f} % |"
            print(row, flush=True)
            if abs(difference) > TOLERANCE:
                failures.append(row)
    if failures:
        sys.exit("more than 1 % apart:\n" + "\n".join(failures))


if __name__ == "__main__":
    main()
