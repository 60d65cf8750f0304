#!/usr/bin/env python3
"""Writes small models as HF transformers saves them, and the logits that transformers computes of each.

Every form of a BitNet checkpoint is there (packed with a scale that multiplies, packed with one that divides, codes as
floats, masters quantized online, the names and keys of 1bitLLM), and plain Llamas (tied and separate head, linear and
llama3 RoPE scaling, one file and several with an index, biases). Two have a tokenizer, made here with HF tokenizers.

Widths are multiples of no quantized type's block. Ternary models get the prompt, of many random ones, whose
activations keep the largest distance from a rounding boundary (docs/golden.md says why); the distance is printed.
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path

os.environ["TORCH_COMPILE_DISABLE"] = "1"

import numpy as np
import torch
from safetensors.numpy import save
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import AutoModelForCausalLM, BitNetConfig, LlamaConfig, PreTrainedTokenizerFast
from transformers.integrations import bitnet
from transformers.integrations.bitnet import pack_weights, unpack_weights

PROMPT_LENGTH = 9
CANDIDATES = 400

LLAMA3_SCALING = {
    "rope_type": "llama3",
    "rope_theta": 20000.0,
    "factor": 6.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 3.0,
    "original_max_position_embeddings": 24,
}
BITNET = {
    "vocab_size": 310,
    "hidden_size": 60,
    "intermediate_size": 92,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 96,
    "rms_norm_eps": 2e-5,
    "tie_word_embeddings": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 30000.0},
}
LLAMA = {
    "vocab_size": 290,
    "hidden_size": 52,
    "intermediate_size": 76,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 18,
    "max_position_embeddings": 112,
    "rms_norm_eps": 3e-6,
}
ONE_BIT_LLM_NAMES = {"attn_sub_norm": "inner_attn_ln", "ffn_sub_norm": "ffn_layernorm"}

TEXTS = [
    "Hello world, it's 12345 o'clock!\n\n  Three  spaces",
    "The king's daughter said: \"no\" -- and left.",
    "na\u00efve caf\u00e9 \u4f60\u597d \U0001f600",
    " leading and trailing ",
    "some <s>special</s> tokens<|eot|>",
]


def randomise(model, seed):
    """Weights of every parameter, from one seed."""
    random = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=random)
        if name.endswith(".bias"):
            values = 0.5 * values
        elif parameter.dim() == 1:
            # Gains that differ in size from norm to norm, so that none can be swapped unseen.
            values = torch.exp(0.3 * values + 0.4 * torch.randn(1, generator=random))
        elif "embed_tokens" in name or "lm_head" in name:
            values = 0.4 * values
        else:
            values = values / parameter.shape[1] ** 0.5
        parameter.data.copy_(values)


def make(config, seed, dtype):
    """A model with random weights that `dtype` holds exactly."""
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    randomise(model, seed)
    return model.to(dtype)


def packed(folder, inverse):
    """Replaces the masters of a saved checkpoint by packed codes and scales."""
    path = folder / "model.safetensors"
    tensors = {}
    for name, values in load_file(path).items():
        if values.dim() == 2 and "_proj" in name:
            scale = values.float().abs().mean().clamp(min=1e-5)
            tensors[name] = pack_weights((values.float() / scale).round().clamp(-1, 1))
            tensors[name.replace(".weight", ".weight_scale")] = (1 / scale if inverse else scale).reshape(1)
        else:
            tensors[name] = values
    save_file(tensors, path, {"format": "pt"})


def edit_config(folder, **entries):
    """Changes entries of a saved `config.json`."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries, indent=1))


def load(folder):
    """The model as transformers loads it, nothing missing and nothing left over."""
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    return cast(model, torch.float32).eval()


def cast(model, dtype):
    """The model with all its floats of one type, also where transformers does not cast quantized models."""
    for values in (*model.parameters(), *model.buffers()):
        if values.is_floating_point():
            values.data = values.data.to(dtype)
    for module in model.modules():
        if isinstance(module, bitnet.BitLinear):
            module.dtype = dtype
    return model


class Distance:
    """While it is entered: the least distance of each sequence's x * s from a half, where transformers quantizes."""

    def __enter__(self):
        self.least, self.plain = None, (bitnet.ActQuant.forward, bitnet.BitLinear.activation_quant)

        def watch(values):
            scaled = values.double() * (127 / values.double().abs().amax(-1, keepdim=True).clamp(min=1e-5))
            distance = (scaled - scaled.floor() - 0.5).abs().flatten(1).amin(1)
            self.least = distance if self.least is None else torch.minimum(self.least, distance)

        def of_function(context, values):
            watch(values)
            return self.plain[0](context, values)

        def of_layer(layer, values, *others):
            watch(values)
            return self.plain[1](layer, values, *others)

        bitnet.ActQuant.forward, bitnet.BitLinear.activation_quant = staticmethod(of_function), of_layer
        return self

    def __exit__(self, *_):
        bitnet.ActQuant.forward, bitnet.BitLinear.activation_quant = staticmethod(self.plain[0]), self.plain[1]


def expect(name, model, seed, golden):
    """Chooses a prompt, and keeps its ids and logits."""
    random = torch.Generator().manual_seed(seed)
    candidates = torch.randint(3, model.config.vocab_size, (CANDIDATES, PROMPT_LENGTH), generator=random)
    with Distance() as distance:
        model(candidates)
    best = 0 if distance.least is None else int(distance.least.argmax())
    logits = model(candidates[best : best + 1]).logits[0]
    apart = "" if distance.least is None else f", distance from a boundary {float(distance.least[best]):.1e}"
    print(f"{name}: largest logit {float(logits.abs().max()):.2f}{apart}")
    golden[f"{name}.ids"] = candidates[best].numpy().astype(np.int32)
    golden[f"{name}.logits"] = np.ascontiguousarray(logits.numpy())


def bitnet_models(out, golden):
    """The forms of a BitNet checkpoint."""
    for number, (name, mode) in enumerate({"bitnet-packed": "offline", "bitnet-online": "online"}.items()):
        folder = out / name
        layers = {"num_hidden_layers": 2 - number}
        config = BitNetConfig(**BITNET | layers, hidden_act="relu2", bos_token_id=1, eos_token_id=2)
        make(config, 11 + number, torch.bfloat16).save_pretrained(folder)
        if mode == "offline":
            packed(folder, inverse=False)
        quantization = {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": mode}
        edit_config(folder, quantization_config=quantization)
        expect(name, load(folder), 21 + number, golden)

    # Codes as floats beside their scales, which transformers loads too.
    folder = out / "bitnet-floats"
    shutil.copytree(out / "bitnet-packed", folder)
    tensors = load_file(folder / "model.safetensors")
    for name, values in tensors.items():
        if values.dtype == torch.uint8:
            tensors[name] = unpack_weights(values, dtype=torch.bfloat16)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    expect("bitnet-floats", load(folder), 23, golden)

    # The class of 1bitLLM computes what transformers' does with SiLU, and names the sub-norms otherwise.
    folder = out / "bitnet-1bitllm"
    entries = BITNET | {"tie_word_embeddings": False, "num_hidden_layers": 1}
    silu = BitNetConfig(**entries, hidden_act="silu", bos_token_id=1, eos_token_id=2)
    make(silu, 14, torch.float16).save_pretrained(folder)
    quantization = {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "online"}
    edit_config(folder, quantization_config=quantization)
    expect("bitnet-1bitllm", load(folder), 24, golden)
    tensors = load_file(folder / "model.safetensors")
    for old, new in ONE_BIT_LLM_NAMES.items():
        tensors = {name.replace(old, new): values for name, values in tensors.items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    entries = json.loads((folder / "config.json").read_text())
    del entries["quantization_config"], entries["rope_parameters"]
    entries |= {"architectures": ["BitnetForCausalLM"], "model_type": "llama", "weight_bits": 1, "input_bits": 8}
    entries |= {"rope_theta": BITNET["rope_parameters"]["rope_theta"], "rope_scaling": None}
    (folder / "config.json").write_text(json.dumps(entries, indent=1))


def llama_models(out, golden):
    """Llamas: ternary with a scale that divides, and plain ones."""
    ternary = LlamaConfig(**LLAMA, tie_word_embeddings=False, rope_parameters=LLAMA3_SCALING)
    folder = out / "llama-packed"
    with tempfile.TemporaryDirectory() as scratch:
        make(ternary, 31, torch.float16).save_pretrained(scratch)
        packed(Path(scratch), inverse=True)
        edit_config(Path(scratch), quantization_config={"quant_method": "bitnet"})
        model = load(scratch)
        expect("llama-packed", model, 41, golden)
        shutil.copytree(scratch, folder, dirs_exist_ok=True)

    # Biases: of all matrices, and of those of attention beside a scale that multiplies and one that divides.
    folder = out / "llama-biases"
    biases = LlamaConfig(**LLAMA | {"num_hidden_layers": 1}, attention_bias=True, mlp_bias=True)
    make(biases, 35, torch.bfloat16).save_pretrained(folder)
    expect("llama-biases", load(folder), 45, golden)
    folder = out / "llama-packed-biases"
    biases = LlamaConfig(**LLAMA | {"num_hidden_layers": 1}, tie_word_embeddings=True, attention_bias=True)
    make(biases, 36, torch.bfloat16).save_pretrained(folder)
    shutil.copytree(folder, out / "llama-divided-biases")
    packed(out / "llama-divided-biases", inverse=True)
    edit_config(out / "llama-divided-biases", quantization_config={"quant_method": "bitnet"})
    expect("llama-divided-biases", load(out / "llama-divided-biases"), 46, golden)
    packed(folder, inverse=False)
    quantization = {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"}
    edit_config(folder, quantization_config=quantization)
    expect("llama-packed-biases", load(folder), 46, golden)

    # Falcon-E's form: masters, quantized online, a head of its own that is not. TriLM's: plain floats that are ternary.
    folder = out / "llama-online"
    config = LlamaConfig(**LLAMA | {"num_hidden_layers": 1}, tie_word_embeddings=False)
    make(config, 37, torch.bfloat16).save_pretrained(folder)
    quantization |= {"quantization_mode": "online", "modules_to_not_convert": ["lm_head"]}
    edit_config(folder, quantization_config=quantization)
    expect("llama-online", load(folder), 47, golden)
    folder = out / "llama-ternary"
    config = LlamaConfig(**LLAMA | {"num_hidden_layers": 1}, tie_word_embeddings=True)
    make(config, 38, torch.float16).save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    for name in (name for name in tensors if "_proj" in name):
        scale = tensors[name].float().abs().mean().half()
        tensors[name] = (tensors[name] / scale).round().clamp(-1, 1) * scale
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    expect("llama-ternary", load(folder), 48, golden)

    linear = {"rope_type": "linear", "factor": 2.5, "rope_theta": 15000.0}
    plain = {
        "llama-linear": (LlamaConfig(**LLAMA, tie_word_embeddings=True, rope_parameters=linear), torch.float16, "60KB"),
        "llama-llama3": (
            LlamaConfig(**LLAMA | {"num_hidden_layers": 1}, tie_word_embeddings=False, rope_parameters=LLAMA3_SCALING),
            torch.bfloat16,
            "5GB",
        ),
    }
    for number, (name, (config, dtype, shard)) in enumerate(plain.items()):
        make(config, 32 + number, dtype).save_pretrained(out / name, max_shard_size=shard)
        expect(name, load(out / name), 42 + number, golden)


CORPUS = """
The weights of a ternary model are minus one, zero and plus one, and one scale for each matrix says how large they are.
A tokenizer cuts a text into words and joins the letters of each word, the most frequent pairs first, to tokens.
Where there is no token for a letter, its bytes are tokens: there are two hundred and fifty-six of them, enough for all.
The king said to his daughter that the winter would be long, and that she should gather wood before the first snow.
She went into the forest with an axe and a rope, and when the sun was low she came back with more than they needed.
"What will you do with the rest?" he asked. "I'll give it to the neighbours," she said, "they've none."
""" * 4
"""Text to train merges on; each pair often enough to be one."""


def corpus():
    """The lines of the corpus."""
    return CORPUS.splitlines()


def byte_level_tokenizer(vocabulary):
    """A byte-level tokenizer as Llama 3 has it."""
    expression = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer = Tokenizer(BPE(ignore_merges=True))
    split = pre_tokenizers.Split(Regex(expression), "isolated")
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_])
    tokenizer.decoder = decoders.ByteLevel()
    special = [AddedToken(text, special=True) for text in ("<unk>", "<s>", "</s>", "<|eot|>")]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=vocabulary, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    template = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template])
    return tokenizer


def sentencepiece_tokenizer(vocabulary):
    """A tokenizer as transformers makes it of a SentencePiece model: spaces marked, bytes for what has no token."""
    # Characters and their merges get little room beside the 256 bytes.
    characters = vocabulary - 259
    trainer_source = Tokenizer(BPE())
    trainer_source.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    trainer_source.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    trainer = BpeTrainer(vocab_size=characters, limit_alphabet=characters - 12, show_progress=False)
    trainer_source.train_from_iterator(corpus(), trainer)
    learnt = json.loads(trainer_source.to_str())["model"]
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += sorted(learnt["vocab"], key=learnt["vocab"].get)
    merges = [tuple(merge) for merge in learnt["merges"]]
    model = BPE(
        {text: number for number, text in enumerate(tokens)},
        merges,
        unk_token="<unk>",
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in tokens[:3]])
    template = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)])
    tokenizer.post_processor = template
    return tokenizer


CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}[{{ message.role }}] {{ message.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)


def write_tokenizers(out):
    """The tokenizers of two models, and what they make of some texts."""
    expected = {}
    for name, tokenizer in {
        "bitnet-packed": byte_level_tokenizer(BITNET["vocab_size"] - 2),
        "llama-packed": sentencepiece_tokenizer(LLAMA["vocab_size"]),
    }.items():
        fast = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
        )
        fast.chat_template = CHAT_TEMPLATE
        fast.save_pretrained(out / name)
        path = out / name / "tokenizer.json"
        path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False, separators=(",", ":")))
        messages = [{"role": "user", "content": "Who are you?"}]
        again = PreTrainedTokenizerFast.from_pretrained(out / name)
        expected[name] = {
            "texts": [{"text": text, "ids": again(text)["input_ids"]} for text in TEXTS],
            "chat": again.apply_chat_template(messages, tokenize=False, add_generation_prompt=True),
        }
    (out / "tokenizers.json").write_text(json.dumps(expected, indent=1) + "\n")


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/checkpoints"), help="folder of the models")
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    golden = {}
    bitnet_models(out, golden)
    llama_models(out, golden)
    write_tokenizers(out)
    for leftover in out.glob("*/generation_config.json"):
        leftover.unlink()
    (out / "expected.safetensors").write_bytes(save(golden))


if __name__ == "__main__":
    main()
