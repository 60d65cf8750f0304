#!/usr/bin/env python3
"""Writes tests/fixtures/smollm2.json: what llama.cpp does with SmolLM2-135M-Instruct Q4_1.

`greedy`: raw prompts (no chat template; BOS where the file asks for it, which this one does not), their ids, and 32
steps: the best and the second id with their logits. The prompts were chosen because the best logit leads by more than
`LEAST_LEAD` at each step: llama.cpp rounds activations where they meet Q4_1 and Q8_0 weights, which moves logits by
some hundredths, so that another engine must produce the same ids only where the lead is larger.
`tokenize`: texts and their ids. The model comes from tools/fetch_smollm2.py.
"""

import argparse
import json
from pathlib import Path

from llama_cpp import LlamaCpp

STEPS = 32
LEAST_LEAD = 0.1
PROMPTS = ["The Pythagorean theorem states that", "The chemical symbol for water is", "The quick brown fox"]
TEXTS = [
    "Hello, world!",
    " leading and trailing spaces  ",
    "It's 1,234.56 miles; I'll go, you've gone.",
    "tabs\tand\n\nnew lines\r\n",
    "naïve café — Zürich, Москва, 東京, العربية, हिन्दी",
    "🦀 emoji 👩‍💻 and symbols ≠ ∞",
    "def f(x):\n    return x**2  # square",
    "0123456789 42",
    "<|im_start|>user\nHi<|im_end|>\n",
]


def greedy(llama_cpp, model, prompt):
    """The ids of a prompt and the steps after it."""
    ids = [int(token) for token in llama_cpp.run("tokenize", model, 1, prompt).split()]
    steps = []
    for line in llama_cpp.run("greedy", model, STEPS, *ids).splitlines():
        best, best_logit, second, second_logit = line.split()
        steps.append({"best": [int(best), float(best_logit)], "second": [int(second), float(second_logit)]})
    lead = min(step["best"][1] - step["second"][1] for step in steps)
    print(f"{prompt!r}: least lead {lead:.3f}")
    assert lead > LEAST_LEAD
    return {"prompt": prompt, "ids": ids, "steps": steps}


def to_json(data):
    """JSON with one step or one text a line."""
    greedy_texts = []
    for entry in data["greedy"]:
        head = f'"prompt": {json.dumps(entry["prompt"])}, "ids": {json.dumps(entry["ids"])}'
        steps = ",\n    ".join(map(json.dumps, entry["steps"]))
        greedy_texts.append(f'  {{{head}, "steps": [\n    {steps}]}}')
    tokenized = ",\n  ".join(map(json.dumps, data["tokenize"]))
    return '{"greedy": [\n' + ",\n".join(greedy_texts) + f'],\n "tokenize": [\n  {tokenized}]}}\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--model", type=Path, default=Path("models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/smollm2.json"))
    arguments = parser.parse_args()
    llama_cpp = LlamaCpp(arguments.oracle)
    lines = llama_cpp.run("tokenize", arguments.model, 1, *TEXTS).splitlines()
    assert len(lines) == len(TEXTS)
    data = {
        "greedy": [greedy(llama_cpp, arguments.model, prompt) for prompt in PROMPTS],
        "tokenize": [{"text": text, "ids": [int(x) for x in line.split()]} for text, line in zip(TEXTS, lines)],
    }
    text = to_json(data)
    assert json.loads(text) == data
    arguments.out.write_text(text)


if __name__ == "__main__":
    main()
