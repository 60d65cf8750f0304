#!/usr/bin/env python3
"""Counts the instructions of the inner loops of the ternary kernels, for 128 weights and a token.

    tools/cpus/instructions.py

Compiles the kernels to assembly for both architectures, finds in each kernel the innermost loop with the most products
of bytes, and prints a Markdown table: loads, instructions that multiply bytes, and all. `install.sh` has what it needs.
"""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPILER = "/usr/bin/rustc"

# Products of two bytes that an instruction of each name makes, for registers of 16 bytes; wider ones make more.
PRODUCTS = {"sdot": 16, "smmla": 32, "smlal": 8, "smlal2": 8, "vpdpbusd": 16, "vpmaddubsw": 16}
# Where the sum of three products is looked up, in a word.
PRODUCTS |= {"vpermw": 24}
# Where words are multiplied.
PRODUCTS |= {"pmullw": 8, "mul": 8, "mla": 8}
WIDTH = {"zmm": 4, "ymm": 2, "xmm": 1}

LEVELS = {
    "portable": "portable",
    "avx2": "avx2",
    "avx_vnni_vex": "avxvnni",
    "avx512_vnni": "avx512vnni",
    # The same, with another product for many tokens.
    "avx512_vnni_lookups": "avx512vnni-lookup",
    "neon": "neon",
    "neon_dotprod": "neon-dotprod",
    "neon_i8mm": "neon-i8mm",
}
# Where any bytes can be multiplied.
VNNI = ["avxvnni", "avx512vnni", "avx512vnni-lookup"]


def products_of_a_weight(level: str, kernel: str, packing: str) -> float:
    """Products of bytes that a kernel makes for each weight and token."""
    if kernel != "gemv" or packing not in ["Tq1_0", "Ptq1_0"]:
        return 1
    # Five digits of 64 bytes for 256 weights, or of 32 for 128, with two products instead of a digit where any bytes can
    # be multiplied.
    return 5 * 64 / 256 * (2 if level in VNNI else 1)


def assembly(target: str) -> str:
    """The assembly of the kernels' library for a target."""
    directory = ROOT / "target" / "instructions" / target
    command = ["cargo", "rustc", "--quiet", "--release", "-p", "trine-kernels", "--lib", "--target", target]
    command += ["--target-dir", str(directory), "--config", "profile.release.lto=false"]
    command += ["--", "--emit", "asm", "-C", "symbol-mangling-version=v0", "-C", "codegen-units=1"]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "RUSTC": COMPILER})
    files = directory.glob(f"{target}/release/deps/trine_kernels-*.s")
    newest = max(files, key=lambda file: file.stat().st_mtime)
    names = ["c++filt", "-s", "rust"]
    text = subprocess.run(names, input=newest.read_text(), capture_output=True, text=True, check=True).stdout
    # What tells two crates of one name apart.
    return re.sub(r"\[[0-9a-f]+\]::", "::", text)


def functions(text: str):
    """The wrappers of kernels: level, kernel, packing, lines."""
    kernel = r"trine_kernels::product::ternary::(gemv|gemm|lut_gemm)::Gem[mv](?:<.*::(\w+)>)?"
    wrapper = re.compile(rf"^trine_kernels::simd::(?:\w+::)?run_(\w+)::<{kernel}>:$")
    found, lines = None, []
    for line in text.splitlines():
        if found:
            if line.startswith(".Lfunc_end"):
                yield (*found.groups(), lines)
                found, lines = None, []
            else:
                lines.append(line)
        elif found := wrapper.match(line):
            lines = []


def innermost_loops(lines: list[str]):
    """The instructions of each loop that has no loop in it."""
    labels = {match[1]: index for index, line in enumerate(lines) if (match := re.match(r"^(\.L\w+):", line))}
    spans = []
    for index, line in enumerate(lines):
        target = re.match(r"^\s+(?:j\w+|b(?:\.\w+)?|cbn?z|tbn?z)\s.*?(\.L\w+)$", line)
        if target and labels.get(target[1], index + 1) <= index:
            spans.append((labels[target[1]], index))
    for start, end in spans:
        if not any(start <= other[0] and other[1] <= end and other != (start, end) for other in spans):
            body = (line.replace("{vex}", "").split("//")[0].split("#")[0].strip() for line in lines[start : end + 1])
            yield [line for line in body if line and not line.startswith(".") and not line.endswith(":")]


def products(instruction: str) -> int:
    """Products of bytes that an instruction makes."""
    name = instruction.split()[0]
    if name in ["mul", "mla"] and ".8h" not in instruction:
        return 0
    register = re.search(r"%([xyz]mm)", instruction)
    return PRODUCTS.get(name, 0) * (WIDTH[register[1]] if register else 1)


def is_load(instruction: str) -> bool:
    """Whether an instruction reads memory."""
    name, _, operands = instruction.partition("\t")
    if name.startswith("ld"):
        return True
    if "(" not in operands or name.startswith(("prefetch", "lea")):
        return False
    return not operands.rstrip().endswith(")") or "," not in operands


def table(target: str) -> dict:
    """For each level and kind of loop: loads, instructions that multiply bytes, all instructions."""
    found = {}
    for function, kernel, packing, lines in functions(assembly(target)):
        # A panel of codes does not tell of which packing it was made, nor do its products.
        if kernel != "gemv":
            kernel, packing = "gemm", "any"
        level = LEVELS.get(function)
        loop = max(innermost_loops(lines), key=lambda loop: sum(map(products, loop)), default=[])
        made = sum(map(products, loop))
        if (level, kernel, packing) == ("portable", "gemv", "Tq1_0") and made:
            # Digits are made by products too: what is left is five of each byte of a window of eight rows.
            made = 8 * 32 * 5
        if level is None or made == 0:
            continue
        per = 128 / made * products_of_a_weight(level, kernel, packing)
        counts = sum(map(is_load, loop)), sum(products(line) > 0 for line in loop), len(loop)
        found[level, kernel, packing] = " / ".join(f"{count * per:.1f}" for count in counts)
    return found


def main():
    columns = [("gemv", "I2S"), ("gemv", "Tq2_0"), ("gemv", "Tq1_0"), ("gemm", "any")]
    print("| level | GEMV, I2_S | GEMV, TQ2_0 | GEMV, TQ1_0 | GEMM |\n|---|---:|---:|---:|---:|")
    for target in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"]:
        found = table(target)
        for level in LEVELS.values():
            if any(key[0] == level for key in found):
                architecture = f", {target.split('-')[0]}" if level == "portable" else ""
                cells = [found.get((level, *column), "") for column in columns]
                print(f"| `{level}`{architecture} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
