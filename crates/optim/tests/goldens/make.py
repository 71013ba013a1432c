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
    "adagrad:lr=0.1": (torch.optim.Adagrad, {}),
    "adagrad:lr=0.1,lr_decay=0.5,weight_decay=0.05,initial=0.01,epsilon=0.001": (
        torch.optim.Adagrad,
        {"lr_decay": 0.5, "weight_decay": 0.05, "initial_accumulator_value": 0.01, "eps": 1e-3},
    ),
    "rmsprop:lr=0.1": (torch.optim.RMSprop, {}),
    "rmsprop:lr=0.1,alpha=0.5,epsilon=0.001,momentum=0.9": (
        torch.optim.RMSprop,
        {"alpha": 0.5, "eps": 1e-3, "momentum": 0.9},
    ),
    "rmsprop:lr=0.1,centered": (torch.optim.RMSprop, {"centered": True}),
    "rmsprop:lr=0.1,alpha=0.9,momentum=0.5,centered,weight_decay=0.05": (
        torch.optim.RMSprop,
        {"alpha": 0.9, "momentum": 0.5, "centered": True, "weight_decay": 0.05},
    ),
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


def clipped(gradients, dtype, clip, bound):
    parts = [g.to(dtype).clone() for g in gradients]
    parameters = [torch.nn.Parameter(torch.zeros_like(g)) for g in parts]
    for parameter, g in zip(parameters, parts):
        parameter.grad = g
    clip(parameters, bound)
    return [parameter.grad.tolist() for parameter in parameters]


def clips(gradients):
    utils = torch.nn.utils
    cases = []
    for kind, function, bounds in [
        ("norm", utils.clip_grad_norm_, [0.5, 1e3]),
        ("value", utils.clip_grad_value_, [0.25, 1e3]),
    ]:
        for bound in bounds:
            dtypes = [("f32", torch.float32), ("f64", torch.float64)]
            found = {name: clipped(gradients, dtype, function, bound) for name, dtype in dtypes}
            cases.append({"kind": kind, "bound": bound, **found})
    return cases


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
        "clips": clips(gradients),
    }
    json.dump(document, sys.stdout)
    sys.stdout.write("\n")


main()
