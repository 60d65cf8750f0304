#!/usr/bin/env python3
"""Estimates with `llvm-mca` how many cycles the inner loops of ternary products for one token take for 128 weights, on
CPUs that are not at hand, beside the loops of other engines.

    tools/cpus/cycles.py
    tools/cpus/cycles.py --peer avx2 llama.cpp libggml-cpu-haswell.so --peer neon llama.cpp libggml-cpu-armv8.0_1.so

Compiles the kernels for x86-64 and aarch64, reads loops from the machine code, and prints a Markdown table for each. A
peer is a library or an object that somebody has built: the instructions that it uses, the engine, the file. Needs
Debian's package `llvm-19`, and what `rustup target add aarch64-unknown-linux-gnu` brings.

`llvm-mca` executes a loop on paper, by LLVM's tables of units and latencies. It has all data in the first cache, all
instructions decoded and all branches guessed right. So the table tells what units and dependencies allow, and nothing
of memory. LLVM has no table for some CPUs, and takes that of another one: the head of a column names it.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import instructions

ROOT = Path(__file__).resolve().parents[2]
CPUS = {
    "x86_64": ["znver2", "znver3", "gracemont"],
    "aarch64": ["cortex-a76", "neoverse-n1", "neoverse-v2", "apple-m1"],
}
# The levels of the tables, and the CPUs that lack one.
LEVELS = {"x86_64": ["avx2", "avxvnni"], "aarch64": ["neon", "neon-dotprod"]}
LACKING = {"avxvnni": ["znver2", "znver3"]}
# How units are called in the tables of LLVM, and of what they are.
TABLES = {"Zn2": "Zen 2", "Zn3": "Zen 3", "ADLP": "Alder Lake P", "A57": "Cortex-A57", "N1": "Neoverse N1",
          "V2": "Neoverse V2", "Cy": "Apple A7"}

# Of each packing: the type, the bytes of 128 weights, and the weights of a turn of the loop that contains the scales:
# eight rows and two windows of 32 bytes. None where all columns have one scale, which is outside of all loops.
PACKINGS = {
    "I2S": ("I2_S", 32, None), "Tq2_0": ("TQ2_0", 33, None), "Tq1_0": ("TQ1_0", 27, None),
    "Q2_0": ("Q2_0", 36, 2048), "Pq2_0": ("PQ2_0", 34, 2048), "Ptq1_0": ("PTQ1_0", 28, 2048),
    "Q1_0": ("Q1_0", 18, 4096),
}
KERNEL = re.compile(r"^trine_kernels::simd::(?:\w+::)?run_(\w+)::<trine_kernels::product::ternary::"
                    r"(gemv|grouped)::Gemv<trine_kernels::[\w:]+::(\w+)(?:, 1(?:usize)?)?>>$")
# Of each engine: types, bytes of 128 weights, functions.
PEERS = {
    "llama.cpp": [
        ("TQ2_0", 33, r"^ggml_vec_dot_tq2_0_q8_K$"), ("TQ1_0", 27, r"^ggml_vec_dot_tq1_0_q8_K$"),
        ("Q2_0", 36, r"^ggml_vec_dot_q2_0_q8_0$"), ("Q1_0", 18, r"^ggml_vec_dot_q1_0_q8_0$"),
    ],
    "ik_llama.cpp": [
        ("IQ2_BN", 32, r"\bmul_mat_iq2bn_q8_K64<1>"), ("IQ2_BN_R4", 32, r"\bmul_mat_iq2_bn_r4_q8_k16<1>"),
        ("IQ1_BN", 26, r"\bmul_mat_iq1bn_q8_K64<1>"), ("Q1_0", 18, r"\bmul_mat_q1_0_g128_q8_0<1>"),
    ],
}
# Products of an instruction that only loops of other engines have.
MORE_PRODUCTS = {"smull": 8, "smull2": 8, "imull": 1}


def llvm(name: str) -> str:
    """A program of LLVM, of the newest version that is installed."""
    for candidate in [*(f"{name}-{version}" for version in range(30, 14, -1)), name]:
        if path := shutil.which(candidate):
            return path
    sys.exit(f"{name} is not installed: Debian's package `llvm-19` has it")


def output(command: list, text: str | None = None) -> str:
    """What a command prints."""
    done = subprocess.run(list(map(str, command)), input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command[:3]))}: {(done.stderr or done.stdout).strip().splitlines()[0]}")
    return done.stdout


def kernels(architecture: str) -> Path:
    """The object of the kernels' library, whose names tell types apart."""
    target, directory = f"{architecture}-unknown-linux-gnu", ROOT / "target" / "cycles"
    command = ["cargo", "rustc", "--quiet", "--release", "-p", "trine-kernels", "--lib", "--target", target]
    command += ["--target-dir", str(directory), "--config", "profile.release.lto=false", "--"]
    command += ["--emit", "obj", "-C", "symbol-mangling-version=v0", "-C", "codegen-units=1"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        sys.exit(f"the kernels were not compiled for {target}: `rustup target add {target}` brings what that needs")
    files = directory.glob(f"{target}/release/deps/trine_kernels-*.o")
    return max(files, key=lambda file: file.stat().st_mtime)


def functions(file: Path) -> dict:
    """The functions of a file: addresses and instructions, as an assembler reads them."""
    found, lines = {}, []
    command = [llvm("llvm-objdump"), "--disassemble", "--demangle", "--no-show-raw-insn", file]
    for line in output(command).splitlines():
        if name := re.match(r"^[0-9a-f]{8,} <(.*)>:$", line):
            lines = found[re.sub(r"\[[0-9a-f]+\]::", "::", name[1])] = []
        elif code := re.match(r"^\s*([0-9a-f]+):\s+(\S.*)$", line):
            # What follows is a comment, or the name of an address.
            text = re.sub(r"\s+(?:# |<|//).*$", "", code[2]).replace("{vex}\t", "{vex} ")
            lines.append((int(code[1], 16), text))
    return found


def products(line: str) -> int:
    """Products of bytes that an instruction makes."""
    line = line.replace("{vex} ", "")
    return instructions.products(line) or MORE_PRODUCTS.get(line.split()[0], 0)


def spans(lines: list) -> list:
    """The loops of a function, from branches that lead back: first and last line."""
    at = {address: index for index, (address, _) in enumerate(lines)}
    found = set()
    for index, (_, text) in enumerate(lines):
        back = re.match(r"^(?:j\w+|b(?:\.\w+)?|cbn?z|tbn?z)\s.*?0x([0-9a-f]+)$", text)
        if back and at.get(int(back[1], 16), index + 1) <= index:
            found.add((at[int(back[1], 16)], index))
    return sorted(found, key=lambda span: span[1] - span[0])


def loop(lines: list, of_turn: float | None) -> tuple | None:
    """Instructions of a turn of a loop, and its products of bytes: the innermost loop with the most products, or the
    loop around it that makes `of_turn` products, in which the inner one is repeated."""
    code = [text for _, text in lines]
    made = [products(text) for text in code]
    loops = spans(lines)
    is_around = lambda outer, inner: outer != inner and outer[0] <= inner[0] and inner[1] <= outer[1]
    innermost = [span for span in loops if not any(is_around(span, other) for other in loops)]
    count = lambda span: sum(made[span[0] : span[1] + 1])
    best = max(innermost, key=count, default=None)
    if best is None or count(best) == 0:
        return None
    if of_turn in [None, count(best)]:
        return code[best[0] : best[1] + 1], count(best)
    for outer in (span for span in loops if is_around(span, best)):
        turns = (of_turn - count(outer) + count(best)) / count(best)
        if turns >= 1 and turns == int(turns):
            body = code[best[0] : best[1] + 1] * int(turns)
            return code[outer[0] : best[0]] + body + code[best[1] + 1 : outer[1] + 1], of_turn
    return None


def cycles(architecture: str, cpu: str, code: list) -> tuple:
    """Cycles of a turn of a loop when it has run for a while, and whose table of units that is."""
    command = [llvm("llvm-mca"), f"-mtriple={architecture}-unknown-linux-gnu", f"-mcpu={cpu}", "-json"]
    took = []
    for turns in [100, 300]:
        report = json.loads(output([*command, f"-iterations={turns}"], "\n".join(code) + "\n"))
        took.append(report["CodeRegions"][0]["SummaryView"]["TotalCycles"])
    units = report["TargetInfo"]["Resources"]
    table = next((name for prefix, name in TABLES.items() if units[0].startswith(prefix)), units[0])
    return (took[1] - took[0]) / 200, table


def own_loops(architecture: str):
    """Level, type, bytes of 128 weights, code and weights of a turn, for each packing."""
    found = {}
    for name, lines in functions(kernels(architecture)).items():
        kernel = KERNEL.match(name)
        if kernel and kernel[3] in PACKINGS and (PACKINGS[kernel[3]][2] is None) == (kernel[2] == "gemv"):
            found[instructions.LEVELS.get(kernel[1]), kernel[3]] = lines
    for level in LEVELS[architecture]:
        for packing, (kind, size, weights) in PACKINGS.items():
            each = instructions.products_of_a_weight(level, "gemv", packing)
            turn = loop(found.get((level, packing), []), weights and weights * each)
            if turn is None:
                sys.exit(f"trine-kernels for {architecture}: no loop for {kind} at the level `{level}`")
            yield level, kind, size, turn[0], turn[1] / each


def loops_of(level: str, engine: str, file: str):
    """The same for a library of another engine."""
    found = functions(Path(file))
    for kind, size, pattern in PEERS[engine]:
        candidates = [loop(lines, None) for name, lines in found.items() if re.search(pattern, name)]
        turn = max(filter(None, candidates), key=lambda turn: turn[1], default=None)
        if turn is None:
            sys.exit(f"{file}: no loop for {kind}, which would be in the function {pattern}")
        yield level, kind, size, *turn


def compilers(file: Path) -> str:
    """What a file says of the compilers that made it."""
    text = output([llvm("llvm-readelf"), "--string-dump=.comment", file])
    return ", ".join(sorted(set(re.findall(r"\]\s+(.+)$", text, re.M)))) or "unknown"


def architecture_of(file: str) -> str:
    """That of a library."""
    header = output([llvm("llvm-readelf"), "--file-header", file])
    found = re.search(r"Machine:\s+(.*)$", header, re.M)
    names = {"Advanced Micro Devices X86-64": "x86_64", "AArch64": "aarch64"}
    machine = found[1] if found else "no machine"
    return names.get(machine) or sys.exit(f"{file}: expected code for x86-64 or AArch64, found {machine}")


def tables(peers: list, architecture: str):
    """Prints the table of an architecture, and of what it was made."""
    cpus, rows, heads = CPUS[architecture], [], {}
    sources = {"Trine": compilers(kernels(architecture))}
    loops = [("Trine", *found) for found in own_loops(architecture)]
    for level, engine, file in peers:
        sources[f"{engine}, {Path(file).name}"] = compilers(Path(file))
        loops += [(engine, *found) for found in loops_of(level, engine, file)]
    for engine, level, kind, size, code, weights in loops:
        cells = []
        for cpu in cpus:
            took, heads[cpu] = cycles(architecture, cpu, code)
            cells.append("" if cpu in LACKING.get(level, []) else f"{took * 128 / weights:.1f}")
        row = f"| `{level}` | {engine}, {kind} | {size} | {' | '.join(cells)} |"
        rows.append((LEVELS[architecture].index(level), row))
    columns = " | ".join(f"`{cpu}` ({heads[cpu]})" for cpu in cpus)
    print(f"| level | engine, type | bytes | {columns} |\n|---|---|{'---:|' * (1 + len(cpus))}")
    for _, row in sorted(rows, key=lambda row: row[0]):
        print(row)
    print()
    for source, made_by in sources.items():
        print(f"* {source}: {made_by}")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", nargs=3, action="append", default=[], metavar=("LEVEL", "ENGINE", "FILE"),
                        help=f"{', '.join(sum(LEVELS.values(), []))}; {', '.join(PEERS)}; a library or an object")
    arguments = parser.parse_args()
    peers = {architecture: [] for architecture in CPUS}
    for level, engine, file in arguments.peer:
        if engine not in PEERS:
            parser.error(f"no engine {engine}: there are {', '.join(PEERS)}")
        if level not in LEVELS[architecture_of(file)]:
            parser.error(f"no level {level} for {file}: there are {', '.join(LEVELS[architecture_of(file)])}")
        peers[architecture_of(file)].append((level, engine, file))
    print(f"{output([llvm('llvm-mca'), '--version']).splitlines()[0].strip()}\n")
    for architecture in CPUS:
        tables(peers[architecture], architecture)


if __name__ == "__main__":
    main()
