#!/usr/bin/env python3
"""Counts the instructions of the inner loops of the ternary kernels, per 128 products of a weight and an activation.

    tools/cpus/instructions.py

Compiles the kernels to assembly for both architectures, finds in each kernel the innermost loop with the most dot
products, and prints a Markdown table: loads, dot products and all instructions. `install.sh` has what it needs.
"""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPILER = "/usr/bin/rustc"

# Products of two bytes that an instruction of each name makes, for registers of 16 bytes; wider ones make more.
PRODUCTS = {"sdot": 16, "smmla": 32, "smull": 8, "smull2": 8, "vpdpbusd": 16, "vpmaddubsw": 16, "pmaddwd": 8}
WIDTH = {"zmm": 4, "ymm": 2, "xmm": 1}


def assembly(target: str) -> str:
    """The assembly of the kernels' library for a target."""
    directory = ROOT / "target" / "instructions" / target
    command = ["cargo", "rustc", "--quiet", "--release", "-p", "trine-kernels", "--lib", "--target", target]
    command += ["--target-dir", str(directory), "--config", "profile.release.lto=false"]
    command += ["--", "--emit", "asm", "-C", "symbol-mangling-version=v0", "-C", "codegen-units=1"]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "RUSTC": COMPILER})
    files = directory.glob(f"{target}/release/deps/trine_kernels-*.s")
    newest = max(files, key=lambda file: file.stat().st_mtime)
    return subprocess.run(["c++filt", "-s", "rust"], input=newest.read_text(), capture_output=True, text=True, check=True).stdout


def functions(text: str):
    """The wrappers of kernels: level, kernel, packing, lines."""
    wrapper = re.compile(r"^<?trine_kernels::arch::\w+::run_(\w+)::<trine_kernels::ternary::(gemv|gemm)::\w+<.*::(\w+)>>.*:$")
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
            body = (line.split("//")[0].split("#")[0].strip() for line in lines[start : end + 1])
            yield [line for line in body if line and not line.startswith(".") and not line.endswith(":")]


def products(instruction: str) -> int:
    """Products of bytes that an instruction makes."""
    name = instruction.split()[0]
    register = re.search(r"%([xyz]mm)", instruction)
    return PRODUCTS.get(name, 0) * (WIDTH[register[1]] if register else 1)


def is_load(instruction: str) -> bool:
    """Whether an instruction reads memory."""
    name, _, operands = instruction.partition("\t")
    if name.startswith(("ld", "prfm")):
        return name != "prfm"
    if "(" not in operands or name.startswith(("prefetch", "lea")):
        return False
    return not operands.rstrip().endswith(")") or "," not in operands


def table(target: str):
    """Rows of the table for a target."""
    for level, kernel, packing, lines in functions(assembly(target)):
        loop = max(innermost_loops(lines), key=lambda loop: sum(map(products, loop)), default=[])
        made = sum(map(products, loop))
        if made == 0:
            continue
        per = 128 / made
        loads, dots = sum(map(is_load, loop)) * per, sum(products(line) > 0 for line in loop) * per
        yield level, packing, kernel.upper(), f"{loads:.1f}", f"{dots:.1f}", f"{len(loop) * per:.1f}"


def main():
    print("| level | packing | kernel | loads | dot products | instructions |")
    print("|---|---|---|---|---|---|")
    for target in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"]:
        for row in sorted(set(table(target))):
            print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
