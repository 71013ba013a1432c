#!/usr/bin/env bash
# Installs the peers of the benchmarks into a virtual environment: install.sh [DIR], by default .peers in the repository root.
# PYTHON names the interpreter to build it from (default python3; tried with 3.11). Needs a C++ compiler and about 7 GB.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
directory=${1:-$here/../../.peers}

"${PYTHON:-python3}" -m venv "$directory"
python=$directory/bin/python
"$python" -m pip install --quiet --requirement "$here/requirements.txt"

# `lap` and `lapx` both install a module named `lap`, so lapx gets a folder of its own.
packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$python" -m pip install --quiet --no-deps --upgrade --target "$packages/peer_lapx" lapx==0.11.1

# An installation that cannot work is noticed here: everything is imported and the compiler of PyTorch used once.
"$python" -c 'import jax, lap, lapjv, mergekit, safetensors, scipy, torch; torch.compile(torch.sin)(torch.ones(2))'
PYTHONPATH=$packages/peer_lapx "$python" -c 'from lap import lapjvr'
