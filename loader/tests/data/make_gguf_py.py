"""Writes from-gguf-py.gguf with the `gguf` package (0.19.0): a file of every metadata type and of every tensor type
that the package can write, by a program that shares nothing with this one.

Usage: python make_gguf_py.py OUTPUT

Tensor number t (from 0) holds the bytes (31 * t + 7 * i) mod 256. Type I2_S is missing: the package does not know it.
"""

import sys

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFValueType as V
from gguf import GGUFWriter

TENSORS = [  # name, row-major shape, type, bytes of a row
    ("f32", (3, 5), T.F32, 20),
    ("f16", (2, 3, 7), T.F16, 14),
    ("bf16", (11,), T.BF16, 22),
    ("q8_0", (3, 64), T.Q8_0, 68),
    ("q4_0", (5, 32), T.Q4_0, 18),
    ("q4_1", (2, 3, 2, 96), T.Q4_1, 60),
    ("q6_k", (3, 256), T.Q6_K, 210),
    ("tq1_0", (2, 512), T.TQ1_0, 108),
    ("tq2_0", (3, 256), T.TQ2_0, 66),
]

writer = GGUFWriter(sys.argv[1], "llama")
writer.add_custom_alignment(64)
writer.add_uint8("value.u8", 255)
writer.add_int8("value.i8", -128)
writer.add_uint16("value.u16", 65535)
writer.add_int16("value.i16", -32768)
writer.add_uint32("value.u32", 4294967295)
writer.add_int32("value.i32", -2147483648)
writer.add_float32("value.f32", 1e-5)
writer.add_bool("value.true", True)
writer.add_bool("value.false", False)
writer.add_string("value.string", "für Ω\n")
writer.add_string("value.empty", "")
writer.add_uint64("value.u64", 18446744073709551615)
writer.add_int64("value.i64", -9223372036854775808)
writer.add_float64("value.f64", 0.1)
writer.add_array("array.string", ["a", "", "ŵ→"])
writer.add_array("array.i32", [-1, 0, 2147483647])
writer.add_array("array.f32", [0.5, -2.0])
writer.add_array("array.bool", [True, False, True])
writer.add_key_value("array.u8", b"\x00\x7f\xff", V.ARRAY, sub_type=V.UINT8)
writer.add_key_value("array.u32", [7, 4294967295], V.ARRAY, sub_type=V.UINT32)
writer.add_array("array.array", [[1, 2, 3], [4]])

for number, (name, shape, kind, row_bytes) in enumerate(TENSORS):
    size = int(np.prod(shape[:-1], dtype=int)) * row_bytes
    data = ((31 * number + 7 * np.arange(size)) % 256).astype(np.uint8)
    writer.add_tensor(name, data.reshape(*shape[:-1], row_bytes), raw_dtype=kind)

writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
