"""Writes composites.txt: what PyTorch makes of fixed numbers, in f64.

Run with PyTorch installed:  python composites.py > composites.txt
Each line is a name and numbers, row-major. Decimals are Python's shortest round-trip form.
"""

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def show(name, tensor):
    print(name, *tensor.flatten().tolist())


print(f"# PyTorch {torch.__version__}")
generator = torch.Generator().manual_seed(1)
x = 2 * torch.randn(3, 4, generator=generator)
w, bias = torch.randn(2, 4, generator=generator), torch.randn(2, generator=generator)
gain, shift = torch.randn(4, generator=generator), torch.randn(4, generator=generator)
labels = torch.tensor([2, 0, 3])

for name, tensor in [("x", x), ("w", w), ("bias", bias), ("gain", gain), ("shift", shift)]:
    show(name, tensor)
show("linear", F.linear(x, w, bias))
show("relu", F.relu(x))
show("leaky_relu", F.leaky_relu(x))
show("gelu", F.gelu(x))
show("gelu_tanh", F.gelu(x, approximate="tanh"))
show("layer_norm", torch.nn.LayerNorm(4, elementwise_affine=False)(x))
show("layer_norm_affine", F.layer_norm(x, (4,), gain, shift))
show("log_softmax", F.log_softmax(x, dim=-1))
show("cross_entropy", F.cross_entropy(x, labels, reduction="none"))
show("squared_error", ((x - F.one_hot(labels, 4)) ** 2).sum(dim=1))
show("mean", x.mean(dim=0))
show("erf", torch.erf(x))
show("logistic", torch.sigmoid(x))
