#!/usr/bin/env bash
# Builds the Python package and tests what a user gets: installs the wheel into a clean environment, then pytest with the
# examples of the documentation, types, and what package indices look at. What is not to be had is said and left out.
# Packages have versions that are known to work. Tests that compare with the command take the one that
# `cargo run --release` has built, or else that of the tests.
#
#   tools/python.sh             within minutes
#   tools/python.sh --release   the source archive too, which compiles everything a second time, lm-eval, and a cluster of
#                               Ray whose parts are killed
set -euo pipefail
cd "$(dirname "$0")/.."

release=no
[ "${1:-}" != --release ] || release=yes
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1

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
[ -n "$python" ] || { skipped "the Python package: no Python from 3.10 on that can make environments"; exit 0; }

step "Tools"
"$python" -m venv "$work/tools"
"$work/tools/bin/pip" -q install maturin==1.16.0 || { skipped "the Python package: PyPI is not to be had"; exit 0; }

step "Formatting"
(cd python && cargo fmt --check)

step "Wheel"
(cd python && "$work/tools/bin/maturin" build --locked --release --interpreter "$python" --out "$work/dist")
wheel=$(ls "$work"/dist/*.whl)

step "Tests, with the wheel in a clean environment"
"$python" -m venv "$work/clean"
"$work/clean/bin/pip" -q install numpy pytest==9.2.0 pytest-asyncio==1.5.0 mypy==2.4.1 typing_extensions==4.16.0 \
    || { skipped "the tests of the Python package: numpy, pytest and mypy are not to be had"; exit 0; }
"$work/clean/bin/pip" -q install "$wheel"
"$work/clean/bin/pip" -q install 'matplotlib>=3.8' 'xarray>=2024.1' \
    || skipped "matplotlib and xarray: pictures and arrays of theirs"
[ "$release" = no ] || "$work/clean/bin/pip" -q install 'lm-eval[api]==0.4.13' || skipped "lm-eval"
package=$("$work/clean/bin/python" -c 'import os, trine; print(os.path.dirname(trine.__file__))')
(cd python/tests && "$work/clean/bin/python" -m pytest -q -c ../pyproject.toml --rootdir=. -p no:cacheprovider -rs .)
"$work/clean/bin/python" -m pytest -q -p no:cacheprovider --doctest-modules --doctest-glob='*.md' \
    --ignore="$package/lm_eval.py" -o doctest_optionflags=ELLIPSIS "$package" "$root/docs/python.md"

step "Types"
(cd "$work" && "$work/clean/bin/python" -m mypy --strict --no-incremental -p trine --exclude lm_eval)
(cd "$work" && "$work/clean/bin/stubtest" trine._trine)

step "What package indices look at"
if "$work/tools/bin/pip" -q install auditwheel==6.8.2 abi3audit==0.0.26 twine==7.0.0; then
    "$work/tools/bin/auditwheel" show "$wheel"
    "$work/tools/bin/abi3audit" --strict --summary "$wheel"
    "$work/tools/bin/twine" check "$work"/dist/*
else
    skipped "auditwheel, abi3audit, twine"
fi

step "Other interpreters"
for other in python3.10 python3.12 python3.13 python3.14; do
    if "$other" -m venv "$work/$other" 2>/dev/null && "$work/$other/bin/pip" -q install "$wheel" 2>/dev/null; then
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

step "Licences, versions and sources of the crates that are used"
deny=$(command -v cargo-deny || echo "$root/target/deny/bin/cargo-deny")
if [ -x "$deny" ]; then
    "$deny" --manifest-path python/Cargo.toml check --hide-inclusion-graph licenses bans sources
else
    skipped "no cargo-deny: tools/deny.sh fetches it"
fi

step "Lints"
(cd python && PYO3_PYTHON=$python cargo clippy --locked --release --quiet -- -D warnings)

if [ "$release" = no ]; then
    skipped "the source archive, lm-eval and Ray: --release has them"
else
    step "Source archive"
    (cd python && "$work/tools/bin/maturin" sdist --out "$work/dist")
    "$python" -m venv "$work/from-source"
    "$work/from-source/bin/pip" -q install "$work"/dist/*.tar.gz
    "$work/from-source/bin/python" -c 'import trine; print(trine.check().loads)'
    ! "$work/tools/bin/twine" --version >/dev/null 2>&1 || "$work/tools/bin/twine" check "$work"/dist/*.tar.gz

    step "A cluster of Ray whose parts are killed"
    "$python" -m venv "$work/ray"
    if "$work/ray/bin/pip" -q install 'ray[data]==2.60.0' "$wheel"; then
        "$work/ray/bin/python" tools/python/ray_kills.py --rounds 20
    else
        skipped "Ray"
    fi
fi

step "Done"
