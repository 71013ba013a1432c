"""Writes moments.json: correlations and mean products of the hidden units of two networks, by NumPy.

Run with NumPy installed:  python make_moments.py > moments.json
The networks are linear(3, 4), ReLU, linear(4, 5), ReLU, linear(5, 2). Weights and examples are 32-bit numbers; activations and
moments are computed from them in 64 bits. The last unit of the first network's first layer is dead.
"""

import json
import sys

import numpy

SIZES = [3, 4, 5, 2]


def network(random, dead):
    weights = {}
    for position, (inputs, outputs) in enumerate(zip(SIZES, SIZES[1:])):
        weights[f"{2 * position}.weight"] = random.normal(0, 0.8, (outputs, inputs)).astype(numpy.float32)
        weights[f"{2 * position}.bias"] = random.normal(0.3, 0.3, outputs).astype(numpy.float32)
    if dead:
        weights["0.bias"][-1] = -100
    return weights


def hidden(weights, x):
    layers = []
    for position in (0, 2):
        x = x @ weights[f"{position}.weight"].astype(float).T + weights[f"{position}.bias"].astype(float)
        x = numpy.maximum(x, 0)
        layers.append(x)
    return layers


def main():
    random = numpy.random.default_rng(1)
    x = random.normal(0, 1, (60, SIZES[0])).astype(numpy.float32)
    networks = [network(random, dead) for dead in (True, False)]
    layers = []
    for a, b in zip(*(hidden(weights, x.astype(float)) for weights in networks)):
        with numpy.errstate(invalid="ignore"):
            correlation = numpy.nan_to_num(numpy.corrcoef(a.T, b.T)[: a.shape[1], a.shape[1] :])
        layers.append(
            {
                "correlation": correlation.flatten().tolist(),
                "uncentred": (a.T @ b / len(x)).flatten().tolist(),
                "variances": [a.var(axis=0).tolist(), b.var(axis=0).tolist()],
                "means": [a.mean(axis=0).tolist(), b.mean(axis=0).tolist()],
            }
        )
    document = {
        "numpy": numpy.__version__,
        "x": x.flatten().tolist(),
        "weights": [{name: w.flatten().tolist() for name, w in weights.items()} for weights in networks],
        "layers": layers,
    }
    json.dump(document, sys.stdout)
    sys.stdout.write("\n")


main()
