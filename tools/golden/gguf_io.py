"""Ternary GGUF files for the golden data: packing, writing, reading.

Belongs here: what the `gguf` package lacks, namely the type I2_S (id 36), and the one way in which all generators
encode a matrix and write a file. Does not belong here: models, their arithmetic, anything that calls an engine.
"""

import gguf
import numpy as np
from gguf import GGMLQuantizationType, quants

I2_S = 36
"""Tensor type id of BitNet's two-bit ternary packing, which is unknown to the `gguf` package."""

I2_S_BLOCK = 128
"""Elements of one I2_S block: 32 bytes, each with the elements p, 32+p, 64+p, 96+p from its high to its low bits."""

I2_S_TRAILER = 32
"""Bytes after the codes: the float32 scale, then 28 bytes without meaning."""

FILE_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "BF16": 32, "TQ1_0": 36, "TQ2_0": 37, "I2_S": 40}
"""`general.file_type` by the name of the type that the matrices have."""


def pack_i2s(values):
    """Bytes of a float matrix [out, in] that holds -s, 0 and s only; the number of elements is a multiple of 128."""
    scale = np.float32(np.abs(values).max())
    codes = np.rint(values / scale).astype(np.int8)
    assert np.array_equal(codes * scale, values), "the matrix is not ternary with one scale"
    quarters = (codes + 1).astype(np.uint8).reshape(-1, 4, I2_S_BLOCK // 4)
    packed = quarters[:, 0] << 6 | quarters[:, 1] << 4 | quarters[:, 2] << 2 | quarters[:, 3]
    trailer = np.zeros(I2_S_TRAILER, np.uint8)
    trailer[:4] = np.frombuffer(scale.tobytes(), np.uint8)
    return np.concatenate([packed.reshape(-1), trailer])


def unpack_i2s(data, rows, columns):
    """Float matrix [rows, columns] of I2_S bytes."""
    packed = data[: rows * columns // 4].reshape(-1, I2_S_BLOCK // 4)
    scale = data[rows * columns // 4 :][:4].view(np.float32)[0]
    codes = np.stack([packed >> shift & 3 for shift in (6, 4, 2, 0)], axis=1).astype(np.int8) - 1
    return codes.reshape(rows, columns).astype(np.float32) * scale


def encode(values, type_name):
    """Bytes or elements of a matrix, its tensor type id, and its shape, as `GGUFWriter.add_tensor` takes them."""
    if type_name == "I2_S":
        return pack_i2s(values).view(np.int8), I2_S
    if type_name == "F32":
        return values.astype(np.float32), None
    if type_name == "F16":
        return values.astype(np.float16), None
    quantization = GGMLQuantizationType[type_name]
    return quants.quantize(values, quantization), quantization


def add_matrix(writer, name, values, type_name):
    """Adds a matrix [out, in] to a `GGUFWriter`, encoded as `type_name`."""
    data, type_id = encode(values, type_name)
    if type_name == "I2_S":
        writer.add_tensor(name, data, raw_shape=values.shape, raw_dtype=type_id)
    else:
        writer.add_tensor(name, data, raw_dtype=type_id)


def add_byte_tokenizer(writer, vocabulary):
    """A SentencePiece-style vocabulary: three control tokens, the 256 bytes, and filler up to `vocabulary` tokens."""
    normal, unknown, control, byte = 1, 2, 3, 6
    tokens = [b"<unk>", b"<s>", b"</s>"] + [b"<0x%02X>" % value for value in range(256)]
    types = [unknown, control, control] + [byte] * 256
    filler = vocabulary - len(tokens)
    assert filler >= 0, "the vocabulary needs room for the bytes"
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens + [b"token%d" % number for number in range(filler)])
    writer.add_token_scores([0.0] * len(tokens) + [-1.0 - number for number in range(filler)])
    writer.add_token_types(types + [normal] * filler)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def finish(writer):
    """Writes the header, the metadata and the tensors, and closes the file."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class RawReader(gguf.GGUFReader):
    """The package's reader without its table of types, so that files with type 36 open."""

    def _build_tensors(self, start_offs, fields):
        self.raw_tensors = {}
        for field in fields:
            _, name, _, dimensions, type_id, offset = field.parts
            shape = tuple(reversed(dimensions.tolist()))
            self.raw_tensors[bytes(name).decode()] = (shape, int(type_id[0]), int(start_offs + offset[0]))

    def bytes_of(self, name, length):
        """The first `length` bytes of a tensor."""
        return np.array(self.data[self.raw_tensors[name][2] :][:length])
