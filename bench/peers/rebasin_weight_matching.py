"""Weight matching of two MLPs as Git Re-Basin published it (Ainsworth et al., ICLR 2023, algorithm 1), in JAX and SciPy.

Coordinate ascent: the permutations are visited in a fresh random order, sweep after sweep. For each one JAX computes the
matrix of gains in 32-bit floats with all other permutations held fixed, and SciPy finds the best assignment. It stops
after a sweep without progress. Layers are named as PyTorch's nn.Sequential names them: 0.weight, 0.bias, 2.weight, ...
"""

import pathlib

import common

SYNTHETIC_SIZES = [784, 512, 512, 512, 10]
MOST_SWEEPS = 100
LEAST_PROGRESS = 1e-12


def add_arguments(parser):
    parser.add_argument("--a", type=pathlib.Path, help="safetensors file of the network that stays as it is")
    parser.add_argument("--b", type=pathlib.Path, help="safetensors file of the network whose units are permuted")
    parser.add_argument("--synthetic", type=int, metavar="SEED", help="match two untrained networks drawn from this seed")
    common.add_counts(parser, runs=7)


def load(file):
    """The layers of a network in order, each as its weight (outputs, inputs) and bias."""
    from safetensors.numpy import load_file

    tensors = load_file(file)
    names = sorted({int(name.split(".")[0]) for name in tensors})
    return [(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in names]


def synthetic(rng):
    """An untrained network: weights and biases uniform within 1/sqrt(inputs), PyTorch's default."""

    def layer(inputs, outputs):
        bound = inputs**-0.5
        return [rng.uniform(-bound, bound, shape).astype("f4") for shape in ((outputs, inputs), outputs)]

    return [layer(i, o) for i, o in zip(SYNTHETIC_SIZES, SYNTHETIC_SIZES[1:])]


def networks(options):
    import numpy as np

    if options.synthetic is not None:
        rng = np.random.default_rng(options.synthetic)
        return synthetic(rng), synthetic(rng)
    if options.a is None or options.b is None:
        raise ValueError("expected --a FILE and --b FILE, or --synthetic SEED")
    a, b = load(options.a), load(options.b)
    shapes = [[weight.shape for weight, _ in network] for network in (a, b)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"the networks differ in shape: {shapes[0]} and {shapes[1]}")
    return a, b


def gains(layer_a, layer_b, next_a, next_b, before, after):
    """What each pairing of the hidden units of one layer adds to the inner product of the networks.

    `before` permutes the layer's inputs, `after` the next layer's outputs; none of its own units are permuted yet.
    """
    import jax.numpy as jnp

    incoming = layer_a[0] @ jnp.take(layer_b[0], before, axis=1).T
    biases = jnp.outer(layer_a[1], layer_b[1])
    outgoing = next_a[0].T @ jnp.take(next_b[0], after, axis=0)
    return incoming + biases + outgoing


def match(a, b, compute_gains, seed):
    """The permutation of B's units in every hidden layer, and the number of sweeps it took."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(seed)
    ends = [np.arange(a[0][0].shape[1]), np.arange(a[-1][0].shape[0])]
    permutations = [ends[0], *(np.arange(bias.size) for _, bias in a[:-1]), ends[1]]
    for sweep in range(1, MOST_SWEEPS + 1):
        progress = False
        for layer in rng.permutation(len(a) - 1):
            neighbours = permutations[layer], permutations[layer + 2]
            gain = np.asarray(compute_gains(a[layer], b[layer], a[layer + 1], b[layer + 1], *neighbours))
            rows, columns = linear_sum_assignment(gain, maximize=True)
            progress |= bool(gain[rows, columns].sum() > gain[rows, permutations[layer + 1]].sum() + LEAST_PROGRESS)
            permutations[layer + 1] = columns
        if not progress:
            break
    return permutations, sweep


def objective(a, b, permutations):
    """The inner product of network A with the permuted network B, in 64-bit floats."""
    import numpy as np

    total = 0.0
    for layer, ((weight_a, bias_a), (weight_b, bias_b)) in enumerate(zip(a, b)):
        before, own = permutations[layer], permutations[layer + 1]
        total += np.vdot(weight_a.astype("f8"), weight_b[own][:, before]) + np.vdot(bias_a.astype("f8"), bias_b[own])
    return float(total)


def identities(network):
    import numpy as np

    return [np.arange(network[0][0].shape[1]), *(np.arange(bias.size) for _, bias in network)]


def measure(options):
    import jax
    import jax.numpy as jnp

    a, b = networks(options)
    on_device = [[tuple(jnp.asarray(x) for x in layer) for layer in network] for network in (a, b)]
    candidates = {"gains compiled by jit": jax.jit(gains), "gains operation by operation": gains}

    def matching(compute_gains, seed):
        return common.time_ms(lambda: match(*on_device, compute_gains, seed))

    cold_ms = {name: round(matching(compute, 0)[0], 4) for name, compute in candidates.items()}
    best, trials = common.fastest(candidates, lambda compute: min(matching(compute, 0)[0] for _ in range(2)))
    times, results = zip(*(matching(candidates[best], seed) for seed in range(options.runs)))
    objectives = [objective(a, b, permutations) for permutations, _ in results]
    return {
        "version": common.versions("jax", "jaxlib", "scipy", "numpy"),
        "configuration": f"{best}; SciPy's linear_sum_assignment; one order seed per run",
        **common.timing(times),
        "cold_ms": cold_ms[best],
        "checks": {
            "objectives": objectives,
            "identity_objective": objective(a, b, identities(a)),
            "sweeps": [sweeps for _, sweeps in results],
            "trials_ms": trials,
        },
    }


common.run("rebasin_weight_matching", measure, add_arguments)
