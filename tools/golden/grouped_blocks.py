"""Blocks of the packings with group scales, and llama.cpp's activations that meet them, for `grouped.py`.

Belongs here: `blocks.safetensors` and `q8_0.safetensors` of tests/fixtures/grouped, and the comparisons that make their
contents trustworthy. Does not belong here: the packings themselves (`grouped_packing.py`), models.
"""

import numpy as np

from grouped_packing import PACKINGS, check_vectors, decode, pack, vector_codes

SEED = 20261129

SHAPES = {"Q1_0": (3, 384), "Q2_0": (5, 320), "PQ2_0": (3, 640), "PTQ1_0": (3, 640)}
"""Rows and columns by type; PQ2_0 and PTQ1_0 hold the same weights."""

EDGE_SCALES = np.array([1, 0.0078125, 2**-14, 1.1e-5, 6e-8, 65504], np.float16)
"""Scales of the first blocks: plain ones, the least normal one, subnormal ones, and the largest."""

BLOCK, BLOCK_BYTES = 32, 34
"""Elements and bytes of a block of Q8_0."""

ROWS, COLUMNS = 6, 1024
"""Of the activations."""

WEIGHTS = 5
"""Rows of each matrix that the activations meet."""


def random_codes(random, groups, packing):
    """Codes a third of which are zeros, or bits."""
    return random.integers(0, 2 if packing.binary else 3, (groups, packing.group), dtype=np.uint8)


def random_scales(random, groups):
    """Float16 scales of usual sizes."""
    return np.exp(random.uniform(np.log(0.004), np.log(0.08), groups)).astype(np.float16)


def of_one_type(packing):
    """Codes and scales. The first block is the published vector with the scale 1, the last is zero as engines write
    it, the one before it, where ternary, has zeros under a scale; the scale of each is another."""
    random = np.random.default_rng(SEED + packing.group + packing.binary)
    rows, columns = SHAPES[packing.name]
    codes = random_codes(random, rows * columns // packing.group, packing)
    scales = random_scales(random, len(codes))
    scales[: len(EDGE_SCALES)] = EDGE_SCALES
    codes[0] = vector_codes(packing.binary)[: packing.group]
    codes[-1], scales[-1] = 1, 0
    if not packing.binary:
        codes[-2] = 1
    assert len(np.unique(scales)) == len(scales)
    return codes, scales


def through_llama_cpp(ggml, data, packing):
    """The values as functions of llama.cpp decode them; of types it does not know, by ones that it does."""
    halves = data
    if packing.name == "PQ2_0":
        scales = data[:, :2]
        halves = np.stack([scales, scales], 1)
        halves = np.concatenate([halves, data[:, 2:].reshape(-1, 2, 16)], 2).reshape(-1, 18)
    if packing.name != "PTQ1_0":
        name = "Q1_0" if packing.binary else "Q2_0"
        return ggml.values(name, halves.reshape(1, -1), len(data) * packing.group).reshape(len(data), -1)
    return np.concatenate([trits_through_llama_cpp(ggml, block) for block in data])


def trits_through_llama_cpp(ggml, block):
    """A block of PTQ1_0 as the even lanes of one of TQ1_0, which has twice as many, and another block as the odd."""
    other = np.roll(block, 1)
    lanes = [np.concatenate([block[part], other[part]]) for part in (slice(0, 16), slice(16, 24), slice(24, 26))]
    values = ggml.values("TQ1_0", np.concatenate([*lanes, block[26:]])[None], 256)[0]
    stages = [values[:160].reshape(5, 32)[:, :16], values[160:240].reshape(5, 16)[:, :8]]
    stages.append(values[240:].reshape(4, 4)[:, :2])
    return np.concatenate([stage.reshape(-1) for stage in stages])[None]


def blocks(ggml):
    """Tensors `TYPE.bytes` and `TYPE.values`, which three decoders agree on."""
    check_vectors()
    tensors = {}
    for name, packing in PACKINGS.items():
        codes, scales = of_one_type(packing)
        data = pack(codes, scales, packing)
        signs = codes.astype(np.float32) * (2 if packing.binary else 1) - 1
        values = signs * scales.astype(np.float32)[:, None] + np.float32(0)
        assert np.array_equal(decode(data, packing), values), f"{name}: the decoder by loops"
        assert np.array_equal(through_llama_cpp(ggml, data, packing), values), f"{name}: llama.cpp"
        if name != "PTQ1_0" and name != "PQ2_0":
            by_quantizer(ggml, packing, data, values)
        rows, columns = SHAPES[name]
        tensors |= {f"{name}.bytes": data.reshape(rows, -1), f"{name}.values": values.reshape(rows, columns)}
    assert np.array_equal(tensors["PQ2_0.values"], tensors["PTQ1_0.values"])
    return tensors


def by_quantizer(ggml, packing, data, values):
    """llama.cpp's own quantizer must write the same bytes, but of the block of zeros under a scale."""
    function = getattr(ggml.base, f"quantize_row_{packing.name.lower()}_ref")
    written = ggml.quantized(function, values, packing.block_bytes)
    kept = np.ones(len(data), bool)
    kept[-2] = packing.binary
    assert np.array_equal(written[kept], data[kept]), f"{packing.name}: llama.cpp's quantizer"


def activation_values():
    """Rows of activations: normal ones of several sizes, halves of a step, blocks of zeros, and blocks so small that
    the scale is subnormal or zero in float16 while the codes are not."""
    random = np.random.default_rng(SEED)
    values = random.standard_normal((ROWS, COLUMNS)) * np.exp(random.uniform(-3, 3, (ROWS, 1)))
    halves = random.integers(-126, 126, COLUMNS) + 0.5
    halves.reshape(-1, BLOCK)[:, 7] = 127
    values[3] = halves * 2.0 ** np.repeat(random.integers(-9, 3, COLUMNS // BLOCK), BLOCK)
    values[4].reshape(-1, BLOCK)[::3] = 0
    values[4].reshape(-1, BLOCK)[1::3] *= 10.0 ** -np.arange(2, 13)[:, None]
    # Multiples of a step that is no power of two: 1 / (max / 127) and 127 / max are not always the same float.
    steps = np.repeat(random.uniform(0.01, 0.1, COLUMNS // BLOCK), BLOCK)
    values[5] = (random.integers(-126, 126, COLUMNS) + 0.5) * steps
    values[5].reshape(-1, BLOCK)[:, 3] = 127 * steps[::BLOCK]
    return values.astype(np.float32)


def emulated(values, half_away):
    """Codes and scales of Q8_0 by numpy in float32: x * (1 / d) half away from zero, or x * (127 / max) half even."""
    groups = values.reshape(-1, BLOCK)
    largest = np.abs(groups).max(1, keepdims=True)
    steps = largest / np.float32(127)
    with np.errstate(divide="ignore"):
        factors = np.float32(1) / steps if half_away else np.float32(127) / largest
    scaled = groups * np.where(largest > 0, factors, np.float32(0))
    away = np.trunc(scaled.astype(np.float64) + np.copysign(0.5, scaled))
    rounded = away if half_away else np.rint(scaled)
    return rounded.astype(np.int8), steps[:, 0].astype(np.float16)


def unpacked(data):
    """Codes [blocks, 32] and float16 scales [blocks] of bytes of Q8_0."""
    stored = data.reshape(-1, BLOCK_BYTES)
    return stored[:, 2:].view(np.int8), np.ascontiguousarray(stored[:, :2]).view(np.float16)[:, 0]


def activations(ggml):
    """Tensors `values`, `reference.*` and `x86.*` with the codes and scales that two functions of llama.cpp make of
    them; and for two types the bytes of a matrix and its products with the activations of the second."""
    values, tensors, data = activation_values(), {}, {}
    functions = {"reference": ggml.base.quantize_row_q8_0_ref, "x86": ggml.cpu.quantize_row_q8_0}
    for name, function in functions.items():
        data[name] = ggml.quantized(function, values, COLUMNS // BLOCK * BLOCK_BYTES)
        codes, scales = unpacked(data[name])
        expected_codes, expected_scales = emulated(values, half_away=name == "reference")
        assert np.array_equal(codes, expected_codes) and np.array_equal(scales, expected_scales), name
        tensors |= {f"{name}.codes": codes.reshape(values.shape), f"{name}.scales": scales.reshape(ROWS, -1)}
    differing = (tensors["reference.codes"] != tensors["x86.codes"]).sum(1)
    print(f"Q8_0: codes of the reference and of x86 that differ, by row: {differing.tolist()} of {COLUMNS}")
    tensors["values"] = values
    for name in ("Q1_0", "Q2_0"):
        packing = PACKINGS[name]
        random = np.random.default_rng(SEED + packing.type_id)
        groups = WEIGHTS * COLUMNS // packing.group
        weights = pack(random_codes(random, groups, packing), random_scales(random, groups), packing)
        decoded = decode(weights, packing).reshape(WEIGHTS, COLUMNS)
        products = ggml.dots(name, weights.reshape(WEIGHTS, -1), data["x86"], COLUMNS)
        codes, scales = unpacked(data["x86"])
        exact = (codes * scales.astype(np.float64)[:, None]).reshape(ROWS, COLUMNS) @ decoded.T.astype(np.float64)
        deviation = np.abs(products - exact).max(1) / np.abs(exact).max(1)
        print(f"{name}: products, largest difference from float64 relative to the largest: {deviation.max():.1e}")
        assert deviation.max() < 1e-6
        tensors |= {f"{name}.bytes": weights.reshape(WEIGHTS, -1), f"{name}.products": products}
    return tensors
