#!/usr/bin/env python3
"""Compares the speed of Trine with that of llama.cpp on the same file, in turns, and prints the ratio.

llama.cpp comes from npm: `@node-llama-cpp/linux-x64` has its libraries for every x86-64 machine, `node-llama-cpp` its
headers. The files are models of random weights with the dimensions of BitNet b1.58 2B4T that `trine synth` writes, in
the architecture `bitnet`, which is the one of them that llama.cpp knows. Needs npm, git and gcc; 50 MB are fetched, and
0.8 GB are written for each type of weights.

    cargo build --release
    python3 tools/bench_llama_cpp.py --folder /tmp/llama_bench --weights tq2_0 --threads 1,2

`--isa` has both engines use no more than some instructions; llama.cpp then gets its library for these alone.
"""

import argparse
import json
import shlex
import statistics
import subprocess
from pathlib import Path

VERSION = "3.22.1"
# Instruction sets of Trine that both engines have, and llama.cpp's libraries that are compiled for the same or the nearest.
LIBRARIES = {"portable": "x64", "avx2": "haswell", "avxvnni": "alderlake", "avx512vnni": "zen4"}
HERE = Path(__file__).resolve().parent


def build(folder):
    """Fetches llama.cpp's libraries and headers, builds bench_llama_cpp.c; the program and the libraries' folder."""
    libraries, source, program = folder / "linux-x64", folder / "source", folder / "bench_llama_cpp"

    def run(*command):
        subprocess.run(list(map(str, command)), cwd=folder, check=True, stdout=subprocess.DEVNULL)

    if not libraries.exists():
        run("npm", "pack", "--silent", f"@node-llama-cpp/linux-x64@{VERSION}")
        run("tar", "-xzf", f"node-llama-cpp-linux-x64-{VERSION}.tgz", "--strip-components=2", "package/bins/linux-x64")
    if not source.exists():
        run("npm", "pack", "--silent", f"node-llama-cpp@{VERSION}")
        bundle = "package/llama/gitRelease.bundle"
        run("tar", "-xzf", f"node-llama-cpp-{VERSION}.tgz", "--strip-components=2", bundle)
        run("git", "clone", "--quiet", "gitRelease.bundle", "source")
    llama, ggml = next(libraries.glob("libllama.v*.so")), next(libraries.glob("libggml.v*.so"))
    include = [f"-I{source / 'include'}", f"-I{source / 'ggml' / 'include'}"]
    link = [f"-L{libraries}", f"-l:{llama.name}", f"-l:{ggml.name}", "-l:libggml-base.so", f"-Wl,-rpath,{libraries}"]
    run("gcc", "-O2", "-Wall", "-Wextra", "-o", program, HERE / "bench_llama_cpp.c", *include, *link)
    return program, libraries


def alone(folder, libraries, isa):
    """A folder with no CPU library but that for `isa`."""
    only = folder / f"linux-x64-{isa}"
    only.mkdir(exist_ok=True)
    for library in [libraries / "libggml-base.so", libraries / f"libggml-cpu-{LIBRARIES[isa]}.so"]:
        if not library.exists():
            raise SystemExit(f"{library} is not there")
        if not (only / library.name).exists():
            (only / library.name).symlink_to(library)
    return only


class Engines:
    """Both programs, with a command before each, such as `taskset -c 0,1`."""

    def __init__(self, trine, program, libraries, prefix, isa):
        self.trine, self.program, self.libraries, self.prefix = trine, program, libraries, prefix
        self.isa = ["--isa", isa] if isa else []

    def run(self, *command):
        """Standard output."""
        return subprocess.run([*self.prefix, *map(str, command)], check=True, stdout=subprocess.PIPE, text=True).stdout

    def of_llama_cpp(self, model, threads, kind, tokens):
        """Tokens in a second."""
        return tokens / float(self.run(self.program, self.libraries, model, threads, kind, tokens))

    def of_trine(self, model, threads, kind, tokens):
        """Tokens in a second, and the fraction of the machine's limit measured in the same run."""
        prompt, decode = (tokens, 0) if kind == "prompt" else (0, tokens)
        options = ["--threads", threads, "--prompt", prompt, "--decode", decode, "-r", 1, "--json", *self.isa]
        report = json.loads(self.run(self.trine, "bench", model, *options))
        test = report["prompt"][0] if kind == "prompt" else report["decode"]
        return test["tokens_per_s"], test["of_limit"]


def numbers(text):
    return [int(number) for number in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="for llama.cpp and the models; kept for another run")
    parser.add_argument("--trine", type=Path, default=HERE.parent / "target/release/trine")
    parser.add_argument("--like", default="2b4t", help="dimensions of the models")
    parser.add_argument("--weights", default="tq2_0,tq1_0", help="types, each of which is a model")
    parser.add_argument("--head", default="q6_k", help="type of the embedding, which is also the head")
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--prompt", type=numbers, default=[128, 512])
    parser.add_argument("--decode", type=numbers, default=[64])
    parser.add_argument("--repetitions", type=int, default=3, help="runs of each engine, in turns")
    parser.add_argument("--isa", choices=LIBRARIES, help="instructions that both use; the machine's best by default")
    parser.add_argument("--prefix", type=shlex.split, default=[], help="a command that starts each run")
    arguments = parser.parse_args()

    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    program, libraries = build(folder)
    if arguments.isa:
        libraries = alone(folder, libraries, arguments.isa)
    engines = Engines(arguments.trine.resolve(), program, libraries, arguments.prefix, arguments.isa)
    tests = [("prompt", tokens) for tokens in arguments.prompt] + [("decode", tokens) for tokens in arguments.decode]
    print("| weights | threads | test | llama.cpp, tokens/s | Trine, tokens/s | ratio | Trine, of the limit |")
    print("|---|---|---|---|---|---|---|")
    for weights in arguments.weights.split(","):
        model = folder / f"{arguments.like}-{weights}-{arguments.head}.gguf"
        if not model.exists():
            options = ["--matrices", weights, "--table", arguments.head, "--architecture", "bitnet"]
            engines.run(engines.trine, "synth", model, "--like", arguments.like, *options)
        for threads in arguments.threads:
            for kind, tokens in tests:
                turns = range(arguments.repetitions)
                runs = [(engines.of_llama_cpp(model, threads, kind, tokens),
                         *engines.of_trine(model, threads, kind, tokens)) for _ in turns]
                peer, ours, fraction = (statistics.median(values) for values in zip(*runs))
                print(f"| {weights} | {threads} | {kind} {tokens} | {peer:.1f} | {ours:.1f} | {ours / peer:.2f} "
                      f"| {100 * fraction:.0f} % |", flush=True)


if __name__ == "__main__":
    main()
