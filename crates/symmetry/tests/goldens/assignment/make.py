"""Makes cases.json: small assignment problems with their optima by SciPy.

Run with `python make.py` in this directory; needs NumPy and SciPy. Entries are stored as integers times a power of
two, so every reader has the same f32 numbers.
"""

import json
import sys

import numpy as np
import scipy
from scipy.optimize import linear_sum_assignment

rng = np.random.default_rng(20240607)


def normal(n):
    return rng.normal(size=(n, n)) * 64


def ties(n):
    return rng.integers(0, 4, size=(n, n)) * 64


def negative(n):
    return -rng.integers(1, 5000, size=(n, n))


def low_rank(n):
    return rng.integers(-9, 10, size=(n, 2)) @ rng.integers(-9, 10, size=(2, n))


def outer(n):
    return np.outer(np.arange(1, n + 1), np.arange(1, n + 1))


def constant(n):
    return np.full((n, n), -7)


def planted(n):
    w = rng.normal(size=(n, n))
    return 16 * w @ (w[rng.permutation(n)] + 0.3 * rng.normal(size=(n, n))).T


def dead(n):
    x = np.maximum(rng.normal(size=(n, 8)) @ rng.normal(size=(8, 4 * n)), 0)
    y = np.maximum(rng.normal(size=(n, 8)) @ rng.normal(size=(8, 4 * n)), 0)
    x[: n // 3] = 0
    y[n // 2 :] = 0
    return x @ y.T


SIZES = {
    normal: (1, 2, 3, 5, 17, 33, 64),
    ties: (1, 4, 16, 31, 64),
    negative: (2, 7, 32, 48),
    low_rank: (3, 16, 33, 64),
    outer: (4, 15, 48),
    constant: (1, 6, 20),
    planted: (8, 31),
    dead: (9, 32),
}


def case(make, n):
    units = np.rint(make(n)).astype(np.int64)
    scale = 0.015625
    matrix = units * scale
    assert np.array_equal(matrix, matrix.astype(np.float32))
    least, most = (matrix[linear_sum_assignment(matrix, maximize=m)].sum() for m in (False, True))
    return {
        "name": f"{make.__name__} {n}",
        "n": n,
        "scale": scale,
        "minimum": float(least),
        "maximum": float(most),
        "units": units.ravel().tolist(),
    }


cases = [case(make, n) for make, sizes in SIZES.items() for n in sizes]
versions = {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__}
with open("cases.json", "w") as file:
    file.write('{"versions": ' + json.dumps(versions) + ',\n "cases": [\n')
    file.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases))
    file.write("\n]}\n")
