#!/usr/bin/env python3
"""Writes tests/fixtures/split: a committed model cut into several files by the `gguf` package's own writer."""

import argparse
from pathlib import Path

import gguf

FIXTURES = Path("tests/fixtures")
TENSORS_OF_A_FILE = 9


def copy_metadata(reader, writer):
    """Every key but those that the writer sets itself."""
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        kind = field.types[0]
        writer.add_key_value(name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=FIXTURES / "llama_cpp/llama-dense-q4_0.gguf")
    parser.add_argument("--out", type=Path, default=FIXTURES / "split/llama-dense-q4_0.gguf")
    arguments = parser.parse_args()

    reader = gguf.GGUFReader(arguments.model)
    architecture = reader.fields["general.architecture"].contents()
    arguments.out.parent.mkdir(exist_ok=True)
    writer = gguf.GGUFWriter(arguments.out, architecture, split_max_tensors=TENSORS_OF_A_FILE)
    copy_metadata(reader, writer)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
