#!/usr/bin/env python3
"""Measures what types add to `cargo check`: 100 functions on typed tensors against the same 100 on slices.

    python3 tools/compile_time/measure.py

Writes three crates below target/compile_time: on slices, on tensors of any model, and on tensors of one static model.
Checks each of them several times, in turn and without incremental compilation, and prints medians. Fails where types
add half a second or more.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "target" / "compile_time"
FUNCTIONS = 100
ROUNDS = 7
MOST_SECONDS = 0.5

SLICES = """
pub fn block_{i}(cpu: &Cpu, x: &mut [f32], (gain, epsilon): (&[f32], f32), query: &Matrix, output: &Matrix) {{
    let normed = ActivationRows::new(query.cols(), slices::rms_norm(cpu, x, gain, epsilon));
    let heads = ActivationRows::new(output.cols(), cpu.products(&normed, query));
    let y = cpu.products(&heads, output);
    slices::add_assign(cpu, x, &y);
}}
"""

TYPED = """
pub fn block_{i}<T: Step{generic}>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<{model}>)>,
    norm: &RmsNorm<AttnNorm, Hidden<{model}>>,
    query: &Weight<Matrix, QWidth<{model}>, Normed<AttnNorm, Hidden<{model}>>>,
    output: &Weight<Matrix, Branch<Hidden<{model}>>, QWidth<{model}>>,
) -> Tensor<f32, (T, Hidden<{model}>)> {{
    let (normed, residual) = cpu.pre_norm(x, norm);
    let heads = cpu.linear(&Activations::new(normed), query).split();
    let merged: Tensor<f32, (T, QWidth<{model}>)> = heads.merge();
    cpu.add_branch(residual, cpu.linear(&Activations::new(merged), output))
}}
"""

IMPORT_SLICES = "use trine_kernels::{ActivationRows, Machine as Cpu, Matrix, slices};\n"
IMPORT_TYPED = (
    "use trine_kernels::Matrix;\nuse trine_ops::{Activations, Cpu, RmsNorm, Weight};\nuse trine_shapes::*;\n"
)

CRATES = {
    "slices": IMPORT_SLICES + "".join(SLICES.format(i=i) for i in range(FUNCTIONS)),
    "any_model": IMPORT_TYPED + "".join(TYPED.format(i=i, model="M", generic=", M: Model") for i in range(FUNCTIONS)),
    "static_model": IMPORT_TYPED
    + "".join(TYPED.format(i=i, model="Bitnet2B4T", generic="") for i in range(FUNCTIONS)),
}

WORKSPACE = """[workspace]
resolver = "3"
members = ["slices", "any_model", "static_model"]

[profile.dev]
incremental = false
"""

MANIFEST = """[package]
name = "{name}"
version = "0.0.0"
edition = "2024"

[dependencies]
trine-kernels = {{ path = "{root}/kernels" }}
trine-ops = {{ path = "{root}/ops" }}
trine-shapes = {{ path = "{root}/shapes" }}
"""


def write_crates() -> None:
    """Writes the three crates, with the dependencies that the repository has locked."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "Cargo.toml").write_text(WORKSPACE)
    shutil.copy(ROOT / "Cargo.lock", FOLDER / "Cargo.lock")
    for name, code in CRATES.items():
        (FOLDER / name / "src").mkdir(parents=True, exist_ok=True)
        (FOLDER / name / "Cargo.toml").write_text(MANIFEST.format(name=name, root=ROOT))
        (FOLDER / name / "src" / "lib.rs").write_text(code)


def check(name: str) -> tuple[float, float]:
    """Checks one crate anew; seconds on the clock, and of all processors."""
    os.utime(FOLDER / name / "src" / "lib.rs")
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = ["cargo", "check", "--quiet", "-p", name, "--target-dir", str(FOLDER / "target")]
    subprocess.run(command, cwd=FOLDER, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, cpu


def main() -> None:
    write_crates()
    for name in CRATES:
        check(name)
    seconds = {name: [] for name in CRATES}
    for _ in range(ROUNDS):
        for name in CRATES:
            seconds[name].append(check(name))
    medians = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in seconds.items()}
    clock, cpu = medians["slices"]
    print("| 100 functions | `cargo check`, s | processor, s | more than slices |\n|---|---:|---:|---:|")
    for name, (its_clock, its_cpu) in medians.items():
        more = f"{its_clock - clock:+.2f} s (processor {its_cpu - cpu:+.2f} s)"
        print(f"| {name} | {its_clock:.2f} | {its_cpu:.2f} | {more} |")
    if any(its_clock - clock >= MOST_SECONDS for its_clock, _ in medians.values()):
        sys.exit(f"types add {MOST_SECONDS} s or more")


if __name__ == "__main__":
    main()
