#!/usr/bin/env python3
"""Golden numbers for ops/tests: operations of numpy, scipy and math on small inputs.

    usage: ops.py > ops/tests/data/ops.json      (needs numpy 2.4.6 and scipy 1.17.1)

Inputs are multiples of 1/64, or of such as 1/48 rounded to f32. Results that trine computes in f64 and rounds once are computed
in float64 here and rounded; results that it adds up in f32 in a stated order are float32 loops in that order.
"""

import json

import numpy as np
from scipy import special

data = {}


def numbers(seed, *shape, scale=64):
    """Multiples of 1 / scale of both signs."""
    return np.random.default_rng(seed).integers(-256, 257, shape) / scale


def put(name, values):
    """Keeps values rounded to f32."""
    data[name] = [float(v) for v in np.asarray(values, dtype=np.float64).astype(np.float32).ravel()]


def indices(name, values):
    data[name] = [int(v) for v in np.asarray(values).ravel()]


def f32(x):
    return np.asarray(x, dtype=np.float32)


def functions():
    x = np.concatenate([numbers(1, 40), numbers(2, 8) * 16, [0.0, -104.0, 88.0]])
    put("map.x", x)
    put("map.silu", x * special.expit(x))
    put("map.gelu", x * special.ndtr(x))
    # (1 + tanh(u)) / 2 = expit(2 u), which keeps the digits of large negative numbers.
    put("map.gelu_tanh", x * special.expit(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    put("map.sigmoid", special.expit(x))
    put("map.tanh", np.tanh(x))
    put("map.exp", np.exp(x))
    put("map.softplus", np.logaddexp(0, x))
    put("map.relu", np.maximum(x, 0))
    put("map.relu_squared", np.maximum(x, 0) ** 2)


def broadcast():
    x, y = f32(numbers(3, 2, 3, 5)), f32(numbers(4, 2, 3, 5, scale=48))
    y[y == 0] = 1
    row, factors = f32(numbers(5, 5)), f32(numbers(6, 2, 3))
    put("broadcast.x", x)
    put("broadcast.y", y)
    put("broadcast.row", row)
    put("broadcast.factors", factors)
    put("product.rows", (x.astype(np.float64) * y).sum(-1))
    put("broadcast.product", x * y)
    put("broadcast.difference", x - y)
    put("broadcast.quotient", x / y)
    put("broadcast.add_to_rows", x + row)
    put("broadcast.multiply_rows", x * row)
    put("broadcast.scale_rows", x * factors[..., None])


def reductions():
    x = numbers(7, 2, 3, 4, 5, scale=48).astype(np.float32).astype(np.float64)
    put("reduce.x", x)
    for axis in range(4):
        put(f"reduce.sum{axis}", x.sum(axis))
        put(f"reduce.mean{axis}", x.mean(axis))
        put(f"reduce.max{axis}", x.max(axis))
        put(f"reduce.min{axis}", x.min(axis))


def softmax():
    x = numbers(8, 2, 3, 7)
    put("softmax.x", x)
    put("softmax.softmax", special.softmax(x, axis=-1))
    put("softmax.log_softmax", special.log_softmax(x, axis=-1))
    put("softmax.log_sum_exp", special.logsumexp(x, axis=-1))


def selection():
    x = numbers(9, 2, 3, 7, scale=512).round(1)  # Few distinct values, so that some are equal.
    put("select.x", x)
    indices("select.argmax", x.argmax(-1))
    order = np.argsort(-x, axis=-1, kind="stable")[..., :4]
    indices("select.top", order)
    put("select.top_values", np.take_along_axis(x, order, -1))
    table, rows = f32(numbers(10, 4, 3, scale=48)), f32(numbers(11, 5, 3, scale=48))
    at = np.array([2, 0, 2, 3, 2])
    put("scatter.x", table)
    put("scatter.rows", rows)
    indices("scatter.indices", at)
    added = table.copy()
    np.add.at(added, at, rows)
    put("scatter.y", added)
    put("gather.y", table[at])


def products():
    x, y = f32(numbers(12, 2, 3, 4, 5, scale=48)), f32(numbers(13, 2, 3, 5, 6, scale=48))
    z = np.zeros((2, 3, 4, 6), dtype=np.float32)
    for k in range(5):
        z = z + x[..., :, k, None] * y[..., None, k, :]
    put("product.x", x)
    put("product.y", y)
    put("product.z", z)
    put("product.outer", np.multiply.outer(x[0, 0, 0], y[0, 0, 0]))


def norms():
    x, gain, bias = numbers(14, 2, 3, 5), numbers(15, 5), numbers(16, 5)
    put("norm.x", x)
    put("norm.gain", gain)
    put("norm.bias", bias)
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    epsilon = np.float64(np.float32(1e-5))
    put("norm.layer", (x - mean) / np.sqrt(variance + epsilon) * gain + bias)
    put("norm.rms", x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * gain)


def attention():
    queries, heads, keys, width, out = 5, 2, 7, 3, 4
    q, k, v = numbers(17, queries, heads, width), numbers(18, keys, heads, width), numbers(19, keys, heads, out)
    put("attend.q", q)
    put("attend.k", k)
    put("attend.v", v)

    def attend(k, v, seen):
        scores = np.einsum("qhe,khe->hqk", q, k) / np.sqrt(width)
        scores = np.where(seen, scores, -np.inf)
        return np.einsum("hqk,khd->qhd", special.softmax(scores, axis=-1), v)

    i, j = np.arange(queries)[:, None], np.arange(queries)[None]
    put("attend.all", attend(k, v, np.True_))
    put("attend.causal", attend(k[:queries], v[:queries], j <= i))
    put("attend.window", attend(k[:queries], v[:queries], (j >= i - 2) & (j <= i + 1)))


def sequences():
    x, kernel, before = f32(numbers(20, 6, 3, scale=48)), f32(numbers(21, 3, 4, scale=48)), f32(numbers(22, 2, 3))
    put("convolution.x", x)
    put("convolution.kernel", kernel)
    put("convolution.before", before)

    def convolve(padded, count):
        y = np.zeros((count, 3), dtype=np.float32)
        for tap in range(4):
            y = y + padded[tap : tap + count] * kernel[:, tap]
        return y

    zeros = lambda count: np.zeros((count, 3), dtype=np.float32)
    put("convolution.y", convolve(np.concatenate([zeros(3), x]), 6))
    put("convolution.after", convolve(np.concatenate([zeros(1), before, x]), 6))
    a, b, h = f32(numbers(23, 5, 2, 3, scale=300)), f32(numbers(24, 5, 2, 3, scale=48)), f32(numbers(25, 2, 3, scale=48))
    put("scan.a", a)
    put("scan.b", b)
    put("scan.initial", h)
    states = []
    for t in range(5):
        h = a[t] * h + b[t]
        states.append(h)
    put("scan.h", states)


for make in [functions, broadcast, reductions, softmax, selection, products, norms, attention, sequences]:
    make()
print("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(values)}" for name, values in data.items()) + "\n}")
