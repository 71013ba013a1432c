"""What the peers of the benchmark `engine` share: the problem that ours wrote, and the choice of a configuration."""

import common
import engine_choice

NETWORKS = ["mlp", "resnet20", "vgg16", "gpt", "lstm"]
IMAGES = ["resnet20", "vgg16"]
IMAGE_SHAPE = (3, 32, 32)
TEXTS = ["gpt", "lstm"]
TURN_SECONDS = 1.5
QUANTITIES = ["gradient", "product"]


def add_arguments(parser):
    parser.add_argument("--network", choices=NETWORKS, required=True)
    parser.add_argument("--problem", required=True, help="a safetensors file: p.NAME, v.NAME, x, labels")
    parser.add_argument("--patience", type=float, default=120, help="seconds in which a configuration must be ready")


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


def along(arrays):
    """The inner product of a result, NumPy arrays in the order of the parameters, with the tangents."""
    import numpy as np

    tangents = [np.asarray(array, np.float64) for array in arrays[1].values()]
    return lambda result: float(sum((np.asarray(r, np.float64) * v).sum() for r, v in zip(result, tangents, strict=True)))


def contest(options, candidates, dot):
    """The fastest gradient and the fastest product, as `common.serve` wants them.

    `candidates` has those of each quantity; `dot` is the inner product of a result with the tangents.
    """
    chosen = {quantity: engine_choice.choose(candidates[quantity], dot, options.patience) for quantity in QUANTITIES}
    trials = {quantity: choice.trials for quantity, choice in chosen.items()}
    description = {
        "network": options.network,
        "configuration": "; ".join(f"{quantity}: {choice.name}" for quantity, choice in chosen.items()),
        "checks": {
            "along_tangents": {quantity: trials[quantity][choice.name]["along_tangents"] for quantity, choice in chosen.items()},
            "trials": trials,
            "patience_seconds": options.patience,
        },
    }

    def turn():
        return [
            {"name": f"{options.network} {quantity}", **common.timing(choice.worker.ask(TURN_SECONDS))}
            for quantity, choice in chosen.items()
        ]

    return description, turn
