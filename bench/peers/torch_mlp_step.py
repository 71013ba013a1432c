"""PyTorch: the time of one training step of an MLP with ReLU, Adam at 1e-3."""

import common


def add_arguments(parser):
    parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
    parser.add_argument("--sizes", type=common.sizes, default=common.sizes("784-512-512-512-10"))
    common.add_counts(parser, runs=7, steps=40, batch=500)


def measure(options):
    import torch
    import torch_mlp

    torch_mlp.set_threads(options.threads)
    torch.manual_seed(0)
    batch, inputs, classes = options.batch, options.sizes[0], options.sizes[-1]
    batches = [(torch.rand(batch, inputs), torch.randint(0, classes, (batch,))) for _ in range(8)]

    def take_steps(trainer, count):
        for i in range(count):
            loss = trainer.step(*batches[i % len(batches)])
        return loss.item()

    best, trials, trainer = torch_mlp.fastest_trainer(options.mode, take_steps, options.sizes)
    trainer.restart(seed=0)
    first_loss = take_steps(trainer, 1)
    times = common.runs_ms(lambda: take_steps(trainer, options.steps), options.runs, options.steps)
    return {
        "version": common.versions("torch"),
        "configuration": f"{options.mode}: {best}",
        **common.timing(times),
        "checks": {"first_loss": first_loss, "last_loss": take_steps(trainer, 1), "trials_ms": trials},
    }


common.run("torch_mlp_step", measure, add_arguments)
