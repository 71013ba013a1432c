"""Makes the files beside it: state dictionaries as PyTorch, safetensors and numpy write them.

Run with a Python that has these packages; `versions.txt` says with which version the committed files were made. The tests know the
numbers: element i of tensor number t of a file is (i * 7 + t * 3) % 11 - 5, halved, which every float type holds exactly.
"""

import json
import os
import platform
from collections import OrderedDict
from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent


def tensor(t, shape, dtype=torch.float32):
    count = 1
    for size in shape:
        count *= size
    numbers = [((i * 7 + t * 3) % 11 - 5) / 2 for i in range(count)]
    if not dtype.is_floating_point:
        numbers = [int(2 * number) for number in numbers]
    return torch.tensor(numbers).reshape(shape).to(dtype)


def state(prefix=""):
    """Not in the order of the names, and with a counter."""
    return OrderedDict(
        [
            (prefix + "fc.weight", tensor(0, [3, 4])),
            (prefix + "fc.bias", tensor(1, [3])),
            (prefix + "bn.running_mean", tensor(2, [4])),
            (prefix + "bn.num_batches_tracked", torch.tensor(5)),
            (prefix + "layers.10.weight", tensor(3, [2])),
            (prefix + "layers.9.weight", tensor(4, [2])),
        ]
    )


class Malicious:
    """Would make a file when it is loaded by a reader that runs what it reads."""

    def __reduce__(self):
        return os.system, ("touch isoloss-was-here",)


def odd():
    whole = tensor(0, [4, 6])
    return OrderedDict(
        [
            ("transposed", whole.t()),
            ("sliced", whole[1:3, ::2]),
            ("expanded", tensor(1, [3, 1]).expand(3, 4)),
            ("shared", whole),
            ("tied", whole),
            ("f16", tensor(2, [5], torch.float16)),
            ("bf16", tensor(3, [5], torch.bfloat16)),
            ("f64", tensor(4, [5], torch.float64)),
            ("i32", tensor(5, [5], torch.int32)),
            ("u8", torch.tensor([0, 200], dtype=torch.uint8)),
            ("bool", torch.tensor([True, False, True])),
            ("scalar", torch.tensor(1.5)),
            ("empty", torch.zeros(0, 3)),
        ]
    )


def save(name, value, **options):
    torch.save(value, HERE / name, **options)


torch.manual_seed(0)
save("state.pt", state())
save("legacy.pth", state(), _use_new_zipfile_serialization=False)
save("nested.ckpt", {"epoch": 3, "state_dict": state("model."), "optimizer": {"state": {0: {"momentum": tensor(9, [2])}}}})
save("wrapped.bin", state("_orig_mod.module."))
save("parallel.pt", state("module."))
save("flat.pt", state("model."))
save("odd.pt", odd())
save("malicious.pt", {"state_dict": state(), "other": Malicious()})
save("complex.pt", {"a": torch.zeros(2, dtype=torch.complex64)})
save("list.pt", [torch.zeros(2)])
hub = HERE / "hub"
hub.mkdir(exist_ok=True)
names = list(state())
files = {name: f"pytorch_model-0000{1 + (i >= 3)}-of-00002.bin" for i, name in enumerate(names)}
for file in set(files.values()):
    torch.save({name: value for name, value in state().items() if files[name] == file}, hub / file)
index = {"metadata": {"total_size": 108}, "weight_map": files}
(hub / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")
dense = {name: value.contiguous().clone() for name, value in odd().items()}
save_file(dense, HERE / "library.safetensors", metadata={"format": "pt"})
arrays = {name.replace("16", "/16"): value.numpy() for name, value in dense.items() if value.dtype != torch.bfloat16}
np.savez(HERE / "stored.npz", **arrays)
np.savez_compressed(HERE / "deflated.npz", **arrays)
np.save(HERE / "fortran.npy", np.asfortranarray(tensor(0, [4, 6]).numpy()))
(HERE / "versions.txt").write_text(
    f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}, "
    f"safetensors {safetensors.__version__}\n"
)
