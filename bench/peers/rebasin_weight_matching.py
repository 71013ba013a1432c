"""Weight matching as Git Re-Basin published it (Ainsworth et al., ICLR 2023, algorithm 1), in JAX and SciPy.

Coordinate ascent: the permutations are visited in a fresh random order, sweep after sweep. For each one JAX computes the
matrix of gains in 32-bit floats with all other permutations held fixed, and SciPy finds the best assignment. It stops
after a sweep without progress.

A problem is a safetensors file: the parameters of both networks as `a.NAME` and `b.NAME`, and in the metadata as JSON under
`problem` its `name` and the `generators`, each with its `size` and its `axes`. Of these each has a `parameter`, an `axis`, and unless
every index is a slot of its own, in order, the `indices` of slot 0, then those of slot 1, and so on.
"""

import json
import pathlib
import statistics

import common

MOST_SWEEPS = 100
LEAST_PROGRESS = 1e-12


def add_arguments(parser):
    parser.add_argument("--problem", type=pathlib.Path, nargs="+", required=True, help="safetensors files of problems")
    common.add_counts(parser, runs=7)


class Problem:
    """Two networks and the permutations under which one is matched to the other."""

    def __init__(self, file):
        import numpy as np
        from safetensors import safe_open

        with safe_open(file, "numpy") as opened:
            described = json.loads(opened.metadata()["problem"])
            self.parameters = [name[2:] for name in opened.keys() if name.startswith("a.")]
            self.a, self.b = ({name: opened.get_tensor(f"{side}.{name}") for name in self.parameters} for side in "ab")
        self.name = described["name"]
        self.sizes = [generator["size"] for generator in described["generators"]]
        self.axes = []  # of each generator: (parameter, axis, indices as one row for each slot)
        for generator in described["generators"]:
            axes = [axis for axis in generator["axes"] if axis["parameter"] in self.a]
            rows = [np.reshape(axis.get("indices", np.arange(generator["size"])), (generator["size"], -1)) for axis in axes]
            self.axes.append([(axis["parameter"], axis["axis"], row) for axis, row in zip(axes, rows)])

    def index_map(self, parameter, axis, permutations):
        """From where each index of an axis is read, or None where nothing moves along it."""
        import numpy as np

        moved = None
        for axes, permutation in zip(self.axes, permutations):
            for own_parameter, own_axis, rows in axes:
                if (own_parameter, own_axis) == (parameter, axis):
                    moved = np.arange(self.a[parameter].shape[axis]) if moved is None else moved
                    moved[rows] = rows[permutation]
        return moved

    def index_maps(self, parameter, permutations, without=None):
        """The maps of all axes along which something moves, but one."""
        axes = (axis for axis in range(self.a[parameter].ndim) if axis != without)
        maps = {axis: self.index_map(parameter, axis, permutations) for axis in axes}
        return {axis: map for axis, map in maps.items() if map is not None}


def gains_of(axes):
    """A function from the networks and the maps of the other axes to what each pairing of slots adds to their product."""
    import jax.numpy as jnp

    def slots(tensor, axis, rows):
        return jnp.moveaxis(jnp.take(tensor, rows.ravel(), axis=axis), axis, 0).reshape(len(rows), -1)

    def gains(a, b, maps):
        total = 0
        for (parameter, axis, rows), own_maps in zip(axes, maps):
            moved = b[parameter]
            for other, sources in own_maps.items():
                moved = jnp.take(moved, sources, axis=other)
            if rows.shape[1] == 1 and (rows.ravel() == range(len(rows))).all():
                left, right = (jnp.moveaxis(x, axis, 0).reshape(len(rows), -1) for x in (a[parameter], moved))
            else:
                left, right = (slots(x, axis, rows) for x in (a[parameter], moved))
            total += left @ right.T
        return total

    return gains


def match(problem, a, b, gains, seed):
    """The permutation of each generator, and the number of sweeps it took."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(seed)
    permutations = [np.arange(size) for size in problem.sizes]
    for sweep in range(1, MOST_SWEEPS + 1):
        progress = False
        for chosen in rng.permutation(len(permutations)):
            axes = problem.axes[chosen]
            maps = [problem.index_maps(parameter, permutations, without=axis) for parameter, axis, _ in axes]
            touched = {parameter for parameter, _, _ in axes}
            sides = ({name: network[name] for name in touched} for network in (a, b))
            gain = np.asarray(gains[chosen](*sides, maps))
            rows, columns = linear_sum_assignment(gain, maximize=True)
            progress |= bool(gain[rows, columns].sum() > gain[rows, permutations[chosen]].sum() + LEAST_PROGRESS)
            permutations[chosen] = columns
        if not progress:
            break
    return permutations, sweep


def objective(problem, permutations):
    """The inner product of network A with the permuted network B, in 64-bit floats."""
    import numpy as np

    total = 0.0
    for name in problem.parameters:
        moved = problem.b[name]
        for axis, sources in problem.index_maps(name, permutations).items():
            moved = np.take(moved, sources, axis=axis)
        total += np.vdot(problem.a[name].astype("f8"), moved.astype("f8"))
    return float(total)


def solve(file, runs):
    """The times and results of one problem, in the faster of two configurations."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    problem = Problem(file)
    a, b = ({name: jnp.asarray(x) for name, x in network.items()} for network in (problem.a, problem.b))
    plain = [gains_of(axes) for axes in problem.axes]
    candidates = {"gains compiled by jit": [jax.jit(gains) for gains in plain], "gains operation by operation": plain}

    def matching(gains, seed):
        return common.time_ms(lambda: match(problem, a, b, gains, seed))

    cold_ms = {name: round(matching(gains, 0)[0], 4) for name, gains in candidates.items()}
    best, trials = common.fastest(candidates, lambda gains: matching(gains, 0)[0])
    times, results = zip(*(matching(candidates[best], seed) for seed in range(runs)))
    objectives = [objective(problem, permutations) for permutations, _ in results]
    return {
        "name": problem.name,
        **common.timing(times),
        "objective": statistics.median(objectives),
        "objectives": objectives,
        "identity_objective": objective(problem, [np.arange(size) for size in problem.sizes]),
        "sweeps": [sweeps for _, sweeps in results],
        "configuration": best,
        "cold_ms": cold_ms[best],
        "trials_ms": trials,
    }


def measure(options):
    return {
        "version": common.versions("jax", "jaxlib", "scipy", "numpy"),
        "configuration": "JAX's gains, compiled or not as each case says; SciPy's linear_sum_assignment; one order seed per run",
        "cases": [solve(file, options.runs) for file in options.problem],
    }


common.run("rebasin_weight_matching", measure, add_arguments)
