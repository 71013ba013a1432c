"""PyTorch: the time of a whole MNIST training of the MLP 784-512-512-512-10 from tensors already in memory."""

import gzip
import pathlib
import struct

import common

EVALUATION_BATCH = 5000
LEAST_TEST_ACCURACY = 0.975


def add_arguments(parser):
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with MNIST's four IDX files, gzipped or not")
    parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
    parser.add_argument("--evaluate", choices=["each", "end"], default="end", help="after each epoch, or once at the end")
    common.add_counts(parser, epochs=10, runs=3)


def read_idx(folder, name):
    """An IDX file of unsigned bytes as an array of the shape that it states."""
    import numpy as np

    plain = folder / name
    raw = plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
    kind, rank = struct.unpack(">xxBB", raw[:4])
    if kind != 8:
        raise ValueError(f"{name}: expected unsigned bytes (type 8), found type {kind}")
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(folder, part):
    """Pixels in [0,1] as rows of 784, and labels."""
    import torch

    pixels = torch.from_numpy(read_idx(folder, f"{part}-images-idx3-ubyte").copy())
    labels = torch.from_numpy(read_idx(folder, f"{part}-labels-idx1-ubyte").copy())
    return pixels.flatten(1).float().div_(255), labels.long()


def evaluate(network, pixels, labels):
    """Mean loss and accuracy over a whole set."""
    import torch

    loss, correct = 0.0, 0
    with torch.inference_mode():
        for x, y in zip(pixels.split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH)):
            logits = network(x)
            loss += torch.nn.functional.cross_entropy(logits, y, reduction="sum").item()
            correct += (logits.argmax(1) == y).sum().item()
    return {"loss": loss / len(labels), "accuracy": correct / len(labels)}


def evaluate_both(trainer, data):
    return {part: evaluate(trainer.network, *data[part]) for part in ("train", "test")}


def take_steps(trainer, pixels, labels, limit=None):
    """One pass in a fresh random order, or only its first `limit` steps."""
    import torch
    import torch_mlp

    for index in torch.randperm(len(labels)).split(torch_mlp.BATCH)[:limit]:
        trainer.step(pixels.index_select(0, index), labels.index_select(0, index))


def train(trainer, data, options):
    """The whole training that is timed; returns the last evaluation."""
    for epoch in range(options.epochs):
        take_steps(trainer, *data["train"])
        if options.evaluate == "each" or epoch + 1 == options.epochs:
            report = {part: evaluate(trainer.network, *data[part]) for part in ("train", "test")}
    return report


def measure(options):
    import torch_mlp

    torch_mlp.set_threads(options.threads)
    loading_ms, data = common.time_ms(lambda: {"train": load(options.data, "train"), "test": load(options.data, "t10k")})
    best, trials, trainer = torch_mlp.fastest_trainer(options.mode, lambda t, count: take_steps(t, *data["train"], count))
    evaluate(trainer.network, *data["test"])

    def timed_run(seed):
        trainer.restart(seed)
        return common.time_ms(lambda: train(trainer, data, options))

    times, reports = zip(*(timed_run(seed) for seed in range(options.runs)))
    measured = common.timing(times)
    return {
        "version": common.versions("torch"),
        "configuration": f"{options.mode}: {best}; {options.epochs} epochs, evaluation: {options.evaluate}",
        **measured,
        "total_ms": measured["median_ms"],
        "with_loading_ms": round(measured["median_ms"] + loading_ms, 4),
        "checks": {
            "test_accuracy": [report["test"]["accuracy"] for report in reports],
            "least_test_accuracy": LEAST_TEST_ACCURACY,
            "last_report": reports[-1],
            "trials_ms": trials,
        },
    }


common.run("torch_mnist_train", measure, add_arguments)
