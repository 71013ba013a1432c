"""Reading a file of weights into memory of its own.

`safetensors` maps a file instead of reading it, so its tensors are copied: only then are they in memory, and stay what they are
when the file changes.
"""

import pathlib

import common

PACKAGES = ["safetensors", "torch"]


def add_arguments(parser):
    parser.add_argument("--file", type=pathlib.Path, required=True)
    parser.add_argument("--package", choices=PACKAGES, default="safetensors")
    parser.add_argument("--case", default="f32")
    common.add_counts(parser, runs=3)


def reader(package, path):
    import torch

    if package == "torch":
        return lambda: torch.load(path), "torch.load"
    from safetensors.torch import load_file

    return lambda: {name: tensor.clone() for name, tensor in load_file(path).items()}, "load_file, cloned"


def measure(options):
    import torch

    torch.set_num_threads(options.threads)
    read, configuration = reader(options.package, options.file)
    tensors = read()
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    del tensors
    return {
        "version": common.versions("torch", "safetensors"),
        "configuration": configuration,
        "bytes": total,
        "cases": [{"name": options.case, **common.timing(common.runs_ms(read, options.runs))}],
    }


common.run("weights", measure, add_arguments)
