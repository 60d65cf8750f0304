#!/usr/bin/env bash
# Builds the Python package, wheel and source archive, and tests what a user gets: installs both into clean
# environments, then pytest with the examples of the documentation, types, and what package indices look at.
# What is not to be had is said and left out.
#
#   tools/python.sh             all but what follows
#   tools/python.sh --release   the source archive too, which compiles everything a second time, and lm-eval
set -euo pipefail
cd "$(dirname "$0")/.."

release=no
[ "${1:-}" != --release ] || release=yes
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step() { printf '\n-- %s (%s s)\n' "$*" "$SECONDS"; }
skipped() { echo "SKIPPED: $*"; }

# An interpreter that can make environments and has headers or needs none.
python=
for candidate in python3.11 python3.12 python3.13 python3.10 python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        python=$(command -v "$candidate")
        break
    fi
done
[ -n "$python" ] || { skipped "no Python from 3.10 on that can make environments"; exit 0; }

step "Tools"
"$python" -m venv "$work/tools"
"$work/tools/bin/pip" -q install --disable-pip-version-check 'maturin>=1.16,<2' || { skipped "PyPI is not to be had"; exit 0; }

step "Formatting and lints"
(cd python && cargo fmt --check)
(cd python && PYO3_PYTHON=$python cargo clippy --locked --release --quiet -- -D warnings)

step "Licences, versions and sources of the crates that are used"
deny=$(command -v cargo-deny || echo "$root/target/deny/bin/cargo-deny")
if [ -x "$deny" ]; then
    "$deny" --manifest-path python/Cargo.toml check --hide-inclusion-graph licenses bans sources
else
    skipped "no cargo-deny: tools/deny.sh fetches it"
fi

step "Wheel"
(cd python && "$work/tools/bin/maturin" build --locked --release --interpreter "$python" --out "$work/dist")
wheel=$(ls "$work"/dist/*.whl)

step "Tests, with the wheel in a clean environment"
"$python" -m venv "$work/clean"
"$work/clean/bin/pip" -q install --disable-pip-version-check "$wheel"
"$work/clean/bin/pip" -q install --disable-pip-version-check 'pytest>=8' 'pytest-asyncio>=0.24' \
    'mypy>=1.11' typing_extensions
"$work/clean/bin/pip" -q install --disable-pip-version-check matplotlib xarray \
    || skipped "matplotlib and xarray: pictures and arrays of theirs"
[ "$release" = no ] || "$work/clean/bin/pip" -q install --disable-pip-version-check 'lm-eval[api]>=0.4.13' \
    || skipped "lm-eval"
package=$("$work/clean/bin/python" -c 'import os, trine; print(os.path.dirname(trine.__file__))')
(cd python/tests && "$work/clean/bin/python" -m pytest -q -c ../pyproject.toml --rootdir=. -p no:cacheprovider .)
"$work/clean/bin/python" -m pytest -q -p no:cacheprovider --doctest-modules --doctest-glob='*.md' \
    --ignore="$package/lm_eval.py" -o doctest_optionflags=ELLIPSIS "$package" "$root/docs/python.md"

step "Types"
(cd "$work" && "$work/clean/bin/python" -m mypy --strict --no-incremental -p trine --exclude lm_eval)
(cd "$work" && "$work/clean/bin/stubtest" trine._trine)

step "What package indices look at"
if "$work/tools/bin/pip" -q install --disable-pip-version-check auditwheel abi3audit twine 2>/dev/null; then
    "$work/tools/bin/auditwheel" show "$wheel"
    "$work/tools/bin/abi3audit" --strict --summary "$wheel"
    "$work/tools/bin/twine" check "$work"/dist/*
else
    skipped "auditwheel, abi3audit, twine"
fi

step "Other interpreters"
for other in python3.10 python3.12 python3.13 python3.14; do
    if "$other" -m venv "$work/$other" 2>/dev/null &&
        "$work/$other/bin/pip" -q install --disable-pip-version-check "$wheel" 2>/dev/null; then
        "$work/$other/bin/python" -c 'import sys, trine
text = "".join(trine.embedded().generate("Once upon a time", max_tokens=12, temperature=0))
print(sys.version.split()[0], repr(text))'
    else
        skipped "$other"
    fi
done

step "Other processors: the same wheel and the same text"
if command -v qemu-x86_64-static >/dev/null && [ "$(uname -m)" = x86_64 ]; then
    for processor in Nehalem Haswell; do
        qemu-x86_64-static -cpu "$processor" "$work/clean/bin/python" -c 'import trine
text = "".join(trine.embedded(threads=1).generate("Once upon a time", max_tokens=12, temperature=0))
print(repr(text))
assert text == ", there was a little girl named Lily. She loved to"'
    done
else
    skipped "qemu-x86_64-static is not installed: tools/cpus/install.sh does it"
fi

if [ "$release" = no ]; then
    skipped "the source archive, and lm-eval: --release has them"
else
    step "Source archive"
    (cd python && "$work/tools/bin/maturin" sdist --out "$work/dist")
    "$python" -m venv "$work/from-source"
    "$work/from-source/bin/pip" -q install --disable-pip-version-check "$work"/dist/*.tar.gz
    "$work/from-source/bin/python" -c 'import trine; print(trine.check().loads)'
    ! "$work/tools/bin/twine" --version >/dev/null 2>&1 || "$work/tools/bin/twine" check "$work"/dist/*.tar.gz
fi

step "Done"
