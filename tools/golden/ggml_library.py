"""Functions of llama.cpp's own libraries, called directly.

Belongs here: decoding and quantizing rows and multiplying them, as the library that setup.sh fetches does it, on
numpy arrays. Does not belong here: models and files (`llama_cpp.py`), what the results should be.
"""

import ctypes

import numpy as np


def pointer(array):
    """The address of an array's first element."""
    return array.ctypes.data_as(ctypes.c_void_p)


class Ggml:
    """The base library, and the CPU library for AVX2, in the folder of the program `llama_oracle`."""

    def __init__(self, oracle):
        folder = oracle.resolve().parent / "llama" / "linux-x64"
        self.base = ctypes.CDLL(str(folder / "libggml-base.so"), mode=ctypes.RTLD_GLOBAL)
        self.cpu = ctypes.CDLL(str(folder / "libggml-cpu-haswell.so"))
        self.cpu.ggml_cpu_init()

    def values(self, type_name, data, columns):
        """Float32 values [rows, columns] of blocks in rows of bytes."""
        data, values = np.ascontiguousarray(data), np.zeros((len(data), columns), np.float32)
        function = getattr(self.base, f"dequantize_row_{type_name.lower()}")
        function(pointer(data), pointer(values), ctypes.c_int64(values.size))
        return values

    def quantized(self, function, values, row_bytes):
        """Bytes [rows, row_bytes] that a function of the form `quantize_row_*` makes of float32 values."""
        values, data = np.ascontiguousarray(values), np.zeros((len(values), row_bytes), np.uint8)
        function(pointer(values), pointer(data), ctypes.c_int64(values.size))
        return data

    def dots(self, type_name, weights, activations, columns):
        """Float32 products [rows of activations, rows of weights]; the activations are bytes of Q8_0."""
        function = getattr(self.cpu, f"ggml_vec_dot_{type_name.lower()}_q8_0")
        weights, activations = np.ascontiguousarray(weights), np.ascontiguousarray(activations)
        products = np.zeros((len(activations), len(weights)), np.float32)
        none, count = ctypes.c_size_t(0), ctypes.c_int(columns)
        for row, activation in enumerate(activations):
            for column, weight in enumerate(weights):
                out = products[row, column : column + 1]
                function(count, pointer(out), none, pointer(weight), none, pointer(activation), none, ctypes.c_int(1))
        return products
