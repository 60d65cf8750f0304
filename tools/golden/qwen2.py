#!/usr/bin/env python3
"""Writes tests/fixtures/qwen2.json: what llama.cpp and a numpy model do with Qwen2.5-Coder-0.5B-Instruct Q4_K_M.

Five prompts, cut into ids by llama.cpp (special tokens recognised; the file adds no BOS), and llama.cpp's own 64 greedy
tokens after each, with a float32 KV cache and past any end token. llama.cpp rounds activations to 8 bits where they
meet Q4_K, Q5_0, Q6_K and Q8_0 weights. The numpy model runs the same ids in float64, on the weights as the `gguf`
package decodes them, and rounds nothing: it is what an engine without that rounding must come close to. The largest
difference between the two and its relative size |a - b| / |b| over all logits are kept too.

With --verify, llama.cpp runs the decoded weights as a file of F32 tensors (2.5 GB, temporary), where it rounds nothing
either, and must agree with the numpy model. The model comes from tools/fetch_qwen2.py. Needs 9 GB of memory and some
minutes. docs/golden.md has the format.
"""

import argparse
import json
import tempfile
from pathlib import Path

import gguf
import jinja2
import numpy as np
from gguf import quants

from gguf_io import finish
from llama_cpp import LlamaCpp
from numpy_model import Model
from parameters import Dimensions, read_parameters

STEPS = 64
TOP = 20
SAMPLE, SHORT_SAMPLE = 200, 16
"""Ids whose logits are kept at the last position of a prompt, and how many of them at the others."""

EXACT = 1e-5
"""Relative difference below which two engines that round nothing agree."""

DIMENSIONS = Dimensions(
    "qwen2.5-coder", "qwen2", 0, 24, 896, 4864, 14, 2, 64, 151936, 32768,
    rope_theta=1e6, rms_eps=1e-6, ternary=False, tied=False, biases=True,
)  # fmt: skip

MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant. Answer in one paragraph."},
    {"role": "user", "content": "Why does ice float on water?"},
]
PROMPTS = {
    "english": "The Industrial Revolution began in Great Britain in the second half of the eighteenth century, when",
    "python": (
        'def merge_sorted(first: list[int], second: list[int]) -> list[int]:\n    """Merges two sorted lists."""\n'
    ),
    "cjk": "水の分子は二つの水素原子と一つの酸素原子からできている。中国的首都是北京，它位于华北平原的北部。대한민국의 수도는",
    "chat": MESSAGES,
    "lines": (
        "# Shopping list 🛒\n\n- 12 eggs 🥚\n- 3.5 kg of flour\n\n"
        "## Steps 👩‍🍳\n\n1. Don't panic 😀\r\n2. Mix\t everything:\n"
    ),
}


def render(path, prompt):
    """The text of a prompt; messages go through the template of the file."""
    if isinstance(prompt, str):
        return prompt
    template = gguf.GGUFReader(path).fields["tokenizer.chat_template"].contents()
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(messages=prompt, add_generation_prompt=True)


def rounded(values):
    """Floats with the digits that matter."""
    return [round(float(value), 5) for value in values]


def top(row, count):
    """The best ids of a row of logits, best first, and their logits."""
    ids = np.argsort(-row, kind="stable")[:count]
    return {"ids": ids.tolist(), "logits": rounded(row[ids])}


def sampled(row, sample):
    """The norm of a row of logits, and those of some ids."""
    return {"norm": round(float(np.linalg.norm(row)), 4), "sample": rounded(row[sample])}


def trace(llama_cpp, path, text):
    """Ids of a prompt, llama.cpp's greedy ids, and the logits of all but the last of them."""
    ids = [int(token) for token in llama_cpp.run("tokenize", path, 1, text).split("\n")[0].split()]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "logits"
        lines = llama_cpp.run("trace", path, out, STEPS, *ids).splitlines()
        logits = np.fromfile(out, np.float32).reshape(len(ids) + STEPS - 1, -1)
    return ids, [int(line.split()[0]) for line in lines], logits


def compare(found, expected):
    """How far llama.cpp's logits [positions, vocabulary] are from the numpy model's."""
    difference = found - expected
    norms = np.linalg.norm(difference, axis=1) / np.linalg.norm(expected, axis=1)
    return {
        "largest": float(f"{np.abs(difference).max():.4g}"),
        "relative": float(f"{np.linalg.norm(difference) / np.linalg.norm(expected):.4g}"),
        "worst_position_relative": float(f"{norms.max():.4g}"),
        "same_best": round(float((found.argmax(1) == expected.argmax(1)).mean()), 4),
    }


def write_decoded(source, path):
    """The file with every tensor as the `gguf` package decodes it, in F32."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(path, DIMENSIONS.architecture)
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key not in ("general.architecture", "general.file_type"):
            writer.add_key_value(key, field.contents(), *field.types)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, quants.dequantize(tensor.data, tensor.tensor_type))
    finish(writer)


def verify(llama_cpp, path, model):
    """Compares the numpy model with llama.cpp on float32 weights."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        decoded = Path(folder) / "decoded.gguf"
        write_decoded(path, decoded)
        for name, prompt in PROMPTS.items():
            ids = [int(token) for token in llama_cpp.run("tokenize", path, 1, render(path, prompt)).split()]
            (expected,), _ = model.run([ids])
            deviation = compare(llama_cpp.logits(decoded, ids), expected)
            print(f"{name}, F32: {deviation}", flush=True)
            assert deviation["relative"] < EXACT, f"{name}: llama.cpp and numpy differ"


def record(name, text, traced, exact, sample):
    """One entry of the file."""
    ids, greedy, found = traced
    last = len(ids) - 1
    deviation = {"prompt": compare(found[: last + 1], exact[: last + 1]), "steps": compare(found[last:], exact[last:])}
    lead = np.diff(np.partition(exact[last:], -2)[:, -2:]).min()
    print(f"{name}: {len(ids)} ids, least lead {lead:.4f}, {deviation}", flush=True)
    return {
        "name": name,
        "prompt": text,
        "ids": ids,
        "greedy": greedy,
        "llama_cpp": {
            "prompt": [top(row, 2) for row in found[:last]],
            "steps": [top(row, TOP) for row in found[last:]],
        },
        "exact": {
            "prompt": [top(row, 2) | sampled(row, sample[:SHORT_SAMPLE]) for row in exact[:last]],
            "last": top(exact[last], TOP) | sampled(exact[last], sample),
            "steps": [top(row, 2) for row in exact[last:]],
        },
        "deviation": deviation,
    }


def to_json(value, depth=0):
    """JSON in which each position of a prompt and each step has a line."""
    if isinstance(value, dict) and (depth < 3 or "prompt" in value):
        lines = [f"{json.dumps(key)}: {to_json(entry, depth + 1)}" for key, entry in value.items()]
        return "{" + (",\n" + " " * (depth + 1)).join(lines) + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(" " * (depth + 1) + to_json(entry, depth + 1) for entry in value) + "]"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write(out, path, sample, entries):
    """The file of a model: the ids whose logits are kept, and the entries of its prompts."""
    data = {"model": path.name, "sample": sample.tolist(), "prompts": entries}
    encoded = to_json(data) + "\n"
    assert json.loads(encoded) == data
    out.write_text(encoded)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--model", type=Path, default=Path("models/Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf"))
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/qwen2.json"))
    parser.add_argument("--verify", action="store_true", help="only compare with llama.cpp on decoded weights")
    arguments = parser.parse_args()
    llama_cpp = LlamaCpp(arguments.oracle)
    model = Model(read_parameters(arguments.model, DIMENSIONS), exact_angles=True)
    if arguments.verify:
        verify(llama_cpp, arguments.model, model)
        return
    random = np.random.default_rng(2025)
    sample = random.choice(DIMENSIONS.vocabulary, SAMPLE, replace=False)
    entries = []
    for name, prompt in PROMPTS.items():
        text = render(arguments.model, prompt)
        traced = trace(llama_cpp, arguments.model, text)
        ids, greedy, _ = traced
        (exact,), _ = model.run([ids + greedy[:-1]])
        entries.append(record(name, text, traced, exact, sample))
    write(arguments.out, arguments.model, sample, entries)


if __name__ == "__main__":
    main()
