#!/usr/bin/env python3
"""Lets other programs read and run what `trine convert` makes of directories of HF transformers.

Two models with a tokenizer each, saved by transformers and packed as it packs them, of widths that every ternary type
holds: a BitNet whose scales multiply, those of its feed-forward matrices exact in float16, and a Llama whose scales
divide, with RoPE scaling llama3. Of each, `trine convert` makes a file of every type, and

* the `gguf` package decodes every tensor, which is compared with what the safetensors hold (I2_S by plain numpy, and
  rows of queries and keys reordered for `llama` as llama.cpp's converter does it);
* llama.cpp cuts texts into tokens as HF tokenizers does, and computes logits, which `numpy_model.py` confirms.

`expected.safetensors` has the prompts and llama.cpp's logits, `digests.json` the SHA-256 of each file: a test converts
again and compares, so what was checked here is what the tests see.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import quants
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save
from safetensors.torch import load_file, save_file
from transformers import BitNetConfig, LlamaConfig, PreTrainedTokenizerFast
from transformers.integrations.bitnet import unpack_weights

from gguf_io import I2_S, I2_S_TRAILER, RawReader, unpack_i2s
from hf_checkpoints import (
    CHAT_TEMPLATE,
    LLAMA3_SCALING,
    TEXTS,
    byte_level_tokenizer,
    edit_config,
    make,
    packed,
    sentencepiece_tokenizer,
)
from llama_cpp import LlamaCpp
from models import MATRIX_NAMES, NORM_NAMES
from numpy_model import BLOCK, LOGIT_TOLERANCE, Model, robust
from parameters import Dimensions, read_parameters

KINDS = ("i2_s", "tq1_0", "tq2_0", "f16")
LLAMA_CPP_KINDS = ("tq1_0", "tq2_0", "f16")
EXACT_KINDS = ("tq1_0", "tq2_0")
PROMPT_LENGTH = 8
CANDIDATES = 300

BITNET = Dimensions("bitnet", "bitnet", 51, 1, 256, 512, 4, 2, 64, 280, 96, rope_theta=30000.0, rms_eps=2e-5)
LLAMA = Dimensions("llama", "llama", 52, 1, 256, 512, 8, 2, 64, 300, 112, rope_theta=20000.0, rms_eps=3e-6)

NAMES = MATRIX_NAMES | NORM_NAMES


def configuration(dimensions):
    """The entries that both classes share."""
    return {
        "vocab_size": dimensions.vocabulary,
        "hidden_size": dimensions.hidden,
        "intermediate_size": dimensions.ffn,
        "num_hidden_layers": dimensions.layers,
        "num_attention_heads": dimensions.heads,
        "num_key_value_heads": dimensions.kv_heads,
        "max_position_embeddings": dimensions.context,
        "rms_norm_eps": dimensions.rms_eps,
        "tie_word_embeddings": True,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def small(model):
    """The model with an embedding, which is also the head, that gives logits of about 1."""
    model.get_input_embeddings().weight.data *= 0.125
    return model


def write_bitnet(folder):
    """Codes with scales that multiply; those of the feed-forward matrices are exact in float16."""
    rope = {"rope_type": "default", "rope_theta": BITNET.rope_theta}
    config = BitNetConfig(**configuration(BITNET), hidden_act="silu", rope_parameters=rope)
    small(make(config, BITNET.seed, torch.float32)).save_pretrained(folder)
    packed(folder, inverse=False)
    tensors = load_file(folder / "model.safetensors")
    for name, values in tensors.items():
        if "mlp" in name and name.endswith("weight_scale"):
            tensors[name] = values.half().float()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    quantization = {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"}
    edit_config(folder, quantization_config=quantization)
    return byte_level_tokenizer(BITNET.vocabulary - 2)


def write_llama(folder):
    """Codes with scales that divide, and RoPE scaling."""
    config = LlamaConfig(**configuration(LLAMA), head_dim=LLAMA.head_dim, rope_parameters=LLAMA3_SCALING)
    small(make(config, LLAMA.seed, torch.float32)).save_pretrained(folder)
    packed(folder, inverse=True)
    edit_config(folder, quantization_config={"quant_method": "bitnet"})
    return sentencepiece_tokenizer(LLAMA.vocabulary)


def write_tokenizer(folder, tokenizer):
    """The files of a tokenizer, as short as they can be."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False, separators=(",", ":")))
    (folder / "generation_config.json").unlink(missing_ok=True)
    return PreTrainedTokenizerFast.from_pretrained(folder)


def permuted(rows, heads):
    """Rows in the order of GGUF files of the `llama` architecture, as llama.cpp's converter has it."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def expected_tensors(folder, dimensions):
    """Every tensor that a file must hold, as float32 values by GGUF name."""
    stored = load_arrays(folder / "model.safetensors")
    expected = {
        "token_embd.weight": stored["model.embed_tokens.weight"],
        "output_norm.weight": stored["model.norm.weight"],
    }
    for name, width in dimensions.norms().items():
        expected[f"blk.0.{name}.weight"] = stored[f"model.layers.0.{NAMES[name]}.weight"]
        assert len(expected[f"blk.0.{name}.weight"]) == width
    for name in dimensions.matrices():
        module = f"model.layers.0.{NAMES[name]}"
        codes = unpack_weights(torch.from_numpy(stored[f"{module}.weight"]), dtype=torch.float32).numpy()
        scale = stored[f"{module}.weight_scale"]
        if dimensions.architecture == "llama":
            scale = np.float32(1) / scale
            heads = {"attn_q": dimensions.heads, "attn_k": dimensions.kv_heads}.get(name)
            codes = permuted(codes, heads) if heads else codes
        expected[f"blk.0.{name}.weight"] = codes * scale
    return expected


def found_tensors(path, kind):
    """Every tensor of a converted file as float32 values, separate scales applied."""
    found = {}
    if kind == "i2_s":
        reader = RawReader(path)
        for name, (shape, type_id, _) in reader.raw_tensors.items():
            if type_id == I2_S:
                found[name] = unpack_i2s(reader.bytes_of(name, shape[0] * shape[1] // 4 + I2_S_TRAILER), *shape)
            else:
                found[name] = np.frombuffer(reader.bytes_of(name, 4 * int(np.prod(shape))), np.float32).reshape(shape)
        return found
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    for name, tensor in tensors.items():
        if not name.endswith(".scale"):
            scale = tensors.get(name.removesuffix("weight") + "scale")
            values = quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            found[name] = values * (np.float32(1) if scale is None else scale.data[0])
    return found


def check_tensors(path, kind, expected):
    """Compares all values; RoPE divisors are checked by the logits."""
    found = found_tensors(path, kind)
    assert found.keys() - {"rope_freqs.weight"} == expected.keys(), found.keys() ^ expected.keys()
    for name, values in expected.items():
        assert np.array_equal(found[name], values), f"{path}: {name}"


def read_ternary(path, dimensions):
    """The parameters of a converted file, separate scales included."""
    parameters = read_parameters(path, dimensions)
    for name in [name for name in parameters.gains if name.endswith(".scale")]:
        parameters.scales[name.removesuffix(".scale")] *= parameters.gains.pop(name)[0]
    return parameters


def choose_prompt(parameters):
    """The prompt whose activations keep the largest distance from a rounding boundary."""
    random = np.random.default_rng(parameters.dimensions.seed)
    candidates = random.integers(3, parameters.dimensions.vocabulary, (CANDIDATES, PROMPT_LENGTH))
    _, distances = Model(parameters, BLOCK).run(candidates)
    best = candidates[distances.argmax()].tolist()
    print(f"{parameters.dimensions.name}: distance from a boundary {distances.max():.1e}")
    assert robust(parameters, BLOCK, [best]), "rounding flips an activation"
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--trine", default="target/debug/trine", help="the program")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/directories"), help="folder of the models")
    arguments = parser.parse_args()
    llama_cpp, out = LlamaCpp(arguments.oracle), arguments.out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    golden, digests = {}, {}
    for dimensions, write in ((BITNET, write_bitnet), (LLAMA, write_llama)):
        folder = out / dimensions.name
        with torch.no_grad():
            tokenizer = write_tokenizer(folder, write(folder))
        expected = expected_tensors(folder, dimensions)
        with tempfile.TemporaryDirectory() as scratch:
            paths = {kind: Path(scratch) / f"{kind}.gguf" for kind in KINDS}
            for kind, path in paths.items():
                subprocess.run([arguments.trine, "convert", folder, path, "--to", kind], check=True)
                check_tensors(path, kind, expected)
                digests[f"{dimensions.name}-{kind}"] = hashlib.sha256(path.read_bytes()).hexdigest()
            lines = llama_cpp.run("tokenize", paths["f16"], 1, *TEXTS).splitlines()
            assert [list(map(int, line.split())) for line in lines] == [tokenizer(text)["input_ids"] for text in TEXTS]
            ids = choose_prompt(read_ternary(paths["tq2_0"], dimensions))
            golden[f"{dimensions.name}.ids"] = np.array(ids, np.int32)
            for kind in LLAMA_CPP_KINDS:
                logits = llama_cpp.logits(paths[kind], ids)
                (computed,), _ = Model(read_ternary(paths["tq2_0"], dimensions), BLOCK).run([ids])
                difference = np.abs(logits - computed).max()
                print(f"{dimensions.name}-{kind}: difference {difference:.1e} of {np.abs(logits).max():.2f}")
                assert difference < LOGIT_TOLERANCE or kind not in EXACT_KINDS
                golden[f"{dimensions.name}-{kind}.logits"] = logits
    (out / "expected.safetensors").write_bytes(save(golden))
    (out / "digests.json").write_text(json.dumps(digests, indent=1) + "\n")


if __name__ == "__main__":
    main()
