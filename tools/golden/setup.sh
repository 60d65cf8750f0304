#!/usr/bin/env bash
# Installs the engines that make the golden data: HF transformers and MLX on the CPU, the gguf package, and llama.cpp.
#   usage: setup.sh FOLDER     (about 2 GB; needs python3, npm, git, gcc and readelf; PyPI and npm only)
# pip complains that packages for CUDA are missing: torch_stubs.py stands in for them.
# Afterwards: FOLDER/venv/bin/python runs the scripts, FOLDER/llama_oracle is the program built from llama_oracle.c.
set -euo pipefail

folder=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
llama_version=3.22.1

python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check)
"${pip[@]}" --no-deps torch==2.15.0 nvidia-cuda-runtime==13.2.86 nvidia-cuda-cupti==13.2.86 accelerate==1.15.0
"${pip[@]}" numpy==2.4.6 scipy==1.17.1 gguf==0.19.0 safetensors==0.8.0 tokenizers==0.23.3 transformers==5.23.0 \
    filelock typing-extensions sympy networkx jinja2 fsspec psutil setuptools mlx==0.32.4 mlx-cpu==0.32.4
"${pip[@]}" --no-deps mlx-lm==0.32.2 peft==0.21.2
"$folder/venv/bin/python" "$here/torch_stubs.py" "$folder"/venv/lib/python3*/site-packages/torch/lib

mkdir -p "$folder/llama"
cd "$folder/llama"
npm pack --silent "@node-llama-cpp/linux-x64@$llama_version" "node-llama-cpp@$llama_version" >/dev/null
tar -xzf "node-llama-cpp-linux-x64-$llama_version.tgz" --strip-components=2 package/bins/linux-x64
tar -xzf "node-llama-cpp-$llama_version.tgz" --strip-components=2 package/llama/gitRelease.bundle
rm -rf source && git clone --quiet gitRelease.bundle source 2>/dev/null

libraries=$folder/llama/linux-x64
llama=$(basename "$(ls "$libraries"/libllama.v*.so)")
ggml=$(basename "$(ls "$libraries"/libggml.v*.so)")
gcc -O2 -Wall -Wextra -o "$folder/llama_oracle" "$here/llama_oracle.c" \
    -Isource/include -Isource/ggml/include -L"$libraries" -l:"$llama" -l:"$ggml" -l:libggml-base.so \
    -Wl,-rpath,"$libraries" -DGGML_CPU_LIBRARY="\"$libraries/libggml-cpu-haswell.so\""
