#!/usr/bin/env python3
"""Finds prompts whose int8 activations no float rounding can flip, and writes them to prompts.json.

Random prompts are run in float64 by `numpy_model.py`. One is kept when each x * s lies further than `--distance` from
a rounding boundary, in every layer and at every position: for the models of llama.cpp those of the prompt, for the
models of transformers those of 64 greedy steps too, in each of which the best logit must lead by `--margin`. Then the
variants of `numpy_model.py`, with four times the rounding noise of float32, must give the same logits.
A distance of 2e-5 is a few times what float32 rounding moves x * s; among ten to a hundred thousand random prompts
one has a continuation that keeps it, and finding it takes some minutes. Dense models take any prompt.
"""

import argparse
import json

import numpy as np

from models import HF_MODELS, LLAMA_DENSE_MODELS, LLAMA_TERNARY_MODELS, PROMPTS
from numpy_model import BLOCK, TOKEN, Model, State, robust, top_two_margin
from parameters import CONTROL_TOKENS, random_parameters

PROMPT_LENGTH = 12
GREEDY_STEPS = 64
DISTINCT_TOKENS = 16
"""How many different tokens a continuation has at least, since one that repeats itself proves little."""

BATCH_SHAPE = (3, 7)
CANDIDATES = 2000


def find_prompts(model, random, batch, length, distance):
    """Those of `batch` random prompts whose every x * s keeps the distance, with their states and last logits."""
    ids = random.integers(CONTROL_TOKENS, model.dimensions.vocabulary, (batch, length))
    state, logits = State(model.dimensions, batch, model.dtype), None
    for position in range(length):
        logits = model.forward(ids[:, position : position + 1], state)[:, -1]
        kept = np.flatnonzero(state.distance > distance)
        ids, state, logits = ids[kept], state.select(kept), logits[kept]
    return ids, state, logits


def find_continuations(model, random, distance, margin):
    """Prompts with their greedy continuations, [n, length], which keep the distance throughout; often none."""
    ids, state, logits = find_prompts(model, random, CANDIDATES, PROMPT_LENGTH, distance)
    for step in range(GREEDY_STEPS):
        chosen = logits.argmax(-1)
        ids = np.concatenate([ids, chosen[:, None]], 1)
        clear = (top_two_margin(logits) > margin) & (chosen >= CONTROL_TOKENS)
        if step + 1 < GREEDY_STEPS:
            logits = model.forward(chosen[:, None], state)[:, -1]
            clear &= state.distance > distance
        kept = np.flatnonzero(clear)
        ids, state, logits = ids[kept], state.select(kept), logits[kept]
        if not len(ids):
            break
    return ids


def search_greedy(dimensions, arguments):
    """The prompt, its continuation and the batch for a model of transformers."""
    parameters, random = random_parameters(dimensions), np.random.default_rng(dimensions.seed)
    model = Model(parameters)
    prompts, _, _ = find_prompts(model, random, 100, BATCH_SHAPE[1], arguments.distance)
    batch = [row for row in prompts.tolist() if robust(parameters, TOKEN, [row])][: BATCH_SHAPE[0]]
    for attempt in range(1, arguments.attempts + 1):
        for row in find_continuations(model, random, arguments.distance, arguments.margin).tolist():
            kept = len(set(row[PROMPT_LENGTH:])) >= DISTINCT_TOKENS and robust(parameters, TOKEN, [row[:-1]])
            verdict = "kept" if kept else "repetitive or not robust"
            print(f"model {dimensions.name}: one of {attempt * CANDIDATES} prompts, {verdict}", flush=True)
            if kept:
                return {"prompt": row[:PROMPT_LENGTH], "greedy": row[PROMPT_LENGTH:], "batch": batch}
    raise SystemExit(f"model {dimensions.name}: none of {arguments.attempts * CANDIDATES} prompts qualifies")


def search_prompt(dimensions, arguments):
    """The prompt for a model of llama.cpp."""
    parameters, random = random_parameters(dimensions), np.random.default_rng(dimensions.seed)
    found, _, _ = find_prompts(Model(parameters, BLOCK), random, CANDIDATES, PROMPT_LENGTH, arguments.distance)
    print(f"model {dimensions.name}: {len(found)} of {CANDIDATES} prompts keep the distance", flush=True)
    return {"prompt": next(row for row in found.tolist() if robust(parameters, BLOCK, [row]))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--distance", type=float, default=2e-5, help="least distance from a rounding boundary")
    parser.add_argument("--margin", type=float, default=5e-3, help="least lead of the best logit")
    parser.add_argument("--attempts", type=int, default=1000, help=f"rounds of {CANDIDATES} prompts at most")
    parser.add_argument("--model", action="append", help="only this model (repeatable); the others stay as they are")
    arguments = parser.parse_args()

    found = json.loads(PROMPTS.read_text()) if PROMPTS.exists() else {}
    for dimensions in HF_MODELS + LLAMA_TERNARY_MODELS + LLAMA_DENSE_MODELS:
        if arguments.model is None or dimensions.name in arguments.model:
            search = search_greedy if dimensions in HF_MODELS else search_prompt
            found[dimensions.name] = search(dimensions, arguments)
            lines = [f' "{name}": {json.dumps(found[name])}' for name in sorted(found)]
            PROMPTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
