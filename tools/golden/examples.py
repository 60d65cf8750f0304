#!/usr/bin/env python3
"""Golden numbers for tests/examples: what the programs in examples/ compute, in numpy and float64.

    usage: examples.py > tests/fixtures/examples.json      (needs numpy 2.4.6 and scipy 1.17.1)

Weights and inputs are those of the function `wave` of each example, rounded to f32.
"""

import json

import numpy as np
from scipy import special

data = {}


def wave(seed, *shape):
    """Element i of a tensor is sin(0.37 i^2 + seed) / 2, rounded to f32."""
    i = np.arange(np.prod(shape)).reshape(shape)
    return (np.sin(0.37 * (i * i) + float(seed)) / 2).astype(np.float32).astype(np.float64)


def put(name, values):
    data[name] = [float(f"{v:.9g}") for v in np.ravel(values)]


def rms_norm(x, gain, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * gain


def layer_norm(x, gain, bias, epsilon):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon) * gain + bias


def silu(x):
    return x * special.expit(x)


def attend(q, k, v, heads, causal):
    """Attention of rows of `heads` heads side by side; `k` and `v` may have fewer heads than `q`."""
    q, k, v = (x.reshape(len(x), count, -1) for x, count in zip((q, k, v), heads))
    k, v = (np.repeat(x, heads[0] // heads[1], axis=1) for x in (k, v))
    scores = np.einsum("qhe,khe->hqk", q, k) / np.sqrt(q.shape[-1])
    if causal:
        scores[:, np.triu(np.ones(scores.shape[1:], bool), 1)] = -np.inf
    return np.einsum("hqk,khd->qhd", special.softmax(scores, -1), v).reshape(len(q), -1)


def mixture_of_experts():
    tokens, width, inner, experts = 7, 10, 6, 5

    def expert(seed, x):
        gate, up, down = wave(seed, inner, width), wave(seed + 1, inner, width), wave(seed + 2, width, inner)
        return (silu(x @ gate.T) * (x @ up.T)) @ down.T

    x = wave(3, tokens, width)
    h = rms_norm(x, wave(1, width), 1e-6)
    p = special.softmax(h @ wave(2, experts, width).T, -1)
    y = expert(4, h)
    for token in range(tokens):
        chosen = np.argsort(-p[token], kind="stable")[:2]
        for e in chosen:
            y[token] += p[token, e] / p[token, chosen].sum() * expert(10 * e + 10, h[token])
    put("mixture_of_experts", x + y)


def lstm():
    steps, sentences, inputs, cells = 5, 3, 4, 6
    x = wave(13, steps, sentences, inputs)
    h = c = np.zeros((sentences, cells))
    outputs = []

    def affine(seed, x, h):
        return x @ wave(seed, cells, inputs).T + h @ wave(seed + 1, cells, cells).T + wave(seed + 2, cells)

    for t in range(steps):
        enter, keep, candidate, emit = (affine(seed, x[t], h) for seed in (1, 4, 7, 10))
        c = special.expit(keep) * c + special.expit(enter) * np.tanh(candidate)
        h = special.expit(emit) * np.tanh(c)
        outputs.append(h)
    put("lstm", outputs)


def selective_scan():
    steps, width, inner, state, rank, taps = 9, 5, 8, 4, 3, 2
    stream = wave(15, steps, width)
    n = layer_norm(stream, wave(13, width), wave(14, width), 1e-5)
    before = np.concatenate([np.zeros((taps - 1, inner)), n @ wave(1, inner, width).T])
    x = sum(before[tap : tap + steps] * wave(3, inner, taps)[:, tap] for tap in range(taps))
    x = silu(x + wave(4, inner))
    pace = np.logaddexp(0, x @ wave(5, rank, inner).T @ wave(6, inner, rank).T + wave(7, inner))
    write, read = x @ wave(8, state, inner).T, x @ wave(9, state, inner).T
    h, y = np.zeros((inner, state)), np.zeros((steps, inner))
    for s in range(steps):
        h = np.exp(-pace[s][:, None] * np.exp(wave(10, inner, state))) * h
        h = h + (pace[s] * x[s])[:, None] * write[s][None, :]
        y[s] = h @ read[s] + wave(11, inner) * x[s]
    y = y * silu(n @ wave(2, inner, width).T)
    put("selective_scan", stream + y @ wave(12, width, inner).T)


def qwen3_attention():
    texts, prompt, hidden, heads, kv_heads, head = 3, 5, 20, 6, 2, 8
    streams = np.concatenate([wave(8, texts, prompt, hidden), wave(9, texts, 1, hidden)], axis=1)

    def heads_of(x, gain):
        """Normalised and rotated; pairs are halves of a head."""
        x = rms_norm(x.reshape(len(x), -1, head), gain, 1e-6)
        angle = np.arange(len(x))[:, None] * 1e6 ** (-2 * np.arange(head // 2) / head)
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        a, b = x[..., : head // 2], x[..., head // 2 :]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1).reshape(len(x), -1)

    def block(x):
        h = rms_norm(x, wave(1, hidden), 1e-6)
        q = heads_of(h @ wave(2, heads * head, hidden).T, wave(5, head))
        k = heads_of(h @ wave(3, kv_heads * head, hidden).T, wave(6, head))
        v = h @ wave(4, kv_heads * head, hidden).T
        attended = attend(q, k, v, (heads, kv_heads, kv_heads), causal=True)
        return x + attended @ wave(7, hidden, heads * head).T

    y = np.stack([block(x) for x in streams])
    put("qwen3_attention.prompt", y[:, :prompt])
    put("qwen3_attention.next", y[:, prompt:])


def vit_block():
    images, patches, heads, width, inner = 2, 7, 3, 12, 20

    def affine(x, out, seed):
        return x @ wave(seed, out, x.shape[-1]).T + wave(seed + 1, out)

    def block(x):
        h = layer_norm(x, wave(1, width), wave(2, width), 1e-6)
        q, k, v = (affine(h, width, seed) for seed in (3, 5, 7))
        x = x + affine(attend(q, k, v, (heads,) * 3, causal=False), width, 9)
        h = affine(layer_norm(x, wave(11, width), wave(12, width), 1e-6), inner, 13)
        return x + affine(h * special.ndtr(h), width, 15)

    put("vit_block", [block(x) for x in wave(17, images, patches, width)])


def lora():
    tokens, width, heads, attended, rank = 6, 14, 3, 15, 2

    def adapted(x, out, seed):
        a, b = wave(seed + 2, rank, x.shape[-1]), wave(seed + 1, out, rank)
        return x @ (wave(seed, out, x.shape[-1]) + 1.5 * b @ a).T

    x = wave(14, tokens, width)
    h = rms_norm(x, wave(1, width), 1e-6)
    q, k, v = (adapted(h, attended, seed) for seed in (2, 5, 8))
    put("lora", x + adapted(attend(q, k, v, (heads,) * 3, causal=True), width, 11))


def cross_attention():
    sources, targets, width, heads, attended, inner = 8, 5, 14, 3, 12, 18

    def norm(x, seed):
        return layer_norm(x, wave(seed, width), wave(seed + 1, width), 1e-5)

    def attention(x, y, seed, causal):
        q = x @ wave(seed, attended, width).T
        k, v = (y @ wave(seed + i, attended, width).T for i in (1, 2))
        return attend(q, k, v, (heads,) * 3, causal) @ wave(seed + 3, width, attended).T

    x, source = wave(20, targets, width), norm(wave(17, sources, width), 18)
    x = x + attention(norm(x, 1), norm(x, 1), 7, causal=True)
    x = x + attention(norm(x, 3), source, 11, causal=False)
    put("cross_attention", x + np.maximum(norm(x, 5) @ wave(15, inner, width).T, 0) @ wave(16, width, inner).T)


for example in (mixture_of_experts, lstm, selective_scan, qwen3_attention, vit_block, lora, cross_attention):
    example()
print(json.dumps(data, separators=(",", ":")))
