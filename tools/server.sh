#!/usr/bin/env bash
# Asks the server with the packages that programs use, each in a version that is known to work, and with requests made of
# its own description. What is not to be had is said and left out. The program has to be built: that of
# `cargo run --release`, or else that of the tests.
#
#   tools/server.sh             within minutes
#   tools/server.sh --long      ten minutes of requests made of the description, 10,000 of clients that leave, and aiperf
set -euo pipefail
cd "$(dirname "$0")/.."

long=no
[ "${1:-}" != --long ] || long=yes
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step() { printf '\n-- %s (%s s)\n' "$*" "$SECONDS"; }
skipped() { echo "SKIPPED: $*"; }

program=
for candidate in target/release/trine target/debug/trine; do
    if [ -z "$program" ] && [ -x "$candidate" ]; then program=$candidate; fi
done
[ -n "$program" ] || { skipped "no program: \`cargo run --release\` builds it"; exit 0; }

python=
for candidate in python3.11 python3.12 python3.13 python3.10 python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        python=$(command -v "$candidate")
        break
    fi
done
[ -n "$python" ] || { skipped "no Python from 3.10 on that can make environments"; exit 0; }

# with NAME PACKAGE...: an environment of these packages, or false.
with() {
    "$python" -m venv "$work/$1" && "$work/$1/bin/pip" -q install --disable-pip-version-check "${@:2}" && return
    skipped "${*:2}: PyPI is not to be had"
    return 1
}

step "Clients that leave, connections that are slow, the end of a server"
requests=300
[ "$long" = no ] || requests=10000
"$python" tools/server/faults.py "$program" "$requests"

step "A disk that is full"
"$python" tools/server/disk.py "$program"

step "What is counted, as Prometheus reads it"
"$python" tools/server/metrics.py "$program"

step "What HTTP costs"
if [ "$program" = target/release/trine ]; then
    "$python" tools/server/http_cost.py "$program" 2
else
    skipped "the program of the tests is not optimized"
fi

step "The package of OpenAI's API"
if with openai openai==3.57.0; then
    "$work/openai/bin/python" tools/server/conformance.py "$program"
fi

step "The package of npm"
if ! command -v npm >/dev/null; then
    skipped "npm is not installed"
elif npm install --silent --no-audit --no-fund --prefix "$work/node" openai@6.49.0; then
    "$python" tools/server/node.py "$program" "$work/node"
else
    skipped "npm's registry is not to be had"
fi

# Some of them want an older package of OpenAI's.
step "Other packages, and packages of other APIs"
if with clients openai==3.3.0 anthropic==2.14.0 ollama==0.6.3 langchain-openai==1.7.4 langchain-core==1.8.3 \
    instructor==1.17.0 litellm==1.110.2 jsonschema==4.26.0 pydantic==2.14.4; then
    "$work/clients/bin/python" tools/server/clients.py "$program"
fi

step "Requests made of the description"
seconds=45
[ "$long" = no ] || seconds=600
if with described schemathesis==4.32.0; then
    "$work/described/bin/python" tools/server/described.py "$program" "$seconds"
fi

step "The web page, as a person uses it"
browser=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$browser" ]; then
    skipped "chromium is not installed"
elif with page playwright==1.65.2 axe-playwright-python==0.1.8; then
    "$work/page/bin/python" tools/server/page.py "$program" "$browser"
fi

step "Load"
if [ "$long" = no ]; then
    skipped "aiperf, which takes more than a gigabyte: --long has it"
elif with load aiperf==0.13.0; then
    "$work/load/bin/python" tools/server/load.py "$program"
fi

step "Done"
