"""Merging checkpoints by recipes with mergekit-pytorch: time, processor time and the most memory of the whole program.

The program runs in a process of its own, from its start to its end. `--cold` drops the files of the models from the page cache
before each run.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import common


def add_arguments(parser):
    parser.add_argument("--recipes", type=pathlib.Path, nargs="+", required=True, help="a case for each, named by its file")
    parser.add_argument("--models", type=pathlib.Path, nargs="+", required=True, help="the files that the recipes read")
    parser.add_argument("--cold", action="store_true")


def evict(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measured(command):
    """Time in milliseconds, seconds of the processor, and the most bytes held."""

    def run():
        process = subprocess.Popen(command, stdout=sys.stderr)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {os.waitstatus_to_exitcode(status)}")
        return usage

    ms, usage = common.time_ms(run)
    return ms, usage.ru_utime + usage.ru_stime, 1024 * usage.ru_maxrss


def case(name, command, before=lambda: None):
    before()
    ms, cpu_seconds, peak_bytes = measured(command)
    return {"name": name, "runs_ms": [ms], "cpu_seconds": [cpu_seconds], "peak_bytes": [peak_bytes]}


def measure(options):
    import mergekit  # noqa: F401, so that its absence is told

    program = pathlib.Path(sys.executable).parent / "mergekit-pytorch"
    suffix = ", cold" if options.cold else ""
    cases = [] if options.cold else [case("start-up", [program, "--help"])]
    for recipe in options.recipes:
        out = recipe.with_suffix(".mergekit")
        prepare = (lambda: [evict(model) for model in options.models]) if options.cold else (lambda: None)
        command = [program, recipe, out, "--quiet", "--num-threads", str(options.threads), "--out-shard-size", "100B"]
        cases.append(case(recipe.stem + suffix, command, prepare))
        shutil.rmtree(out)
    return {
        "version": common.versions("mergekit", "torch"),
        "configuration": f"mergekit-pytorch on the processor, --num-threads {options.threads}",
        "cases": cases,
    }


if __name__ == "__main__":
    common.run("mergekit", measure, add_arguments)
