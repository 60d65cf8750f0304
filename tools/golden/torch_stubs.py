#!/usr/bin/env python3
"""Lets the CUDA build of torch from PyPI be imported where there is no CUDA: usage: torch_stubs.py TORCH_LIB_FOLDER

The dynamic loader wants every library that torch names and every symbol version it refers to, even though a forward
pass on the CPU calls none of them. For each missing CUDA library an empty one is compiled that has these symbols.
Needs gcc and readelf. PyPI has no build of torch for the CPU alone.
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

CUDA_LIBRARY = re.compile(r"lib(cu|nv|nccl)")
UNVERSIONED_PREFIXES = {
    "libnccl": r"p?nccl",
    "libcusparseLt": r"cusparseLt",
    "libcufile": r"cuFile",
    "libcuda": r"cu[A-Z]",
}
"""Symbols without a version, by the library that defines them."""


def readelf(option, path):
    """Output of one `readelf` call."""
    return subprocess.run(["readelf", option, "-W", path], capture_output=True, text=True, check=True).stdout


def inspect(libraries):
    """Needed library names, the library of each version name, and the undefined symbols: name -> (version, kind)."""
    needed, library_of_version, undefined = set(), {}, {}
    for path in libraries:
        needed |= set(re.findall(r"NEEDED.*\[(.*)\]", readelf("-d", path)))
        library = None
        for line in readelf("-V", path).splitlines():
            if found := re.search(r"File: (\S+)", line):
                library = found.group(1)
            if (found := re.search(r"Name: (\S+)\s+Flags", line)) and library:
                library_of_version[found.group(1)] = library
        for line in readelf("--dyn-syms", path).splitlines():
            fields = line.split()
            if len(fields) >= 8 and fields[6] == "UND":
                name, *version = re.split("@+", fields[7])
                undefined[name] = (version[0] if version else "", fields[3])
    return needed, library_of_version, undefined


def compile_stub(path, symbols_by_version):
    """Compiles a library of the given name that defines the symbols as empty functions and objects."""
    source, versions = [], []
    symbols = [symbol for group in symbols_by_version.values() for symbol in group]
    for number, (name, kind) in enumerate(symbols):
        declaration = f"char object{number}[64]" if kind == "OBJECT" else f"void* function{number}(void)"
        source.append(f'extern {declaration} __asm__("{name}");')
        source.append(f"{declaration} = {{0}};" if kind == "OBJECT" else f"{declaration} {{ return 0; }}")
    for version, group in symbols_by_version.items():
        if version:
            versions.append(f"{version} {{ global: {' '.join(name + ';' for name, _ in group)} }};")
    with tempfile.TemporaryDirectory() as folder:
        code, script = Path(folder, "stub.c"), Path(folder, "stub.map")
        code.write_text("\n".join(source))
        script.write_text("\n".join(versions))
        options = [f"-Wl,--version-script={script}"] if versions else []
        command = ["gcc", "-shared", "-fPIC", *options, f"-Wl,-soname,{path.name}", "-o", str(path), str(code)]
        subprocess.run(command, check=True)


def main():
    folder = Path(sys.argv[1]).resolve()
    libraries = [path for path in folder.glob("*.so*") if not CUDA_LIBRARY.match(path.name)]
    installed = {path.name for path in folder.parents[1].glob("nvidia/**/*.so*")}
    needed, library_of_version, undefined = inspect(libraries)
    for name in sorted(name for name in needed if CUDA_LIBRARY.match(name) and name not in installed):
        prefix = UNVERSIONED_PREFIXES.get(name.split(".so")[0])
        symbols = defaultdict(list)
        for symbol, (version, kind) in undefined.items():
            if library_of_version.get(version) == name or (not version and prefix and re.match(prefix, symbol)):
                symbols[version].append((symbol, kind))
        compile_stub(folder / name, symbols)


if __name__ == "__main__":
    main()
