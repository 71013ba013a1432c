"""Trains two networks with Isoloss and with PyTorch at the same settings, and draws their curves side by side.

    cargo build --release
    .peers/bin/python bench/training.py run --cifar DIR --text FILE --out runs/training
    .peers/bin/python bench/training.py report --out runs/training --docs docs/results

`run` trains three seeds of each network on each side, one after the other. It can be interrupted at any time: the same
command goes on where it was, on either side. `report` writes training.md, training.json (every curve) and an SVG for each
network from what is finished.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

SEEDS = [0, 1, 2]
SIDES = ["isoloss", "pytorch"]
EXPERIMENTS = {
    "resnet20": {
        "title": "ResNet-20 on CIFAR-10",
        "model": "resnet20",
        "data": "cifar10:{cifar},normalize=on,augment=crop:4+flip",
        "optimizer": "sgd:lr=0.1,momentum=0.9,nesterov,weight_decay=0.0005",
        "schedule": "cosine:warmup=1",
        "batch": 128,
        "warmup": 1.0,
        "rate": 0.1,
        "clip": None,
    },
    "gpt": {
        "title": "Character transformer on nine plays",
        "model": "gpt:layers=4,width=128,heads=4,context=128,vocab={vocabulary}",
        "data": "text:{text},augment=offset",
        "optimizer": "adamw:lr=0.001,beta2=0.99,weight_decay=0.1",
        "schedule": "cosine:warmup=0.5",
        "batch": 32,
        "warmup": 0.5,
        "rate": 0.001,
        "clip": 1.0,
    },
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "report"])
    parser.add_argument("--cifar", type=pathlib.Path, help="folder with CIFAR-10's binary files")
    parser.add_argument("--text", type=pathlib.Path, help="text file, gzipped or not")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the runs")
    parser.add_argument("--docs", type=pathlib.Path, default=pathlib.Path("docs/results"))
    parser.add_argument("--program", default="target/release/isoloss")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--only", choices=list(EXPERIMENTS), help="one network alone")
    parser.add_argument("--first", type=int, help="train on the first N images alone, to try the script")
    parser.add_argument("--note", default="", help="a sentence on the data for the report, as where it differs from the original")
    return parser.parse_args()


def wanted(options):
    given = {"resnet20": options.cifar, "gpt": options.text}
    return [name for name in EXPERIMENTS if options.only in (None, name) and (options.action == "report" or given[name])]


def folder(options, name, side, seed):
    return options.out / f"{name}-{side}-{seed}"


def run(options):
    for seed in SEEDS:
        for name in wanted(options):
            train_isoloss(options, name, seed)
            train_pytorch(options, name, seed)


def load(options, name):
    """The data as PyTorch reads them."""
    sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
    import torch_training

    data = torch_training.Characters(options.text) if name == "gpt" else torch_training.Cifar(options.cifar)
    if options.first and name == "resnet20":
        data.train = tuple(part[: options.first] for part in data.train)
    return torch_training, data


def train_isoloss(options, name, seed):
    out, settings = folder(options, name, "isoloss", seed), EXPERIMENTS[name]
    model, data = settings["model"], settings["data"].format(cifar=options.cifar, text=options.text)
    if name == "gpt":
        model = model.format(vocabulary=len(load(options, name)[1].vocabulary))
    if options.first and name == "resnet20":
        data += f",first={options.first}"
    command = [options.program, "train", "--quiet", "--model", model, "--data", data, "--out", str(out)]
    command += ["--optimizer", settings["optimizer"], "--schedule", settings["schedule"], "--seed", str(seed)]
    command += ["--epochs", str(options.epochs), "--batch", str(settings["batch"]), "--threads", str(options.threads)]
    if settings["clip"]:
        command += ["--clip-norm", str(settings["clip"])]
    if (out / "run.json").exists():
        command.append("--resume")
    subprocess.run(command, check=True)


def train_pytorch(options, name, seed):
    import time

    import torch

    torch.set_num_threads(options.threads)
    training, data = load(options, name)
    out, settings = folder(options, name, "pytorch", seed), EXPERIMENTS[name]
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1000 * seed)
    network = data.network()
    if name == "resnet20":
        network = network.to(memory_format=torch.channels_last)
    optimizer = pytorch_optimizer(name, network)
    records = restore(out, network, optimizer)
    steps_per_epoch = -(-data.examples() // settings["batch"])
    steps, warm = steps_per_epoch * options.epochs, round(settings["warmup"] * steps_per_epoch)
    for epoch in range(len(records), options.epochs):
        started = time.perf_counter()
        # A generator for each epoch, so that a resumed run draws what an uninterrupted one would.
        torch.manual_seed(1000 * seed + 1 + epoch)
        data.begin_epoch()
        total = 0.0
        for number, index in enumerate(torch.randperm(data.examples()).split(settings["batch"])):
            step = epoch * steps_per_epoch + number
            for group in optimizer.param_groups:
                group["lr"] = training.rate(settings["rate"], step, steps, warm)
            total += take_step(network, optimizer, settings["clip"], *data.batch(index)) * len(index)
        record = {"epoch": epoch + 1, "loss": total / data.examples(), "test": training.evaluate(network, data)}
        record["seconds"] = time.perf_counter() - started
        records.append(record)
        keep(out, network, optimizer, records)


def pytorch_optimizer(name, network):
    import torch

    if name == "gpt":
        return torch.optim.AdamW(network.parameters(), lr=0.001, betas=(0.9, 0.99), weight_decay=0.1)
    return torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.0005)


def take_step(network, optimizer, clip, x, y):
    import torch

    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(network(x).flatten(0, -2), y.flatten())
    loss.backward()
    if clip:
        torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()
    return loss.item()


def restore(out, network, optimizer):
    import torch

    checkpoint = out / "checkpoint.pt"
    if not checkpoint.exists():
        return []
    state = torch.load(checkpoint, weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return state["records"]


def keep(out, network, optimizer, records):
    """Writes the checkpoint and the log, each whole or not at all."""
    import torch

    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "records": records}
    torch.save(state, out / "checkpoint.part")
    os.replace(out / "checkpoint.part", out / "checkpoint.pt")
    (out / "log.part").write_text("".join(json.dumps(record) + "\n" for record in records))
    os.replace(out / "log.part", out / "log.jsonl")


def curves(options, name):
    """The records of every finished run, by side and seed."""
    found = {side: {} for side in SIDES}
    for side in SIDES:
        for seed in SEEDS:
            log = folder(options, name, side, seed) / "log.jsonl"
            records = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
            if len(records) >= options.epochs:
                found[side][seed] = records
    return found


def report(options):
    options.docs.mkdir(parents=True, exist_ok=True)
    everything, sections = {}, []
    for name in wanted(options):
        found = curves(options, name)
        if not all(found.values()):
            continue
        everything[name] = found
        (options.docs / f"training-{name}.svg").write_text(figure(found))
        sections.append(section(name, found))
    text = HEADER + (f"\n{options.note}\n" if options.note else "") + "".join(sections)
    (options.docs / "training.md").write_text(text)
    (options.docs / "training.json").write_text(json.dumps(everything, indent=1) + "\n")


HEADER = """# Training against PyTorch

The same networks, data, settings and numbers of epochs on both sides, three seeds each; random numbers are each side's own.
Made by `bench/training.py`, which has the settings; every curve stands in [training.json](training.json). How long an epoch
takes on a quiet machine is in [benchmarks](../benchmarks.md).
"""


def section(name, found):
    settings = EXPERIMENTS[name]
    lines = [f"\n## {settings['title']}\n"]
    model = settings["model"].replace("{vocabulary}", "…")
    lines.append(f"`{model}`, `{settings['optimizer']}`, `{settings['schedule']}`, batch {settings['batch']}.\n")
    lines.append("| side | training loss | test loss | test accuracy |")
    lines.append("|---|---|---|---|")
    for side, runs in found.items():
        last = [records[-1] for records in runs.values()]
        columns = [
            spread([record["loss"] for record in last], 1, 4),
            spread([record["test"]["loss"] for record in last], 1, 4),
            spread([record["test"]["accuracy"] for record in last], 100, 2) + " %",
        ]
        lines.append(f"| {side} | {' | '.join(columns)} |")
    lines.append(f"\n{agreement(found)}\n\n![{settings['title']}](training-{name}.svg)")
    return "\n".join(lines) + "\n"


def spread(values, factor, digits):
    values = [factor * value for value in values]
    return f"{statistics.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def agreement(found):
    """Whether the mean accuracies differ by no more than the seeds do."""
    accuracies = [[100 * r[-1]["test"]["accuracy"] for r in runs.values()] for runs in found.values()]
    apart = abs(statistics.mean(accuracies[0]) - statistics.mean(accuracies[1]))
    width = max(max(side) - min(side) for side in accuracies)
    word = "within" if apart <= width else "outside"
    sentence = f"The mean test accuracies differ by {apart:.2f} points, {word} the spread of the seeds ({width:.2f} points)."
    losses = [[r[-1]["test"]["loss"] for r in runs.values()] for runs in found.values()]
    below = [side for side, own, other in zip(found, losses, losses[::-1]) if max(own) < min(other)]
    return sentence + (f" All test losses of {below[0]} are below those of the other side." if below else "")


def figure(found):
    """Two panels: training loss and test accuracy over the epochs, a line for each run."""
    panels = [("training loss", lambda r: r["loss"]), ("test accuracy", lambda r: r["test"]["accuracy"])]
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 300" font-family="sans-serif" font-size="12">']
    parts.append('<rect width="720" height="300" fill="white"/>')
    for position, (title, value) in enumerate(panels):
        parts += panel(found, title, value, 60 + 350 * position)
    for position, (side, colour) in enumerate(zip(SIDES, COLOURS)):
        parts.append(f'<text x="{280 + 90 * position}" y="292" fill="{colour}">{side}</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"


COLOURS = ["#0b6fb8", "#d1670b"]


def panel(found, title, value, left, top=30, width=280, height=220):
    lines = [
        ([value(record) for record in records], colour)
        for (side, runs), colour in zip(found.items(), COLOURS)
        for records in runs.values()
    ]
    low, high = min(min(line) for line, _ in lines), max(max(line) for line, _ in lines)
    scale = height / (high - low or 1.0)
    yield f'<text x="{left}" y="18">{title}</text>'
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#999"/>'
    yield f'<text x="{left - 6}" y="{top + 10}" text-anchor="end">{high:.3g}</text>'
    yield f'<text x="{left - 6}" y="{top + height}" text-anchor="end">{low:.3g}</text>'
    for line, colour in lines:
        step = width / max(len(line) - 1, 1)
        points = " ".join(f"{left + i * step:.1f},{top + (high - y) * scale:.1f}" for i, y in enumerate(line))
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    yield f'<text x="{left + width / 2}" y="{top + height + 16}" text-anchor="middle">epoch 1 to {len(lines[0][0])}</text>'


if __name__ == "__main__":
    chosen = arguments()
    run(chosen) if chosen.action == "run" else report(chosen)
