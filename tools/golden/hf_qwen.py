#!/usr/bin/env python3
"""Writes small Qwen2 and Qwen3 models as HF transformers saves them and as GGUF files, and the logits of two engines.

tests/fixtures/qwen3 and tests/fixtures/qwen2 have of each model a directory, `NAME-f32.gguf` with the same values, and
in `expected.safetensors` two prompts of random ids, a short one and one that is longer than 256:

* `NAME.short.ids`, `NAME.long.ids`: int32, [T];
* `NAME.short.logits`, `NAME.long.logits`: float32, [T, vocabulary], by transformers with eager attention in float32;
* `NAME.short.llama_cpp`, `NAME.long.llama_cpp`: float32, [T, vocabulary] and the last 16 positions of the long prompt,
  by llama.cpp of the GGUF file, with a float32 KV cache.

Both engines round nothing, so they must agree. Some directories have the keys that transformers 4 wrote, as published
ones do: `rope_theta` and `rope_scaling` instead of `rope_parameters`, and for Qwen2 a `sliding_window` not in use.
What a reader would get who overlooks YaRN, or uses that window, is printed as the distance `misread`.
One model of each architecture has a tokenizer of Qwen's kind, made here; `tokenizers.json` has what HF tokenizers and
llama.cpp make of some texts (they differ by NFC, which the former applies first) and a rendered chat.
"""

import argparse
import json
import math
import os
import shutil
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

os.environ["TORCH_COMPILE_DISABLE"] = "1"

import gguf
import numpy as np
import torch
from safetensors.numpy import save
from tokenizers import AddedToken, Tokenizer, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2Tokenizer, Qwen3Config

from gguf_io import FILE_TYPES, finish
from hf_checkpoints import corpus, edit_config, load, make
from llama_cpp import LlamaCpp
from models import MATRIX_NAMES, NORM_NAMES

SHORT, LONG, KEPT = 19, 262, 16
"""Lengths of the prompts, and how many of the last positions of the long one have logits of llama.cpp."""

TOLERANCE = 2e-5
"""How far two engines that round nothing may differ, relative to the norm of the logits."""

CONFIGURATIONS = {"qwen2": Qwen2Config, "qwen3": Qwen3Config}
NAMES = MATRIX_NAMES | NORM_NAMES | {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}

ADDED = {"<|endoftext|>": True, "<|im_start|>": True, "<|im_end|>": True, "<tool_call>": False, "</tool_call>": False}
"""Tokens after those of the merges, and whether they are special; the others are shown in decoded text."""

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEXTS = {
    "plain": "Hello world, it's 12345 o'clock!\n\n  Three  spaces",
    "contractions": "The king's daughter said: \"NO, I'LL\" -- and left, they'Ve won.",
    "composed": "na\u00efve caf\u00e9 \u4f60\u597d \U0001f600",
    "decomposed": "nai\u0308ve cafe\u0301 A\u030angstro\u0308m",
    "added": " leading <|im_start|>user\n<tool_call>{}</tool_call><|im_end|> trailing ",
}


@dataclass(frozen=True)
class Small:
    """One model: its sizes in the order hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary."""

    architecture: str
    name: str
    seed: int
    sizes: tuple
    rope_theta: float
    eps: float
    dtype: torch.dtype
    tied: bool = True
    scaling: dict = field(default_factory=dict)
    context: int = 320
    old_keys: dict | None = None
    tokenizer: bool = False

    def configuration(self):
        """The configuration that transformers saves."""
        hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary = self.sizes
        others = {"head_dim": head_dim} if self.architecture == "qwen3" else {}
        assert others or heads * head_dim == hidden
        return CONFIGURATIONS[self.architecture](
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=ffn,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            max_position_embeddings=self.context,
            rms_norm_eps=self.eps,
            tie_word_embeddings=self.tied,
            rope_parameters={"rope_type": "default"} | self.scaling | {"rope_theta": self.rope_theta},
            **others,
        )


YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024}
YARN_BETAS = {
    "rope_type": "yarn",
    "factor": 2.5,
    "original_max_position_embeddings": 512,
    "attention_factor": 1.25,
    "beta_fast": 20.0,
    "beta_slow": 3.0,
}
NEW_TYPE_KEY, OLD_TYPE_KEY = {"type_key": "rope_type"}, {"type_key": "type"}
UNUSED_WINDOW = {"sliding_window": 64, "use_sliding_window": False, "max_window_layers": 1}

BF16, F16, F32 = torch.bfloat16, torch.float16, torch.float32
MODELS = [
    Small("qwen3", "tied", 71, (44, 68, 2, 6, 2, 18, 270), 1e6, 1e-6, BF16, tokenizer=True),
    Small("qwen3", "yarn", 72, (52, 76, 2, 8, 2, 16, 119), 1e4, 3e-6, F16, False, YARN, 4096, NEW_TYPE_KEY),
    Small("qwen3", "yarn-betas", 73, (36, 60, 1, 6, 3, 14, 101), 5e3, 2e-5, F32, True, YARN_BETAS, 1280),
    Small("qwen2", "tied", 74, (48, 68, 2, 6, 2, 8, 272), 1e6, 1e-6, BF16, old_keys=UNUSED_WINDOW, tokenizer=True),
    Small("qwen2", "yarn", 75, (56, 84, 1, 4, 2, 14, 109), 1e4, 2e-6, BF16, False, YARN, 4096, OLD_TYPE_KEY),
]


def with_old_keys(folder, model):
    """Rewrites `config.json` with the keys that transformers 4 wrote."""
    path = folder / "config.json"
    entries = json.loads(path.read_text())
    scaling = entries.pop("rope_parameters")
    entries.pop("layer_types", None)
    entries |= {"torch_dtype": entries.pop("dtype"), "transformers_version": "4.51.0"}
    entries |= {"rope_theta": scaling.pop("rope_theta"), "rope_scaling": None}
    others = dict(model.old_keys)
    if model.scaling:
        entries["rope_scaling"] = {others.pop("type_key"): scaling.pop("rope_type")} | scaling
    path.write_text(json.dumps(entries | others, indent=2) + "\n")


def write_tokenizer(folder, vocabulary, published):
    """A tokenizer of Qwen's kind with so many tokens, the added ones last; gives ids of tokens by name."""
    learner = Tokenizer(BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=vocabulary - len(ADDED), initial_alphabet=alphabet, show_progress=False)
    learner.train_from_iterator(corpus(), trainer)
    learnt = json.loads(learner.to_str())["model"]
    tokenizer = Qwen2Tokenizer(vocab=learnt["vocab"], merges=[tuple(merge) for merge in learnt["merges"]])
    tokenizer.add_tokens([AddedToken(text, special=special, normalized=False) for text, special in ADDED.items()])
    tokenizer.eos_token, tokenizer.unk_token, tokenizer.chat_template = "<|im_end|>", None, CHAT_TEMPLATE
    assert [tokenizer.convert_tokens_to_ids(text) for text in ADDED] == list(range(vocabulary - len(ADDED), vocabulary))
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer.json"
    stored = json.loads(path.read_text())
    if published:
        with_published_tokenizer(folder, stored)
    path.write_text(json.dumps(stored, ensure_ascii=False, separators=(",", ":")))
    return {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}


def with_published_tokenizer(folder, stored):
    """Changes the files to what Alibaba's look like: merges as text, the chat template in the configuration."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    stored["pre_tokenizer"]["pretokenizers"][1] = stored["post_processor"] = stored["decoder"] = byte_level
    stored["model"]["merges"] = [" ".join(merge) for merge in stored["model"]["merges"]]
    path = folder / "tokenizer_config.json"
    entries = json.loads(path.read_text()) | {"add_bos_token": False, "add_prefix_space": False}
    entries["chat_template"] = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    path.write_text(json.dumps(entries, indent=2) + "\n")


def write_directory(folder, model):
    """The directory of a model."""
    make(model.configuration(), model.seed, model.dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if model.old_keys is not None:
        with_old_keys(folder, model)
    if model.tokenizer:
        edit_config(folder, **write_tokenizer(folder, model.sizes[-1] - 3, published=model.old_keys is not None))


def add_tokenizer(writer, folder, vocabulary):
    """The vocabulary of a directory, or one of letters where it has none; ids without a token are padding."""
    kinds = gguf.TokenType
    if (folder / "tokenizer.json").exists():
        stored = json.loads((folder / "tokenizer.json").read_text())
        added = {entry["content"]: entry["special"] for entry in stored["added_tokens"]}
        tokens = sorted(stored["model"]["vocab"], key=stored["model"]["vocab"].get) + list(added)
        merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in stored["model"]["merges"]]
    else:
        added = dict(list(ADDED.items())[:3])
        tokens, merges = [chr(0x21 + number) for number in range(94)] + ["th", *added], ["t h"]
    types = [{None: kinds.NORMAL, True: kinds.CONTROL, False: kinds.USER_DEFINED}[added.get(text)] for text in tokens]
    padding = vocabulary - len(tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens + [f"[PAD{len(tokens) + number}]" for number in range(padding)])
    writer.add_token_types(types + [kinds.UNUSED] * padding)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_pad_token_id(tokens.index("<|endoftext|>"))
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)


def add_scaling(writer, scaling):
    """The YaRN keys. `attn_factor` multiplies 1 + 0.1 ln(factor), for which `attention_factor` stands."""
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(scaling["factor"])
    writer.add_rope_scaling_orig_ctx_len(scaling["original_max_position_embeddings"])
    if "attention_factor" in scaling:
        writer.add_rope_scaling_attn_factors(scaling["attention_factor"] / (1 + 0.1 * math.log(scaling["factor"])))
        writer.add_rope_scaling_yarn_beta_fast(scaling["beta_fast"])
        writer.add_rope_scaling_yarn_beta_slow(scaling["beta_slow"])


def write_gguf(path, folder, model, loaded, file_type=FILE_TYPES["F32"], add_matrix=gguf.GGUFWriter.add_tensor):
    """The model as a GGUF file with the names and keys of llama.cpp, every tensor in F32 but those of `add_matrix`."""
    hidden, ffn, layers, heads, kv_heads, head_dim, vocabulary = model.sizes
    writer = gguf.GGUFWriter(path, model.architecture)
    writer.add_name(f"trine golden {model.architecture} {model.name}")
    if file_type is not None:
        writer.add_file_type(file_type)
    writer.add_block_count(layers)
    writer.add_context_length(model.context)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(model.eps)
    writer.add_rope_freq_base(model.rope_theta)
    if model.architecture == "qwen3":
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    if model.scaling:
        add_scaling(writer, model.scaling)
    add_tokenizer(writer, folder, vocabulary)
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    for layer in range(layers):
        names |= {f"model.layers.{layer}.{full}": f"blk.{layer}.{name}" for name, full in NAMES.items()}
    for name, values in loaded.state_dict().items():
        module, _, kind = name.rpartition(".")
        if not (model.tied and module == "lm_head"):
            add = writer.add_tensor if values.dim() == 1 else partial(add_matrix, writer)
            add(f"{names[module]}.{kind}", values.numpy())
    finish(writer)


def relative(found, expected):
    """|a - b| / |b|."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def misread(folder, model):
    """The model of a directory as a reader would have it that overlooks YaRN or uses the window; None without those."""
    entries = json.loads((folder / "config.json").read_text())
    if model.scaling:
        entries |= {"rope_parameters": {"rope_type": "default", "rope_theta": model.rope_theta}, "rope_scaling": None}
    elif entries["sliding_window"]:
        entries["use_sliding_window"] = True
    else:
        return None
    config = CONFIGURATIONS[model.architecture].from_dict(entries)
    other = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    other.load_state_dict(load(folder).state_dict())
    return other


def record(out, model, llama_cpp, golden):
    """Writes a model and what both engines compute with it."""
    folder, path = out / model.name, out / f"{model.name}-f32.gguf"
    write_directory(folder, model)
    loaded, wrong = load(folder), misread(folder, model)
    write_gguf(path, folder, model, loaded)
    random = np.random.default_rng(model.seed)
    for prompt, length in (("short", SHORT), ("long", LONG)):
        ids = random.integers(0, model.sizes[-1], length)
        batch = torch.from_numpy(ids)[None]
        logits = loaded(batch).logits[0].numpy()
        found = llama_cpp.logits(path, ids.tolist())
        difference = relative(found, logits)
        text = f"{model.architecture}/{model.name}, {prompt}: |a - b| / |b| {difference:.1e}, largest difference"
        text += f" {np.abs(found - logits).max():.1e} of {np.abs(logits).max():.2f}"
        if wrong is not None:
            text += f"; misread {relative(wrong(batch).logits[0].numpy(), logits):.2f}"
        print(text, flush=True)
        assert difference < TOLERANCE, f"{path}: llama.cpp and transformers differ"
        key = f"{model.name}.{prompt}"
        golden |= {f"{key}.ids": ids.astype(np.int32), f"{key}.logits": np.ascontiguousarray(logits)}
        golden[f"{key}.llama_cpp"] = found if prompt == "short" else np.ascontiguousarray(found[-KEPT:])


def tokenized(folder, path, llama_cpp):
    """What the tokenizers of both engines make of some texts, and a chat."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    lines = llama_cpp.run("tokenize", path, 1, *TEXTS.values()).splitlines()
    texts = []
    for (name, text), line in zip(TEXTS.items(), lines, strict=True):
        ids, found = tokenizer.encode(text).ids, [int(number) for number in line.split()]
        assert (ids == found) == (name != "decomposed"), name
        assert tokenizer.decode(found, skip_special_tokens=False) == text
        texts.append({"name": name, "text": text, "ids": ids, "llama_cpp": found})
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who are you?"}]
    fast = Qwen2Tokenizer.from_pretrained(folder)
    assert all(fast(entry["text"])["input_ids"] == entry["ids"] for entry in texts)
    chat = fast.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return {"texts": texts, "chat": chat}


def to_json(tokenizers):
    """JSON with one text a line."""
    models = []
    for name, entry in tokenizers.items():
        texts = ",\n  ".join(json.dumps(text, ensure_ascii=False) for text in entry["texts"])
        models.append(f'{json.dumps(name)}: {{"texts": [\n  {texts}],\n "chat": {json.dumps(entry["chat"])}}}')
    return "{" + ",\n".join(models) + "}\n"


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, required=True, help="the program llama_oracle")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures"), help="folder of qwen2 and qwen3")
    arguments = parser.parse_args()
    llama_cpp = LlamaCpp(arguments.oracle)
    for architecture in CONFIGURATIONS:
        out, golden, tokenizers = arguments.out / architecture, {}, {}
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        for model in (model for model in MODELS if model.architecture == architecture):
            record(out, model, llama_cpp, golden)
            if model.tokenizer:
                path = out / f"{model.name}-f32.gguf"
                tokenizers[model.name] = tokenized(out / model.name, path, llama_cpp)
        (out / "expected.safetensors").write_bytes(save(golden))
        (out / "tokenizers.json").write_text(to_json(tokenizers))


if __name__ == "__main__":
    main()
