#!/usr/bin/env bash
# Unpacks a PJRT plugin for processors (XLA's own CPU) from a Python package: plugin.sh DIR. It prints the plugin's file.
# The packages are by-products of other projects, not made for this; so versions and check sums are fixed. Linux on x86-64.
set -euo pipefail

directory=${1:?"usage: plugin.sh DIR"}
package=lammps-jax-pjrt-cpu==0.11.2
sum=1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1
file=lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so

mkdir -p "$directory"
"${PYTHON:-python3}" -m pip download --quiet --no-deps --dest "$directory" "$package"
wheel=$(ls "$directory"/lammps_jax_pjrt_cpu-*.whl)
echo "$sum  $wheel" | sha256sum --check --quiet
"${PYTHON:-python3}" -m zipfile --extract "$wheel" "$directory"
rm "$wheel"
echo "$directory/$file"
