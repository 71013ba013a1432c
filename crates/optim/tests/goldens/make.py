"""Writes torch.json: what torch.optim makes of fixed parameters and gradients.

Run with PyTorch installed:  python make.py > torch.json
Decimals are Python's shortest round-trip form, so they name the very floating-point numbers.
"""

import json
import sys

import torch

STEPS = 5
RATES = [0.1, 0.1, 0.05, 0.02, 0.02]
CASES = {
    "sgd:lr=0.1": (torch.optim.SGD, {}),
    "sgd:lr=0.1,momentum=0.9": (torch.optim.SGD, {"momentum": 0.9}),
    "sgd:lr=0.1,momentum=0.9,nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "sgd:lr=0.1,weight_decay=0.05": (torch.optim.SGD, {"weight_decay": 0.05}),
    "sgd:lr=0.1,momentum=0.9,nesterov,weight_decay=0.05": (
        torch.optim.SGD,
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.05},
    ),
    "adam:lr=0.1": (torch.optim.Adam, {}),
    "adam:lr=0.1,beta1=0.5,beta2=0.9,epsilon=0.001": (torch.optim.Adam, {"betas": (0.5, 0.9), "eps": 1e-3}),
    "adam:lr=0.1,weight_decay=0.05": (torch.optim.Adam, {"weight_decay": 0.05}),
    "adamw:lr=0.1": (torch.optim.AdamW, {}),
    "adamw:lr=0.1,weight_decay=0.2": (torch.optim.AdamW, {"weight_decay": 0.2}),
}


def examples():
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(8, generator=generator)
    # Gradients of very different size, and one that is exactly zero.
    scale = torch.tensor([1.0, 1e-1, 1e-2, 1e-4, 1e-6, 1e-8, 10.0, 0.0])
    return start, torch.randn(STEPS, 8, generator=generator) * scale


def run(make, options, dtype):
    start, gradients = (tensor.to(dtype) for tensor in examples())
    parameter = torch.nn.Parameter(start)
    optimizer = make([parameter], lr=RATES[0], **options)
    after = []
    for rate, gradient in zip(RATES, gradients):
        optimizer.param_groups[0]["lr"] = rate
        parameter.grad = gradient.clone()
        optimizer.step()
        after.append(parameter.detach().tolist())
    return after


def main():
    start, gradients = examples()
    cases = [
        {"optimizer": text, "f32": run(make, options, torch.float32), "f64": run(make, options, torch.float64)}
        for text, (make, options) in CASES.items()
    ]
    document = {
        "torch": torch.__version__,
        "rates": RATES,
        "start": start.tolist(),
        "gradients": gradients.tolist(),
        "cases": cases,
    }
    json.dump(document, sys.stdout)
    sys.stdout.write("\n")


main()
