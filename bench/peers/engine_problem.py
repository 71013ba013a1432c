"""What the peers of the benchmark `engine` share: the problem that ours wrote, and the choice of a configuration."""

import contextlib
import signal
import sys
import time

import common

NETWORKS = ["mlp", "resnet20", "vgg16", "gpt", "lstm"]
IMAGES = ["resnet20", "vgg16"]
IMAGE_SHAPE = (3, 32, 32)
TEXTS = ["gpt", "lstm"]
TRIAL_SECONDS, TRIAL_RUNS = 0.6, 2
PATIENCE_SECONDS = 150
TURN_SECONDS = 1.5
QUANTITIES = ["gradient", "product"]


def add_arguments(parser):
    parser.add_argument("--network", choices=NETWORKS, required=True)
    parser.add_argument("--problem", required=True, help="a safetensors file: p.NAME, v.NAME, x, labels")


def read(options):
    """Parameters and tangents by name, the examples, and the labels, as NumPy arrays."""
    import numpy as np
    from safetensors.numpy import load_file

    arrays = load_file(options.problem)
    parts = {part: {n[2:]: a for n, a in arrays.items() if n.startswith(part)} for part in ("p.", "v.")}
    x = arrays["x"]
    if options.network in TEXTS:
        x = x.astype(np.int64)
    elif options.network in IMAGES:
        x = x.reshape(-1, *IMAGE_SHAPE)
    return parts["p."], parts["v."], x, arrays["labels"].astype(np.int64)


@contextlib.contextmanager
def patience(seconds):
    """Ends what takes longer, with an error."""

    def end(*_):
        raise TimeoutError(f"not prepared within {seconds} s")

    signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def choose(candidates, dot):
    """The name of the fastest candidate, its action, warmed up, and what is known of all.

    A candidate is a function that prepares an action. One that its framework cannot do, or not in good time, is out of the
    running, with the reason; only if none is left it is an error.
    """
    trials, actions = {}, {}
    for name, prepare in candidates.items():
        start = time.perf_counter()
        try:
            with patience(PATIENCE_SECONDS):
                ms, found, action = trial(prepare, dot)
            trials[name] = {"ms": round(ms, 4), "along_tangents": found}
            actions = {name: action} if all(ms <= trials[other]["ms"] for other in actions) else actions
        except Exception as error:
            trials[name] = {"refused": f"{type(error).__name__}: {error}"[:300]}
        trials[name]["seconds"] = round(time.perf_counter() - start, 1)
        print(name, trials[name], file=sys.stderr, flush=True)
    if not actions:
        raise RuntimeError(f"no configuration works: {trials}")
    return *next(iter(actions.items())), trials


def trial(prepare, dot):
    action = prepare()
    action()
    found = dot(action())
    return min(common.runs_within(action, TRIAL_SECONDS, TRIAL_RUNS)), found, action


def contest(network, candidates, dot):
    """The fastest gradient and the fastest product, as `common.serve` wants them.

    `candidates` has those of each quantity; `dot` is the inner product of a result with the tangents.
    """
    chosen = {quantity: choose(candidates[quantity], dot) for quantity in QUANTITIES}
    actions = {quantity: action for quantity, (_, action, _) in chosen.items()}
    description = {
        "network": network,
        "configuration": "; ".join(f"{quantity}: {best}" for quantity, (best, _, _) in chosen.items()),
        "checks": {
            "along_tangents": {quantity: trials[best]["along_tangents"] for quantity, (best, _, trials) in chosen.items()},
            "trials": {quantity: trials for quantity, (_, _, trials) in chosen.items()},
        },
    }

    def turn():
        return [case(f"{network} {quantity}", action) for quantity, action in actions.items()]

    return description, turn


def case(name, action):
    action()
    return {"name": name, **common.timing(common.runs_within(action, TURN_SECONDS))}
