#!/usr/bin/env python3
"""Writes tests/fixtures/tokenizer/qwen2.json: ids of texts by HF tokenizers and llama.cpp with Qwen2's vocabulary.

HF's tokenizer is transformers' Qwen2Tokenizer on the tokens and merges of llama.cpp's vocabulary file. It brings a text
to NFC before it cuts it, llama.cpp does not; where that changes nothing both must give the same ids. The lists:

* `texts`: `text` and `ids`, which both programs give;
* `not_nfc`: texts that NFC changes (decomposed letters and others), with `nfc_ids`, which HF tokenizers gives, and
  `as_written_ids`, which llama.cpp gives, and HF tokenizers without its normalizer;
* `special`: `ids` with special tokens recognised, and `as_text_ids` with them taken as text.

Needs gcc, npm, git and what tools/golden/setup.sh installs:

    /tmp/oracle/venv/bin/python tools/tokenizer/make_qwen2.py
"""

import json
import random
import subprocess
import tempfile
import unicodedata
from pathlib import Path

import gguf
from tokenizers import normalizers
from transformers import Qwen2Tokenizer

import fetch_vectors
from make_reference import FIXTURES, TEXTS, compile_tokenizer

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
"""Control tokens of the vocabulary file; its others are padding."""

COMPOSED = [
    "Crème brûlée, Ångström, naïve façade, Zażółć gęślą jaźń, Việt Nam",
    "Größe, Übermut und Fußgängerübergänge; İstanbul'da IĞDIR",
    "Τὸ γνῶθι σαυτόν · Ἐν ἀρχῇ ἦν ὁ λόγος", "Ёлка, йод, їжак, ўсё",
    "हिन्दी में क्षत्रिय, বাংলা ভাষা, தமிழ் மொழி, ภาษาไทยที่มีวรรณยุกต์, မြန်မာ",
    "السَّلامُ عَلَيْكُم שָׁלוֹם", "x\u0302 + n\u0303\u0323 = q\u0307 (no composed form)",
    "e\u20dd 1\ufe0f\u20e3 \u0301lone",
]
DECOMPOSED = [
    *(unicodedata.normalize("NFD", text) for text in COMPOSED[:4]),
    unicodedata.normalize("NFD", "한국어 문장을 자모로"),
    "a\u0302\u0323 a\u0323\u0302 \u1ea1\u0302", "The \u212bngstr\u00f6m and the \u2126 and the \u212a",
    "\uf900\uf914 \ufa0e",
    "\u0958 \u0915\u093c \u09dc", "cafe\u0301s CAFE\u0301S It\u2019s the cafe\u0301's",
    "123e\u0301 e\u0301123 \u00e9\u0301",
]
OTHERS = [
    "我喜歡吃蘋果，也喜歡编程。2024年10月1日星期二。", "吾輩は猫である。名前はまだ無い。ｶﾀｶﾅ ＡＢＣ１２３", "한국어 문장, 띄어쓰기가 있는 글 ㅋㅋㅋ",
    "𠮷野家 𝒜𝓁𝑔𝑒𝒷𝓇𝒶 𝟘𝟙𝟚", "👩‍👩‍👧‍👦 👩🏽‍🚀 🏳️‍🌈 🇩🇪🇯🇵 ❤️‍🔥 1️⃣ 🤷‍♂️", "🚀🚀🚀 code🦀code 🎉\n\n🎉",
    "I'm, I'M, you're, YOU'RE, he'll, HE'LL, we've, WE'VE, she'd, SHE'D, it's, IT'S, don't, DON'T",
    "I\u2019m you\u2019re 'tis 'S 'Ve'll''re o'clock rock'n'roll 'ſ 's",
    "0 00 000 1234567890 3.14159e-10 ١٢٣ ⅷ ½ ²³ 12ab34 1,234",
    "     five spaces\t\ttwo tabs\n\n\n  three newlines \r\n\r\n crlf \n \n end   ", "\n", "\r\n", " \n ", "\t\n\t",
    "a \n  b\n\n c  \n",
    "\u00a0\u2003\u3000wide\u200b\u2028spaces\u0085next\x0b\x0c", "   ", "\u3000\n\u3000text", "!\n!! \n\n ?!\r\n.\n",
    "#include <vector>\nint main() {\n\tstd::vector<int> v{1, 2, 3};\n\tfor (auto& x : v) x *= 2;\n\treturn v[0];\n}\n",
    "def f(x: int) -> str:\n    return f\"{x!r:>10}\"  # comment\n\n\nclass A(B):\n    pass\n",
    "SELECT a.id, COUNT(*) FROM \"t\" AS a WHERE a.x >= 10 AND b <> 'y';",
    "{\"key\": [1, 2.5e3, null, true], \"k\\u00e9y\": \"v\\n\"}",
    "<div class=\"a b\">&nbsp;text</div> https://example.org/?q=%20&x=1#y $\\frac{a}{b}$ `x` **b** _i_",
    "snake_case camelCase SCREAMING_CASE kebab-case x+=1; y--; !z && w||v ->=>==",
    "control\x01\x7f\u200e\ufeffend\ufffd",
]
SPECIAL_TEXTS = [
    "<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\nHi!<|im_end|>\n<|im_start|>assistant\n",
    "a<|endoftext|>b <|endoftext|> c", "<|im_start|><|im_end|><|im_end", " <|im_start|> caf\u00e9",
    "<|im_start|>\n\n<|im_end|>  x",
]
UNITS = [
    *"aszlABZ019 \n\r\t.,$+'/_", "é", "字", "。", "३", "Ⅷ", "\u00a0", "🚀", "👩‍🚀", " ", " ", "  ", "\n\n", "\r\n", "'s",
    "'LL", "'re",
    "The", " the", "000", "def ", "()", "한", "x\u0302", "\u0901", "\u0e49",
]
"""What random texts are made of; NFC changes none of them, nor what two of them become side by side."""

RANDOM_TEXTS = 150


def random_texts():
    """Short texts of the units."""
    generator = random.Random(20250428)
    return ["".join(generator.choice(UNITS) for _ in range(generator.randrange(3, 16))) for _ in range(RANDOM_TEXTS)]


def hf_tokenizer(path):
    """Qwen2's tokenizer as transformers has it, with the vocabulary of a GGUF file."""
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    tokens = tokens[: tokens.index(SPECIAL[0])]
    tokenizer = Qwen2Tokenizer({token: number for number, token in enumerate(tokens)}, merges)
    tokenizer.add_tokens(SPECIAL[1:], special_tokens=True)
    assert tokenizer.convert_tokens_to_ids(SPECIAL) == list(range(len(tokens), len(tokens) + len(SPECIAL)))
    return tokenizer


class Programs:
    """Both programs with one vocabulary."""

    def __init__(self, program, path):
        self.program, self.path = program, path
        self.with_nfc, self.as_written = hf_tokenizer(path), hf_tokenizer(path)
        assert isinstance(self.with_nfc.backend_tokenizer.normalizer, normalizers.NFC)
        self.as_written.backend_tokenizer.normalizer = normalizers.Sequence([])

    def llama_cpp(self, texts, parse_special):
        """llama.cpp's ids."""
        command = [self.program, self.path, "-", "0", str(int(parse_special))]
        data = "".join(text + "\0" for text in texts).encode()
        output = subprocess.run(command, input=data, capture_output=True, check=True).stdout.decode()
        ids = [[int(number) for number in line.split()] for line in output.split("\n")[:-1]]
        assert len(ids) == len(texts)
        return ids

    def both(self, texts, parse_special=False):
        """The ids of texts with NFC and as they are written, where the programs agree on what is the same to both."""
        options = {"split_special_tokens": not parse_special}
        written = self.llama_cpp(texts, parse_special)
        normalized = self.llama_cpp([unicodedata.normalize("NFC", text) for text in texts], parse_special)
        for text, ids, nfc_ids in zip(texts, written, normalized):
            assert self.as_written(text, **options)["input_ids"] == ids, text
            assert self.with_nfc(text, **options)["input_ids"] == nfc_ids, text
            assert self.as_written.decode(ids) == text or parse_special, text
        return list(zip(texts, normalized, written, strict=True))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = fetch_vectors.llama_cpp_source(folder)
        program = compile_tokenizer(fetch_vectors.npm_package("@node-llama-cpp/linux-x64", folder), source, folder)
        programs = Programs(program, source / "models" / "ggml-vocab-qwen2.gguf")
        texts = programs.both([text for text in TEXTS if text] + COMPOSED + OTHERS + random_texts() + DECOMPOSED)
        special, as_text = programs.both(SPECIAL_TEXTS, parse_special=True), programs.both(SPECIAL_TEXTS)
    data = {
        "texts": [{"text": text, "ids": ids} for text, ids, written in texts if ids == written],
        "not_nfc": [
            {"text": text, "nfc_ids": ids, "as_written_ids": written} for text, ids, written in texts if ids != written
        ],
        "special": [
            {"text": text, "ids": ids, "as_text_ids": as_text_ids}
            for (text, _, ids), (_, _, as_text_ids) in zip(special, as_text)
        ],
    }
    assert all(ids == nfc_ids for _, nfc_ids, ids in special + as_text)
    print({name: len(entries) for name, entries in data.items()})
    for entry in data["texts"]:
        assert unicodedata.is_normalized("NFC", entry["text"]), entry
    lists = []
    for name, entries in data.items():
        lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
        lists.append(f'"{name}":[\n{lines}]')
    origin = f"HF tokenizers, and llama.cpp of npm @node-llama-cpp/linux-x64 {fetch_vectors.VERSION}"
    text = f'{{"source":"{origin}",\n' + ",\n".join(lists) + "}\n"
    assert json.loads(text) == {"source": origin} | data
    (FIXTURES / "qwen2.json").write_text(text)


if __name__ == "__main__":
    main()
