"""Linear assignment solvers from PyPI on the matrices of weight and activation matching.

A matrix is a file of raw little-endian 32-bit floats, row after row, named KIND-N.f32. It holds gains to maximise; a
solver gets the negated matrix as costs, already in the number type that suits it best.
"""

import pathlib

import common

KINDS = ["weights", "relu", "planted"]
SOLVERS = ["scipy", "lap", "lapjv", "lapx"]


def add_arguments(parser):
    parser.add_argument("--n", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--kinds", choices=KINDS, nargs="+", default=KINDS)
    folders = parser.add_mutually_exclusive_group(required=True)
    folders.add_argument("--generate", type=pathlib.Path, help="write the matrices into this folder and solve nothing")
    folders.add_argument("--matrices", type=pathlib.Path, help="solve the matrices in this folder")
    parser.add_argument("--solver", choices=SOLVERS, default="scipy")
    parser.add_argument("--cold", action="store_true", help="no call to warm up")
    common.add_counts(parser, runs=5)


def gains(kind, n):
    """The matrix of that kind and size; the same one whatever else is generated."""
    import numpy as np

    rng = np.random.default_rng(0)
    normal = rng.normal
    if kind == "weights":  # a product of independent Gaussian weights
        matrix = normal(size=(n, n)) @ normal(size=(n, n))
    elif kind == "relu":  # uncentred products of ReLU activations over 4n samples, of rank n/4 before the ReLU
        first, second = (np.maximum(normal(size=(4 * n, n // 4)) @ normal(size=(n // 4, n)), 0) for _ in range(2))
        matrix = first.T @ second / n
    else:  # weights against a permuted and disturbed copy of themselves
        weights = normal(size=(n, n))
        copy = weights[rng.permutation(n)]
        matrix = weights @ (copy + 0.3 * normal(size=(n, n))).T
    return matrix.astype("<f4")


def path(folder, kind, n):
    return folder / f"{kind}-{n}.f32"


def generate(options):
    options.generate.mkdir(parents=True, exist_ok=True)
    files = []
    for kind, n in cases(options):
        gains(kind, n).tofile(path(options.generate, kind, n))
        files.append(path(options.generate, kind, n).name)
    return {"version": common.versions("numpy"), "files": files}


def read(folder, kind, n):
    import numpy as np

    values = np.fromfile(path(folder, kind, n), "<f4")
    if values.size != n * n:
        raise ValueError(f"{path(folder, kind, n).name}: expected {n * n} numbers, found {values.size}")
    return values.reshape(n, n)


def cases(options):
    return [(kind, n) for n in options.n for kind in options.kinds]


def solver(name):
    """A function from costs to the column of each row, the number type of the costs, and how it is called."""
    if name == "scipy":
        from scipy.optimize import linear_sum_assignment

        return lambda costs: linear_sum_assignment(costs)[1], "f8", "scipy.optimize.linear_sum_assignment, f64"
    if name == "lap":
        import lap

        return lambda costs: lap.lapjv(costs, return_cost=False)[0], "f8", "lap.lapjv, f64"
    if name == "lapjv":
        import lapjv

        return lambda costs: lapjv.lapjv(costs)[0], "f4", "lapjv.lapjv, f32"
    lapx = load_lapx()
    return lambda costs: lapx.lapjvr(costs, return_cost=False)[1], "f4", "lapx: lap.lapjvr, f32"


def load_lapx():
    """The module `lap` of lapx, which install.sh keeps in a folder of its own, instead of that of the package lap."""
    import sys
    import sysconfig

    sys.path.insert(0, str(pathlib.Path(sysconfig.get_path("purelib")) / "peer_lapx"))
    import lap

    if not hasattr(lap, "lapjvr"):
        raise ImportError("lapx is not installed: run install.sh")
    return lap


def solve_case(solve, number_type, matrix, runs, cold):
    """Times one matrix, after a call to warm up unless `cold`."""
    import numpy as np

    costs = np.ascontiguousarray(-matrix, number_type)
    if not cold:
        solve(costs)
    times, solutions = zip(*(common.time_ms(lambda: solve(costs)) for _ in range(runs)))
    columns = np.asarray(solutions[-1])
    if sorted(columns) != list(range(len(columns))):
        raise ValueError("the solver returned no permutation")
    objective = float(matrix[np.arange(len(columns)), columns].sum(dtype="f8"))
    return {**common.timing(times), "objective": objective}


def measure(options):
    if options.generate:
        return generate(options)
    solve, number_type, configuration = solver(options.solver)
    solved = [
        {"kind": kind, "n": n, **solve_case(solve, number_type, read(options.matrices, kind, n), options.runs, options.cold)}
        for kind, n in cases(options)
    ]
    return {
        "version": {**common.versions("numpy"), **solver_version(options.solver)},
        "configuration": configuration,
        "cases": solved,
    }


def solver_version(name):
    if name == "lapx":
        return {"lapx": load_lapx().__version__}
    return common.versions(name)


common.run("assignment", measure, add_arguments)
