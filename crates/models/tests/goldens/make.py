"""Makes the files of this folder: networks of each activation and normalisation as PyTorch computes them.

Made with Python 3.11, torch 2.15.0 (CPU build of the arithmetic: float64), safetensors 0.8.0, numpy 2.4.6:

    python make.py

Each file holds the f32 parameters under their `nn.Sequential` names, the f32 input `x`, the labels as f32, and
PyTorch's results computed in float64 from these: `logits`, `losses` of both kinds, their means, and the gradients
of the mean cross-entropy by parameter. The metadata names the model.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
SIZES = [5, 7, 6, 4]
BATCH = 9


def network(activation: str, norm: str, bias: bool) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer, (inputs, outputs) in enumerate(zip(SIZES, SIZES[1:])):
        modules.append(nn.Linear(inputs, outputs, bias=bias))
        if layer + 2 < len(SIZES):
            if norm == "layer":
                modules.append(nn.LayerNorm(outputs, bias=bias))
            modules.append(ACTIVATIONS[activation]())
    return nn.Sequential(*modules)


def results(net: nn.Sequential, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    logits = net(x)
    cross_entropy = nn.functional.cross_entropy(logits, labels, reduction="none")
    onehot = nn.functional.one_hot(labels, SIZES[-1])
    squared_error = (logits - onehot).square().sum(1)
    names, parameters = zip(*net.named_parameters())
    gradients = torch.autograd.grad(cross_entropy.mean(), parameters)
    return {
        "logits": logits,
        "losses.cross-entropy": cross_entropy,
        "losses.squared-error": squared_error,
        "loss.cross-entropy": cross_entropy.mean(),
        "loss.squared-error": squared_error.mean(),
    } | {f"gradient.{name}": gradient for name, gradient in zip(names, gradients)}


def spec(activation: str, norm: str, bias: bool) -> str:
    return f"mlp:{'-'.join(map(str, SIZES))},act={activation},norm={norm},bias={'on' if bias else 'off'}"


def make(activation: str, norm: str, bias: bool) -> None:
    torch.manual_seed(0)
    net = network(activation, norm, bias).double()
    with torch.no_grad():
        for parameter in net.parameters():
            # Larger than the defaults, so that activations saturate, and gains are not 1; exact in f32.
            parameter.copy_(torch.randn_like(parameter).float())
    x = torch.randn(BATCH, SIZES[0]).double()
    labels = torch.arange(BATCH) % SIZES[-1]
    tensors = {f"parameter.{name}": parameter for name, parameter in net.named_parameters()}
    tensors |= {"x": x, "labels": labels} | results(net, x, labels)
    tensors = {name: tensor.detach().float().contiguous() for name, tensor in tensors.items()}
    name = "-".join([activation, norm, "bias" if bias else "nobias"])
    folder = Path(__file__).parent
    save_file(tensors, folder / f"{name}.safetensors", {"isoloss.model": spec(activation, norm, bias)})


if __name__ == "__main__":
    for activation in ACTIVATIONS:
        for norm, bias in [("none", True), ("layer", True), ("layer", False)]:
            make(activation, norm, bias)
