#!/usr/bin/env python3
"""Compares the speed of the Python package with that of llama-cpp-python on the same TQ2_0 file, in turns, and prints
medians of ratios: one stream, eight prompts, and multiple choice in two ways.

    pip install ./python llama-cpp-python==0.3.36
    python3 tools/tokenizer/fetch_vectors.py llama-bpe
    cargo build --release
    python tools/python/speed.py --folder /tmp/speed --threads 2

The file has random weights with the dimensions of BitNet b1.58 2B4T, in the architecture `bitnet`, which both know, and
the vocabulary of Llama 3, which is that of 2B4T. It takes 0.8 GB twice. Each engine has a process of its own, which
sleeps while the other one works. All work is given as tokens, no beginning is given twice, and texts are greedy. On a
machine that others use too, `--threads 1 --processor` compares processor times.

llama-cpp-python has no batches: eight prompts are eight texts. Multiple choice is measured in the way that lm-eval's
class for llama.cpp asks for (`create_completion` with `echo` and `logprobs`), and in the fastest way that the package
has: each ending evaluated behind what it has in common with the one before, and numpy over the logits.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = ROOT / "models" / "tokenizer" / "ggml-vocab-llama-bpe.gguf"
CONTEXT = 1024
BOS = 128_000
"""Begins a text; without it llama-cpp-python's `echo` tells of each token the log-probability of the one behind it."""

Task = dict[str, Any]


# The model.

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of the values of GGUF's types; 8 is a text, 9 an array."""


def behind_text(data: bytes, at: int) -> int:
    return at + 8 + int(struct.unpack_from("<Q", data, at)[0])


def behind_value(data: bytes, at: int, kind: int) -> int:
    if kind == 8:
        return behind_text(data, at)
    if kind != 9:
        return at + SIZES[kind]
    inner, count = struct.unpack_from("<IQ", data, at)
    at += 12
    if inner in SIZES:
        return at + int(count) * SIZES[inner]
    for _ in range(count):
        at = behind_value(data, at, inner)
    return at


def parts(data: bytes) -> tuple[dict[str, bytes], int, int]:
    """The entries of a GGUF file as they stand in it, where its table of tensors begins, and where that ends."""
    tensors, entries = struct.unpack_from("<QQ", data, 8)
    found, at = {}, 24
    for _ in range(entries):
        key_end = behind_text(data, at)
        end = behind_value(data, key_end + 4, struct.unpack_from("<I", data, key_end)[0])
        found[data[at + 8 : key_end].decode()] = data[at:end]
        at = end
    table = at
    for _ in range(tensors):
        at = behind_text(data, at)
        at += 4 + 8 * int(struct.unpack_from("<I", data, at)[0]) + 4 + 8
    return found, table, at


def with_vocabulary(weights: Path, vocabulary: Path, output: Path) -> None:
    """Writes a model with the vocabulary of another file."""
    data = weights.read_bytes()
    entries, table, end = parts(data)
    kept = {key: entry for key, entry in entries.items() if not key.startswith("tokenizer.")}
    assert "general.alignment" not in kept
    other, _, _ = parts(vocabulary.read_bytes())
    kept |= {key: entry for key, entry in other.items() if key.startswith("tokenizer.")}
    head = data[:16] + struct.pack("<Q", len(kept)) + b"".join(kept.values()) + data[table:end]
    with output.open("wb") as file:
        file.write(head + b"\0" * (-len(head) % 32))
        file.write(memoryview(data)[end + -end % 32 :])


def model_of(arguments: argparse.Namespace) -> Path:
    """The model, which is made where there is none."""
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    weights, path = folder / f"{arguments.like}-weights.gguf", folder / f"{arguments.like}.gguf"
    if not path.exists():
        options = ["--like", arguments.like, "--vocab", "128256", "--matrices", "tq2_0", "--table", "q6_k"]
        subprocess.run([arguments.trine, "synth", weights, *options, "--architecture", "bitnet"], check=True)
        with_vocabulary(weights, arguments.vocabulary, path)
    return path


# The engines. Each function does a task and returns what is told of the result.


def of_trine(path: str, threads: int) -> dict[str, Callable[[Task], Any]]:
    import trine

    model = trine.Model(path, threads=threads, context=CONTEXT)

    def texts(task: Task) -> Any:
        found = model.generate_batch(task["prompts"], max_tokens=task["tokens"], temperature=0, ignore_eos=True)
        return [len(text.tokens) for text in found]

    def one(task: Task) -> Any:
        text = model.generate(task["prompts"][0], max_tokens=task["tokens"], temperature=0, ignore_eos=True)
        for _ in text:
            pass
        return [len(text.tokens)]

    def choice(task: Task) -> Any:
        pairs = [(question, ending) for question in task["questions"] for ending in task["endings"]]
        return [score.logprob for score in model.score(*map(list, zip(*pairs)))]

    return {"one stream": one, "eight prompts": texts, "choice, as lm-eval asks": choice, "choice": choice}


class Echoed(list[int]):
    """Tokens of a prompt. With `echo` the package puts the prompt before the text, which it can do with texts alone."""

    def __add__(self, other: Any) -> Any:
        return other if isinstance(other, str) else [*self, *other]


def of_llama_cpp(path: str, threads: int) -> dict[str, Callable[[Task], Any]]:
    import llama_cpp
    import numpy as np

    def opened(**options: Any) -> Any:
        sizes = {"n_ctx": CONTEXT, "n_threads": threads, "n_threads_batch": threads, "n_gpu_layers": 0}
        return llama_cpp.Llama(path, verbose=False, **sizes, **options)

    writer, scorer = opened(), opened(logits_all=True)

    def texts(task: Task) -> Any:
        counts = []
        for prompt in task["prompts"]:
            tokens = writer.generate(prompt, temp=0.0, repeat_penalty=1.0)
            counts.append(len([next(tokens) for _ in range(task["tokens"])]))
        return counts

    def choice(task: Task) -> Any:
        found = []
        for question in task["questions"]:
            for ending in task["endings"]:
                ids = question + ending
                # What this text has in common with the one before is not evaluated again.
                next(scorer.generate(ids, temp=0.0, repeat_penalty=1.0))
                rows = np.asarray(scorer.scores[len(question) - 1 : len(ids) - 1], dtype=np.float64)
                rows = rows - rows.max(axis=1, keepdims=True)
                chosen = rows[np.arange(len(ending)), ending]
                found.append(float((chosen - np.log(np.exp(rows).sum(axis=1))).sum()))
        return found

    def asked(task: Task) -> Any:
        found = []
        for question in task["questions"]:
            for ending in task["endings"]:
                answer = scorer.create_completion(
                    Echoed(question + ending), echo=True, logprobs=10, max_tokens=1, temperature=0.0
                )
                logprobs = answer["choices"][0]["logprobs"]["token_logprobs"]
                found.append(float(sum(logprobs[-1 - len(ending) : -1])))
        return found

    return {"one stream": texts, "eight prompts": texts, "choice, as lm-eval asks": asked, "choice": choice}


ENGINES = {"trine": of_trine, "llama-cpp-python": of_llama_cpp}


def serve(name: str, path: str, threads: int, clock: Callable[[], float]) -> None:
    """Does tasks, a line of JSON each, and tells the seconds and the result of each."""
    functions = ENGINES[name](path, threads)
    print("ready", flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        start = clock()
        result = functions[task["name"]](task)
        print(json.dumps({"seconds": clock() - start, "result": result}), flush=True)


class Engine:
    """A process that does tasks."""

    def __init__(self, name: str, path: Path, threads: int, processor: bool) -> None:
        command = [sys.executable, __file__, "--serve", name, "--model", str(path), "--threads", str(threads)]
        command += ["--processor"] * processor
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n", name

    def do(self, task: Task) -> tuple[float, Any]:
        """The seconds and the result of a task."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["seconds"], answer["result"]


# The comparison.


def tasks(chance: random.Random) -> list[Task]:
    """A task of each kind, of tokens that were never given before."""

    def ids(count: int) -> list[int]:
        return [chance.randrange(1000, 120_000) for _ in range(count)]

    def questions(count: int, shared: int) -> list[list[int]]:
        examples = [BOS, *ids(shared)]
        return [examples + ids(24) for _ in range(count)]

    def endings(count: int) -> list[list[int]]:
        return [ids(4) for _ in range(count)]

    return [
        {"name": "one stream", "prompts": [ids(8)], "tokens": 64},
        {"name": "eight prompts", "prompts": [ids(16) for _ in range(8)], "tokens": 32},
        {"name": "choice, as lm-eval asks", "questions": questions(1, 40), "endings": endings(4)},
        {"name": "choice", "questions": questions(8, 160), "endings": endings(4)},
    ]


def is_same(one: list[float], other: list[float]) -> bool:
    """Whether results are those of one model: numbers of tokens, or sums of log-probabilities near each other, as the
    two round activations in different ways."""
    return len(one) == len(other) and all(abs(a - b) <= 0.05 * abs(b) for a, b in zip(one, other))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="for the model, which is kept for another run")
    parser.add_argument("--trine", type=Path, default=ROOT / "target" / "release" / "trine")
    parser.add_argument("--vocabulary", type=Path, default=VOCABULARY)
    parser.add_argument("--like", default="2b4t", help="dimensions of the model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--task", help="the only kind of work, where not all are wanted")
    parser.add_argument("--processor", action="store_true", help="processor time, which other programs disturb less")
    parser.add_argument("--serve", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        clock = time.process_time if arguments.processor else time.perf_counter
        serve(arguments.serve, arguments.model, arguments.threads, clock)
        return
    if arguments.folder is None:
        parser.error("--folder is missing")
    path = model_of(arguments)
    engines = [Engine(name, path, arguments.threads, arguments.processor) for name in ENGINES]
    chance = random.Random(1)
    for engine in engines:
        # The file comes into memory.
        engine.do({"name": "one stream", "prompts": [[1000, 1001]], "tokens": 4})
    ratios: dict[str, list[float]] = {}
    seconds: dict[str, list[list[float]]] = {}
    for turn in range(arguments.rounds):
        for task in (task for task in tasks(chance) if arguments.task in [None, task["name"]]):
            # Who begins changes from round to round.
            order = engines if turn % 2 == 0 else engines[::-1]
            done = {id(engine): engine.do(task) for engine in order}
            (own, found), (other, expected) = (done[id(engine)] for engine in engines)
            assert is_same(found, expected), (task["name"], found, expected)
            ratios.setdefault(task["name"], []).append(other / own)
            seconds.setdefault(task["name"], []).append([own, other])
            print(f"{task['name']}: {own:.2f} s and {other:.2f} s", file=sys.stderr, flush=True)
    print(f"| {arguments.threads} threads, {arguments.rounds} rounds | {' | '.join(f'{name}, s' for name in ENGINES)} "
          "| median of ratios | least | most |")
    print("|---|---|---|---|---|---|")
    for name, of in ratios.items():
        own, other = (statistics.median(column) for column in zip(*seconds[name]))
        print(f"| {name} | {own:.2f} | {other:.2f} | {statistics.median(of):.2f} | {min(of):.2f} | {max(of):.2f} |")


if __name__ == "__main__":
    main()
