"""Random models: their dimensions, their parameters, and the GGUF files that hold them.

Belongs here: what defines a model. Does not belong here: running it (`numpy_model.py`, the engines).
"""

from dataclasses import dataclass, field

import gguf
import numpy as np
from gguf import GGMLQuantizationType, quants

from gguf_io import FILE_TYPES, add_byte_tokenizer, add_matrix, finish

CONTROL_TOKENS = 3
"""The first ids (<unk>, <s>, </s>), which no prompt contains and no continuation may produce."""

ZERO_SHARE = 0.4
"""Share of zeros among the ternary codes."""

MASTER_DISTANCE = 1e-5
"""Least distance of each |w| / mean|W| from 0.5, where its code changes; float32 arithmetic moves it by some 1e-7."""


@dataclass(frozen=True)
class Dimensions:
    """The sizes of one model and what its architecture adds to them."""

    name: str
    architecture: str
    seed: int
    layers: int
    hidden: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    rope_theta: float
    rms_eps: float
    ternary: bool = True
    masters: bool = False
    tied: bool = True
    rope_factors: bool = False
    biases: bool = False

    @property
    def query_width(self):
        """Features of the query projection and of the input of the output projection."""
        return self.heads * self.head_dim

    @property
    def kv_width(self):
        """Features of the key and of the value projection."""
        return self.kv_heads * self.head_dim

    @property
    def sub_norms(self):
        """Whether the attention output and the FFN product are normalised."""
        return self.architecture != "llama"

    def matrices(self):
        """[out, in] of the matrices of a layer, by their GGUF name."""
        return {
            "attn_q": (self.query_width, self.hidden),
            "attn_k": (self.kv_width, self.hidden),
            "attn_v": (self.kv_width, self.hidden),
            "attn_output": (self.hidden, self.query_width),
            "ffn_gate": (self.ffn, self.hidden),
            "ffn_up": (self.ffn, self.hidden),
            "ffn_down": (self.hidden, self.ffn),
        }

    def norms(self):
        """Width of the normalisations of a layer, by their GGUF name."""
        widths = {
            "attn_norm": self.hidden,
            "attn_sub_norm": self.query_width,
            "ffn_norm": self.hidden,
            "ffn_sub_norm": self.ffn,
        }
        return {name: width for name, width in widths.items() if self.sub_norms or "sub" not in name}


@dataclass
class Parameters:
    """All parameters of a model in float32. A matrix is its codes times its scale; a dense one has the scale 1.

    Where there are `masters`, files store those, and an engine makes the codes and the scale from them. `separate` scales
    are tensors of their own.
    """

    dimensions: Dimensions
    masters: dict = field(default_factory=dict)
    codes: dict = field(default_factory=dict)
    scales: dict = field(default_factory=dict)
    separate: set = field(default_factory=set)
    biases: dict = field(default_factory=dict)
    gains: dict = field(default_factory=dict)
    embedding: np.ndarray | None = None
    head: np.ndarray | None = None
    rope_factors: np.ndarray | None = None

    def matrix(self, name):
        """The values of a matrix, as a file stores them; no negative zero."""
        if name in self.masters:
            return self.masters[name]
        if name in self.separate:
            return self.codes[name]
        return self.codes[name].astype(np.float32) * self.scales[name] + np.float32(0)


def half_exact(values):
    """The nearest float32 values that float16 holds exactly, so that every weight type stores the same model."""
    return np.asarray(values, np.float32).astype(np.float16).astype(np.float32)


def bfloat_exact(values):
    """The nearest float32 values that bfloat16 holds exactly."""
    encoded = quants.quantize(np.asarray(values, np.float32), GGMLQuantizationType.BF16)
    return quants.dequantize(encoded, GGMLQuantizationType.BF16)


def absmean(masters):
    """BitNet's ternary weights of float ones: m = max(mean|W|, 1e-5), codes clamp(round(W / m), -1, 1), scale m."""
    scale = np.maximum(np.abs(masters).mean(dtype=np.float64), 1e-5)
    scaled = masters / scale
    distance = np.abs(np.abs(scaled) - 0.5).min()
    assert distance > MASTER_DISTANCE, f"a master lies {distance:.1e} from a rounding boundary: take another seed"
    return np.clip(np.rint(scaled), -1, 1).astype(np.int8), np.float32(scale)


def random_gain(random, width):
    """Gains that differ by element and by tensor: a random typical size, and a normal spread of a third around it."""
    typical = random.uniform(0.5, 2.0)
    return (typical * (1 + random.standard_normal(width) / 3)).astype(np.float32)


def random_parameters(dimensions):
    """Parameters drawn from the seed of the dimensions; a product keeps the size of its input, roughly."""
    random = np.random.default_rng(dimensions.seed)
    parameters = Parameters(dimensions)
    probabilities = [(1 - ZERO_SHARE) / 2, ZERO_SHARE, (1 - ZERO_SHARE) / 2]
    for layer in range(dimensions.layers):
        for name, shape in dimensions.matrices().items():
            key = f"blk.{layer}.{name}"
            if dimensions.masters:
                typical = random.uniform(0.6, 1.4) / np.sqrt(shape[1])
                parameters.masters[key] = bfloat_exact(typical * random.standard_normal(shape))
                parameters.codes[key], parameters.scales[key] = absmean(parameters.masters[key])
            elif dimensions.ternary:
                parameters.codes[key] = random.choice([-1, 0, 1], shape, p=probabilities).astype(np.int8)
                typical = 1 / np.sqrt((1 - ZERO_SHARE) * shape[1])
                parameters.scales[key] = half_exact(random.uniform(0.6, 1.4) * typical)
            else:
                parameters.codes[key] = half_exact(random.standard_normal(shape) / np.sqrt(shape[1]))
                parameters.scales[key] = np.float32(1)
            if dimensions.biases:
                parameters.biases[key] = (0.4 * random.standard_normal(shape[0])).astype(np.float32)
                parameters.scales[key] = np.float32(random.uniform(0.6, 1.4))
                parameters.separate.add(key)
        for name, width in dimensions.norms().items():
            parameters.gains[f"blk.{layer}.{name}"] = random_gain(random, width)
    parameters.gains["output_norm"] = random_gain(random, dimensions.hidden)
    table = (dimensions.vocabulary, dimensions.hidden)
    parameters.embedding = half_exact(0.05 * random.standard_normal(table))
    if not dimensions.tied:
        parameters.head = half_exact(0.05 * random.standard_normal(table))
    if dimensions.rope_factors:
        parameters.rope_factors = random.uniform(1, 8, dimensions.head_dim // 2).astype(np.float32)
    return parameters


def add_metadata(writer, dimensions, matrix_type):
    """Everything that an engine wants to know before the tensors."""
    writer.add_name(f"trine golden {dimensions.name}")
    writer.add_file_type(FILE_TYPES[matrix_type])
    writer.add_context_length(dimensions.context)
    writer.add_embedding_length(dimensions.hidden)
    writer.add_block_count(dimensions.layers)
    writer.add_feed_forward_length(dimensions.ffn)
    writer.add_head_count(dimensions.heads)
    writer.add_head_count_kv(dimensions.kv_heads)
    if dimensions.query_width != dimensions.hidden:
        writer.add_key_length(dimensions.head_dim)
        writer.add_value_length(dimensions.head_dim)
    writer.add_layer_norm_rms_eps(dimensions.rms_eps)
    writer.add_rope_dimension_count(dimensions.head_dim)
    writer.add_rope_freq_base(dimensions.rope_theta)
    writer.add_vocab_size(dimensions.vocabulary)
    add_byte_tokenizer(writer, dimensions.vocabulary)


def write_gguf(path, parameters, matrix_type, table_type="F16"):
    """Writes a complete GGUF file: matrices as `matrix_type`, the embedding and a separate head as `table_type`."""
    dimensions = parameters.dimensions
    writer = gguf.GGUFWriter(path, dimensions.architecture)
    add_metadata(writer, dimensions, matrix_type)
    add_matrix(writer, "token_embd.weight", parameters.embedding, table_type)
    if parameters.rope_factors is not None:
        writer.add_tensor("rope_freqs.weight", parameters.rope_factors)
    for layer in range(dimensions.layers):
        for name in dimensions.norms():
            writer.add_tensor(f"blk.{layer}.{name}.weight", parameters.gains[f"blk.{layer}.{name}"])
        for name in dimensions.matrices():
            key = f"blk.{layer}.{name}"
            add_matrix(writer, f"{key}.weight", parameters.matrix(key), matrix_type)
            if key in parameters.separate:
                writer.add_tensor(f"{key}.scale", parameters.scales[key].reshape(1))
            if key in parameters.biases:
                writer.add_tensor(f"{key}.bias", parameters.biases[key])
    writer.add_tensor("output_norm.weight", parameters.gains["output_norm"])
    if parameters.head is not None:
        add_matrix(writer, "output.weight", parameters.head, table_type)
    finish(writer)


def read_parameters(path, dimensions):
    """The parameters that a file holds, with every tensor dequantized by the gguf package."""
    tensors = {
        tensor.name.removesuffix(".weight"): quants.dequantize(tensor.data, tensor.tensor_type)
        for tensor in gguf.GGUFReader(path).tensors
    }
    parameters = Parameters(dimensions)
    parameters.embedding = tensors.pop("token_embd")
    parameters.head = tensors.pop("output", None)
    parameters.rope_factors = tensors.pop("rope_freqs", None)
    for name, values in tensors.items():
        if name.endswith(".bias"):
            parameters.biases[name.removesuffix(".bias")] = values
        elif name.endswith(".scale"):
            parameters.scales[name.removesuffix(".scale")] = values[0]
            parameters.separate.add(name.removesuffix(".scale"))
        elif values.ndim == 1:
            parameters.gains[name] = values
        else:
            scale = np.abs(values).max() if dimensions.ternary else np.float32(1)
            parameters.codes[name] = values / scale
            parameters.scales.setdefault(name, scale)
    return parameters
