"""Random Qwen3 models whose every matrix, embedding and head too, has a scale for each group, for `grouped.py`.

Belongs here: their sizes and weights, the numpy model with YaRN and with llama.cpp's rounding of activations, and the
choice of prompts. Does not belong here: files, other engines.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from hf_qwen import NAMES, NEW_TYPE_KEY, Small
from numpy_model import LOGIT_TOLERANCE, VARIANTS, Model
from parameters import Dimensions, Parameters, half_exact, random_gain

ACTIVATION_BLOCK = 32

EMPTY_SHARE = 0.03
"""Share of the ternary groups in which every weight is zero."""

CONTEXT = 320
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": CONTEXT // 4}
SHORT, LONG, CANDIDATES = 10, 262, 400
"""Lengths of the prompts, and how many short ones are tried."""


@dataclass(frozen=True)
class Grouped:
    """A model, the weights of a group, and whether they are binary."""

    small: Small
    group: int = 128
    binary: bool = False


def model(name, seed, sizes, tied=True, tokenizer=False, **others):
    """`sizes` in the order hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary."""
    theta, eps, dtype = 1e6, 1e-6, torch.float16
    small = Small("qwen3", name, seed, sizes, theta, eps, dtype, tied, YARN, CONTEXT, NEW_TYPE_KEY, tokenizer)
    return Grouped(small, **others)


MODELS = [
    model("tied", 101, (128, 384, 1, 8, 2, 32, 271), tokenizer=True),
    model("separate", 102, (256, 128, 2, 4, 2, 32, 131), tied=False),
    model("binary", 103, (128, 256, 1, 4, 1, 64, 267), tokenizer=True, binary=True),
    model("halves", 104, (128, 256, 1, 4, 4, 32, 109), group=64),
]
"""`halves` has groups of 64 whose scales differ, so that no type with groups of 128 holds it."""


def distinct_scales(random, count, typical):
    """Float16 scales from half the typical size to twice that, no two the same."""
    first, last = (int(np.float16(typical * factor).view(np.uint16)) for factor in (0.5, 2))
    return random.choice(np.arange(first, last, dtype=np.uint16), count, replace=False).view(np.float16)


def random_matrix(random, shape, grouped, typical):
    """Values -s, 0 and s of each group; about a third is zero, and some groups are."""
    groups = math.prod(shape) // grouped.group
    if grouped.binary:
        codes = random.choice([-1, 1], (groups, grouped.group))
    else:
        codes = random.integers(-1, 2, (groups, grouped.group))
        codes[random.random(groups) < EMPTY_SHARE] = 0
    scales = distinct_scales(random, groups, typical).astype(np.float32)
    return (codes * scales[:, None] + np.float32(0)).astype(np.float32).reshape(shape)


def random_model(grouped):
    """The model of transformers in float32; float16 holds every value."""
    random = np.random.default_rng(grouped.small.seed)
    built = AutoModelForCausalLM.from_config(
        grouped.small.configuration(), dtype=torch.float32, attn_implementation="eager"
    ).eval()
    for name, parameter in built.named_parameters():
        shape = tuple(parameter.shape)
        if len(shape) == 1:
            values = half_exact(random_gain(random, *shape))
        else:
            table = "embed_tokens" in name or "lm_head" in name
            values = random_matrix(random, shape, grouped, 0.1 if table else 1.2 / math.sqrt(shape[1]))
        parameter.data.copy_(torch.from_numpy(values))
    return built


def parameters_of(small, built):
    """The same for the numpy model."""
    hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary = small.sizes
    sizes = (layers, hidden, ffn, heads, kv_heads, head_dim, vocabulary, small.context)
    others = {"rope_theta": small.rope_theta, "rms_eps": small.eps, "ternary": False, "tied": small.tied}
    parameters = Parameters(Dimensions(small.name, "qwen3", small.seed, *sizes, **others))
    tensors = {name.removesuffix(".weight"): values.numpy() for name, values in built.state_dict().items()}
    parameters.embedding, head = tensors["model.embed_tokens"], tensors.get("lm_head")
    parameters.head = None if small.tied else head
    parameters.gains["output_norm"] = tensors["model.norm"]
    for layer in range(layers):
        for name, module in NAMES.items():
            values = tensors.get(f"model.layers.{layer}.{module}")
            key = f"blk.{layer}.{name}"
            if values is not None and values.ndim == 1:
                parameters.gains[key] = values
            elif values is not None:
                parameters.codes[key], parameters.scales[key] = values, np.float32(1)
    return parameters


def yarn_frequencies(theta, width, factor, original, beta_fast=32, beta_slow=1):
    """Frequencies of the pairs, and the factor of cosine and sine."""
    corrected = lambda beta: width * math.log(original / (2 * math.pi * beta)) / (2 * math.log(theta))
    low, high = max(0, math.floor(corrected(beta_fast))), min(width - 1, math.ceil(corrected(beta_slow)))
    pairs = np.arange(width // 2)
    plain = theta ** (-2 * pairs / width)
    kept = 1 - np.clip((pairs - low) / max(0.001, high - low), 0, 1)
    return plain / factor * (1 - kept) + plain * kept, 1 + 0.1 * math.log(factor)


class GroupedModel(Model):
    """Qwen3 with YaRN; with `rounded`, activations before every matrix are rounded as llama.cpp does it for these
    types: per 32 elements to d * q, d = max / 127 in float16, q = round(x * 127 / max)."""

    def __init__(self, parameters, rounded, yarn=True, exact_angles=True, **options):
        super().__init__(parameters, exact_angles=exact_angles, **options)
        self.rounded = rounded
        if not yarn:
            return
        frequencies, magnitude = yarn_frequencies(
            self.dimensions.rope_theta,
            self.dimensions.head_dim,
            YARN["factor"],
            YARN["original_max_position_embeddings"],
        )
        self.frequencies = frequencies.astype(self.frequencies.dtype)
        self.rope_magnitude = self.dtype(magnitude)

    def quantize(self, x, state):
        """The input of a matrix as it is, or rounded."""
        if not self.rounded:
            return x, self.dtype(1)
        blocks = x.reshape(*x.shape[:-1], -1, ACTIVATION_BLOCK)
        largest = np.abs(blocks).max(-1, keepdims=True)
        largest[largest == 0] = 127  # a block of zeros, of which any scale makes zeros
        step = largest / self.dtype(127)
        halved = step.astype(np.float16)
        scaled = blocks * (self.dtype(127) / largest)
        place = step / np.spacing(halved).astype(self.dtype)
        distances = [np.abs(np.abs(scaled - np.floor(scaled)) - 0.5)]
        # An error of x moves the place of a scale between two floats of 11 bits 16 times as far as that of a code.
        distances.append(np.abs(np.abs(place - np.floor(place)) - 0.5) / 16)
        for distance in distances:
            state.distance = np.minimum(state.distance, distance.reshape(len(x), -1).min(1))
        return (np.rint(scaled) * halved.astype(self.dtype)).reshape(x.shape), self.dtype(1)

    def logits(self, x, state):
        """The product with the head, a matrix like the others."""
        values, _ = self.quantize(x, state)
        return self.disturb(values @ self.head.T)


def prompts(parameters, seed):
    """A short prompt whose rounding no other order of operations changes, and a long one, where that is not asked."""
    random = np.random.default_rng(seed)
    vocabulary = parameters.dimensions.vocabulary
    candidates = random.integers(0, vocabulary, (CANDIDATES, SHORT))
    logits, distances = GroupedModel(parameters, True).run(candidates)
    best = distances.argmax()
    for name, options in VARIANTS.items():
        other, _ = GroupedModel(parameters, True, **options).run(candidates[best : best + 1])
        assert np.abs(other[0] - logits[best]).max() < LOGIT_TOLERANCE, f"{name}: rounding flips an activation"
    print(f"{parameters.dimensions.name}: distance from a boundary {distances[best]:.1e}", flush=True)
    return {"short": candidates[best], "long": random.integers(0, vocabulary, LONG)}
