"""What the peers share: arguments, the number of threads, timing, and the one JSON object on standard output."""

import argparse
import ctypes
import importlib.metadata
import json
import os
import signal
import statistics
import sys
import time

FAILED = 3
"""The exit code of a peer that is absent or could not run; the JSON object then has `error` and `absent`."""


class Parser(argparse.ArgumentParser):
    """Raises on bad arguments, so that they too are reported as JSON."""

    def error(self, message):
        raise ValueError(message)


def run(peer, measure, add_arguments=lambda parser: None):
    """Prints what `measure(options)` returns as one JSON object, and ends the process.

    `measure` imports the peer's packages itself: the number of threads must be set before they load.
    """
    output = _claim_standard_output()
    code = 0
    try:
        options = _options(peer, add_arguments)
        result = {"peer": peer, "threads": options.threads, **measure(options)}
    except Exception as error:
        result = _failure(peer, error)
        code = FAILED
    _print(output, result)
    sys.exit(code)


def serve(peer, prepare, add_arguments=lambda parser: None):
    """Takes turns: prints a JSON object once prepared, and then one for each line read from standard input.

    `prepare(options)` returns what describes the peer, and a function that makes a turn and returns its cases.
    """
    end_with_parent()
    output = _claim_standard_output()
    try:
        options = _options(peer, add_arguments)
        description, turn = prepare(options)
        _print(output, {"peer": peer, "threads": options.threads, **description})
        for _ in sys.stdin:
            _print(output, {"cases": turn()})
    except Exception as error:
        _print(output, _failure(peer, error))
        sys.exit(FAILED)


def end_with_parent():
    """Lets the system end this process with the one that started it: nobody waits for the result any more."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _failure(peer, error):
    return {"peer": peer, "error": f"{type(error).__name__}: {error}", "absent": isinstance(error, ImportError)}


def _print(output, result):
    print(json.dumps(result), file=output, flush=True)


def _claim_standard_output():
    """Keeps standard output for the JSON object: whatever else a package prints goes to standard error."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return output


def _options(peer, add_arguments):
    parser = Parser(description=f"times {peer} and prints one JSON object")
    parser.add_argument("--threads", type=_count, default=2)
    add_arguments(parser)
    options = parser.parse_args()
    # NPROC sets the size of XLA's thread pools; the others are read by OpenMP and by the BLAS libraries.
    for name in ("NPROC", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    return options


def _count(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found {number}")
    return number


def sizes(text):
    """The widths of the layers of an MLP, as in 784-512-10."""
    return [_count(size) for size in text.split("-")]


def add_counts(parser, **defaults):
    """Adds an option for each count, such as `runs=5` for `--runs`."""
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=_count, default=default)


def versions(*packages):
    """The installed version of Python and of each package."""
    return {"python": sys.version.split()[0], **{name: importlib.metadata.version(name) for name in packages}}


def time_ms(action):
    """The time of one call in milliseconds, and what the call returned. The action itself must wait for its result."""
    start = time.perf_counter()
    returned = action()
    return 1e3 * (time.perf_counter() - start), returned


def runs_ms(action, runs, per_run=1):
    """The times of `runs` calls, each divided by the `per_run` steps that a call makes."""
    return [time_ms(action)[0] / per_run for _ in range(runs)]


def timing(times):
    """The times and their median, as every peer reports them."""
    return {"runs_ms": [round(t, 4) for t in times], "median_ms": round(statistics.median(times), 4)}


def fastest(candidates, trial_ms):
    """The name with the shortest `trial_ms(candidate)`, and the trial times by name."""
    trials = {name: round(trial_ms(candidate), 4) for name, candidate in candidates.items()}
    return min(trials, key=trials.get), trials


def runs_within(action, seconds, least=3, most=400):
    """The times in milliseconds of as many calls as fit into so many seconds."""
    times = []
    while len(times) < least or (sum(times) < 1e3 * seconds and len(times) < most):
        times.append(time_ms(action)[0])
    return times
