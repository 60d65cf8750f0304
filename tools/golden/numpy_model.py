"""The models in numpy, independent of every engine, with the distance of each activation from a rounding boundary.

Ternary matrices meet int8 activations. `TOKEN`: s = 127 / max(absmax, 1e-5) of a token, q = clamp(round(x * s), -128,
127), y = (codes . q) / s * scale. `BLOCK` (ggml's Q8_K): per 256 elements s = -127 / (element of largest magnitude),
q = min(round(x * s), 127). A float computed in another order moves x * s by some 1e-6; where x * s lies that close to a
half, q differs by one and the whole model then by a hundredth. The least distance of x * s from a half is measured
here, so that prompts can be kept for which none is near.

Belongs here: the forward pass in a chosen float type. Does not belong here: files, engines, the search for prompts.
"""

import numpy as np

TOKEN, BLOCK = "token", "block"
BLOCK_LENGTH = 256

LOGIT_TOLERANCE = 1e-5
"""How far the variants may move a logit; a flipped activation moves some by a thousandth and more."""


class State:
    """Keys and values of a batch of sequences, and the least distance of each sequence from a rounding boundary."""

    def __init__(self, dimensions, batch, dtype):
        shape = (dimensions.layers, batch, dimensions.kv_heads, 0, dimensions.head_dim)
        self.keys, self.values = np.zeros(shape, dtype), np.zeros(shape, dtype)
        self.distance = np.full(batch, 0.5)

    def select(self, rows):
        """The same for some of the sequences."""
        chosen = object.__new__(State)
        chosen.keys, chosen.values = self.keys[:, rows], self.values[:, rows]
        chosen.distance = self.distance[rows]
        return chosen


class Model:
    """The forward pass in `dtype`; with `exact_angles` the rotary angles are float64 throughout, as some engines do.

    `noise` multiplies the result of every operation by 1 + noise * u with u uniform in [-1, 1], which `noise_seed`
    determines, and so imitates another engine's rounding.
    """

    def __init__(
        self, parameters, activations=TOKEN, dtype=np.float64, exact_angles=False, noise=0.0, noise_seed=0
    ):
        self.parameters, self.dimensions, self.activations = parameters, parameters.dimensions, activations
        self.dtype, self.noise, self.random = dtype, noise, np.random.default_rng(noise_seed)
        code_type = np.float32 if self.dimensions.ternary else dtype
        self.codes = {name: codes.T.astype(code_type) for name, codes in parameters.codes.items()}
        self.biases = {name: bias.astype(dtype) for name, bias in parameters.biases.items()}
        self.gains = {name: gain.astype(dtype) for name, gain in parameters.gains.items()}
        self.embedding = parameters.embedding.astype(dtype)
        self.head = self.embedding if parameters.head is None else parameters.head.astype(dtype)
        angle_type = np.float64 if exact_angles else np.float32
        exponents = np.arange(0, self.dimensions.head_dim, 2, dtype=angle_type) / angle_type(self.dimensions.head_dim)
        self.frequencies = (1 / angle_type(self.dimensions.rope_theta) ** exponents).astype(angle_type)
        if parameters.rope_factors is not None:
            self.frequencies /= parameters.rope_factors.astype(angle_type)
        self.rope_magnitude = dtype(1)

    def disturb(self, values):
        """Rounding noise on the result of an operation."""
        if not self.noise:
            return values
        return values * (1 + self.noise * self.random.uniform(-1, 1, values.shape)).astype(self.dtype)

    def norm(self, x, name):
        """RMSNorm: x / sqrt(mean(x^2) + eps) * gain; the identity where the architecture has no such norm."""
        if name not in self.gains:
            return x
        mean = np.square(x).mean(-1, keepdims=True) + self.dtype(self.dimensions.rms_eps)
        return self.disturb(x / np.sqrt(mean) * self.gains[name])

    def quantize(self, x, state):
        """The input of a matrix: integers and s per token, integers / s per block, or x itself for a dense matrix."""
        if not self.dimensions.ternary:
            return x, self.dtype(1)
        if self.activations == TOKEN:
            scale = self.dtype(127) / np.maximum(np.abs(x).max(-1, keepdims=True), self.dtype(1e-5))
            blocks = x
        else:
            blocks = x.reshape(*x.shape[:2], -1, BLOCK_LENGTH)
            largest = np.abs(blocks).argmax(-1, keepdims=True)
            scale = self.dtype(-127) / np.take_along_axis(blocks, largest, -1)
        scaled = blocks * scale
        distance = np.abs(np.abs(scaled - np.floor(scaled)) - 0.5)
        state.distance = np.minimum(state.distance, distance.reshape(len(x), -1).min(1))
        integers = np.clip(np.rint(scaled), -128, 127)
        if self.activations == TOKEN:
            return integers.astype(np.float32), scale
        return (integers / scale).reshape(x.shape), self.dtype(1)

    def product(self, quantized, name):
        """Matrix product. Integers and codes are exact in float32, and so are their sums, which stay below 2^24."""
        values, scale = quantized
        accumulated = (values @ self.codes[name]).astype(self.dtype)
        factor, bias = self.dtype(self.parameters.scales[name]), self.biases.get(name, self.dtype(0))
        if ".ffn_" in name and name in self.parameters.separate:
            # llama.cpp scales the bias of a feed-forward matrix too, and no other.
            bias = bias * factor
        return self.disturb(accumulated / scale * factor + bias)

    def rotate(self, x, past):
        """RoPE of [batch, heads, sequence, head_dim]: pairs (i, i + head_dim / 2), or (2i, 2i + 1) for `llama`."""
        positions = np.arange(past, past + x.shape[2], dtype=self.frequencies.dtype)
        angles = (positions[:, None] * self.frequencies).astype(self.dtype)
        cosine, sine = np.cos(angles) * self.rope_magnitude, np.sin(angles) * self.rope_magnitude
        if self.dimensions.architecture == "llama":
            first, second = x[..., 0::2], x[..., 1::2]
            rotated = np.stack([first * cosine - second * sine, second * cosine + first * sine], -1)
            return self.disturb(rotated.reshape(x.shape))
        first, second = np.split(x, 2, axis=-1)
        return self.disturb(np.concatenate([first * cosine - second * sine, second * cosine + first * sine], -1))

    def split_heads(self, x, count):
        """[batch, sequence, count * head_dim] to [batch, count, sequence, head_dim]."""
        return x.reshape(*x.shape[:2], count, self.dimensions.head_dim).transpose(0, 2, 1, 3)

    def attention(self, x, layer, state, keys, values):
        """The attention half of a block, without the residual; appends to the lists `keys` and `values`."""
        dimensions, name = self.dimensions, f"blk.{layer}."
        past = state.keys.shape[3]
        quantized = self.quantize(self.norm(x, name + "attn_norm"), state)
        query = self.split_heads(self.product(quantized, name + "attn_q"), dimensions.heads)
        query = self.rotate(self.norm(query, name + "attn_q_norm"), past)
        key = self.split_heads(self.product(quantized, name + "attn_k"), dimensions.kv_heads)
        key = self.rotate(self.norm(key, name + "attn_k_norm"), past)
        value = self.split_heads(self.product(quantized, name + "attn_v"), dimensions.kv_heads)
        keys.append(np.concatenate([state.keys[layer], key], 2))
        values.append(np.concatenate([state.values[layer], value], 2))
        group = dimensions.heads // dimensions.kv_heads
        all_keys, all_values = keys[-1].repeat(group, 1), values[-1].repeat(group, 1)
        scores = query @ all_keys.transpose(0, 1, 3, 2) * self.dtype(dimensions.head_dim**-0.5)
        visible = np.tri(x.shape[1], past + x.shape[1], past, dtype=bool)
        scores = np.where(visible, scores, -np.inf)
        weights = self.disturb(np.exp(scores - scores.max(-1, keepdims=True)))
        weights /= weights.sum(-1, keepdims=True)
        mixed = self.disturb(weights @ all_values).transpose(0, 2, 1, 3)
        normed = self.norm(mixed.reshape(*x.shape[:2], dimensions.query_width), name + "attn_sub_norm")
        return self.product(self.quantize(normed, state), name + "attn_output")

    def feed_forward(self, x, layer, state):
        """The feed-forward half of a block, without the residual."""
        name = f"blk.{layer}."
        quantized = self.quantize(self.norm(x, name + "ffn_norm"), state)
        gate = self.product(quantized, name + "ffn_gate")
        squared_relu = self.dimensions.architecture == "bitnet-b1.58"
        activated = np.square(np.maximum(gate, 0)) if squared_relu else gate / (1 + np.exp(-gate))
        product = self.disturb(activated * self.product(quantized, name + "ffn_up"))
        normed = self.norm(product, name + "ffn_sub_norm")
        return self.product(self.quantize(normed, state), name + "ffn_down")

    def forward(self, ids, state):
        """Logits [batch, sequence, vocabulary] of ids [batch, sequence] after those in `state`, which it extends."""
        x = self.embedding[ids]
        keys, values = [], []
        for layer in range(self.dimensions.layers):
            x = self.disturb(x + self.attention(x, layer, state, keys, values))
            x = self.disturb(x + self.feed_forward(x, layer, state))
        state.keys, state.values = np.stack(keys), np.stack(values)
        return self.logits(self.norm(x, "output_norm"), state)

    def logits(self, x, state):
        """The product with the head, whose input is not quantized."""
        del state
        return self.disturb(x @ self.head.T)

    def run(self, sequences):
        """Logits of whole sequences [batch, length] and their least distances."""
        state = State(self.dimensions, len(sequences), self.dtype)
        return self.forward(np.asarray(sequences), state), state.distance


VARIANTS = {
    "float64": {},
    "float32": {"dtype": np.float32},
    "float64 rotary angles": {"exact_angles": True},
} | {f"rounding noise 2^-22, seed {seed}": {"noise": 2.0**-22, "noise_seed": seed} for seed in range(4)}
"""Models that differ in rounding alone: no activation may flip between them. Float32 rounds by 2^-24 at most."""


def robust(parameters, activations, sequences):
    """Whether all variants give the sequences the same logits."""
    expected, _ = Model(parameters, activations).run(sequences)
    variants = (Model(parameters, activations, **options) for options in VARIANTS.values())
    return all(np.abs(variant.run(sequences)[0] - expected).max() < LOGIT_TOLERANCE for variant in variants)


def top_two_margin(logits):
    """Difference between the largest and the second largest logit of the last axis."""
    best = np.partition(logits, -2, axis=-1)
    return best[..., -1] - best[..., -2]
