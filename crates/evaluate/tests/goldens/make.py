"""Writes update_bn.json: running statistics as torch.optim.swa_utils.update_bn measures them.

Run with PyTorch installed:  python make.py > update_bn.json
Weights and examples are 32-bit numbers; the statistics are computed from them in 64 bits.
"""

import json
import sys

import torch

BATCH = 8
BATCHES = 5


def main():
    torch.manual_seed(1)
    network = torch.nn.Sequential(
        torch.nn.Linear(3, 4),
        torch.nn.BatchNorm1d(4),
        torch.nn.ReLU(),
        torch.nn.Linear(4, 5),
        torch.nn.BatchNorm1d(5),
        torch.nn.ReLU(),
        torch.nn.Linear(5, 2),
    )
    for norm in (network[1], network[4]):
        torch.nn.init.normal_(norm.weight, 1.0, 0.3)
        torch.nn.init.normal_(norm.bias, 0.0, 0.3)
    x = torch.randn(BATCH * BATCHES, 3) * torch.tensor([1.0, 3.0, 0.1]) + torch.tensor([0.0, 1.0, -2.0])
    weights = {name: parameter.detach().flatten().tolist() for name, parameter in network.named_parameters()}
    network.double()
    torch.optim.swa_utils.update_bn(x.double().split(BATCH), network)
    buffers = {
        name: buffer.tolist() for name, buffer in network.named_buffers() if "num_batches_tracked" not in name
    }
    document = {
        "torch": torch.__version__,
        "batch": BATCH,
        "weights": weights,
        "x": x.flatten().tolist(),
        "buffers": buffers,
    }
    json.dump(document, sys.stdout)
    sys.stdout.write("\n")


main()
