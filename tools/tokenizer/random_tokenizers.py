#!/usr/bin/env python3
"""Writes random tokenizer.json files, texts, and the ids that HF tokenizers gives for them.

    python3 tools/tokenizer/random_tokenizers.py                    the sample, tests/fixtures/tokenizer/random.json
    python3 tools/tokenizer/random_tokenizers.py 10000 FILE SEED    more of them

`cargo test -p trine-text random_tokenizers` compares the sample, and FILE too where it is models/tokenizer/random.json.
Needs the PyPI package tokenizers (0.23.3 wrote the sample).
"""

import json
import random
import sys
from pathlib import Path

import tokenizers

FIXTURE = Path(__file__).resolve().parent.parent.parent / "tests" / "fixtures" / "tokenizer" / "random.json"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
LETTERS = ["a", "b", "s", "é", "e\u0301", "1", "2", "'", "<", ">", "_", "\n", " ", " ", " "]


def bytes_to_unicode():
    """The character that stands for each byte (GPT-2)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xa1, 0xad), *range(0xae, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + at) for at, byte in enumerate(others)}


BYTES = bytes_to_unicode()


def grow(pick, vocab, count):
    """Merges of tokens that are there, each into a token."""
    merges = []
    for _ in range(count):
        left, right = pick.choice(vocab), pick.choice(vocab)
        if len(left + right) <= 6:
            merges.append([left, right])
            if left + right not in vocab:
                vocab.append(left + right)
    return merges


def added_tokens(pick, first, may_be_normalized):
    texts = pick.sample(["<a>", "<ab>", "ab", "<", "a>", "<a><b>", "b s", "_", "é", "1", "<é>", "s s"], pick.randint(1, 4))
    flag = lambda: pick.random() < 0.3  # noqa: E731
    return [{"id": first + at, "content": text, "single_word": flag(), "lstrip": flag(), "rstrip": flag(),
             "normalized": may_be_normalized and flag(), "special": pick.random() < 0.5} for at, text in enumerate(texts)]


def byte_level(pick):
    vocab = sorted({BYTES[byte] for letter in LETTERS for byte in letter.encode()})
    merges = grow(pick, vocab, pick.randint(0, 30))
    if merges and pick.random() < 0.5:
        merges.insert(pick.randrange(len(merges)), pick.choice(merges))
    ignore_merges = False
    steps = pick.choice(["gpt-2", "digits", "llama3", "qwen2"])
    last = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": steps in ("gpt-2", "digits")}
    if steps == "gpt-2":
        pre_tokenizer = last
    elif steps == "digits":
        pre_tokenizer = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, last]}
    else:
        ignore_merges = steps == "llama3" and pick.random() < 0.5
        split = {"type": "Split", "pattern": {"Regex": LLAMA3 if steps == "llama3" else QWEN2}, "behavior": "Isolated",
                 "invert": False}
        pre_tokenizer = {"type": "Sequence", "pretokenizers": [split, last]}
    return vocab, {"normalizer": pick.choice([None, {"type": "NFC"}]), "pre_tokenizer": pre_tokenizer,
                   "model": {"type": "BPE", "merges": merges, "ignore_merges": ignore_merges, "byte_fallback": False}}, True


def sentencepiece(pick):
    vocab = ["<unk>", *(f"<0x{byte:02X}>" for byte in sorted({b for letter in LETTERS for b in letter.encode()}))]
    pieces = ["▁", *sorted({letter for letter in "".join(LETTERS) if letter not in " \n\u0301"})]
    first = len(pieces)
    grow(pick, pieces, pick.randint(0, 30))
    # As transformers makes them of a model: all ways to a piece, in the order of the pieces.
    merges = [[piece[:at], piece[at:]] for piece in pieces[first:] for at in range(1, len(piece))
              if piece[:at] in pieces and piece[at:] in pieces]
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": pick.choice(["first", "always", "never"]),
                 "split": pick.random() < 0.5}
    normalizer, pre_tokenizer = pick.choice([
        ({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace]}, None),
        (replace, None), (None, metaspace), (None, metaspace), (None, metaspace)])
    return vocab + pieces, {"normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
                            "model": {"type": "BPE", "merges": merges, "byte_fallback": True, "unk_token": "<unk>",
                                      "fuse_unk": True}}, normalizer is None


def case(pick):
    vocab, entries, may_be_normalized = pick.choice([byte_level, sentencepiece])(pick)
    entries["model"]["vocab"] = {text: at for at, text in enumerate(vocab)}
    entries["added_tokens"] = [token for token in added_tokens(pick, len(vocab), may_be_normalized)
                               if token["content"] not in vocab]
    for at, token in enumerate(entries["added_tokens"]):
        token["id"] = len(vocab) + at
    source = {"version": "1.0", "truncation": None, "padding": None, "post_processor": None, "decoder": None, **entries}
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(source))
    alphabet = LETTERS + [token["content"] for token in entries["added_tokens"]] * 2
    texts = ["".join(pick.choices(alphabet, k=pick.randint(0, 12))) for _ in range(4)]
    return {"tokenizer": source, "texts": [[text, tokenizer.encode(text, add_special_tokens=False).ids] for text in texts]}


def main():
    count, path, seed = (int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 1 else (80, FIXTURE, 1)
    pick = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case(pick), separators=(",", ":")) for _ in range(count))
    path.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
