"""PyTorch: the time of one epoch of ResNet-20 on CIFAR-10 with augmentation, from bytes already in memory."""

import pathlib

import common

BATCH = 128
TRIAL_STEPS = 12


def add_arguments(parser):
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with CIFAR-10's binary files")
    parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
    parser.add_argument("--first", type=int, help="the first N images alone, to try the script")


class Trainer:
    """A fresh network with its optimiser, with channels last."""

    def __init__(self, data, compiled):
        import torch

        torch._dynamo.reset()
        self.data = data
        self.network = data.network().to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.0005, foreach=True
        )
        self.loss = torch.compile(self._loss) if compiled else self._loss

    def _loss(self, x, y):
        import torch

        return torch.nn.functional.cross_entropy(self.network(x), y)

    def epoch(self, limit=None):
        """One pass in a fresh random order, or only its first `limit` steps; the mean loss."""
        import torch

        total, count = 0.0, 0
        for index in torch.randperm(self.data.examples()).split(BATCH)[:limit]:
            x, y = self.data.batch(index)
            self.optimizer.zero_grad()
            loss = self.loss(x.contiguous(memory_format=torch.channels_last), y)
            loss.backward()
            self.optimizer.step()
            total, count = total + loss.item() * len(index), count + len(index)
        return total / count


def measure(options):
    import torch

    import torch_training

    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(1)
    data = torch_training.Cifar(options.data)
    if options.first:
        data.train = tuple(part[: options.first] for part in data.train)
    trainer = Trainer(data, options.mode == "compile")
    # Whatever is compiled is compiled here: for the full batch, and for what is left at the end of an epoch.
    trainer.epoch(TRIAL_STEPS)
    data_of_rest, data.train = data.train, tuple(part[: data.examples() % BATCH or BATCH] for part in data.train)
    trainer.epoch()
    data.train = data_of_rest
    ms, loss = common.time_ms(trainer.epoch)
    return {
        "version": common.versions("torch"),
        "configuration": f"{options.mode}, channels last",
        **common.timing([ms]),
        "checks": {"loss": loss},
    }


common.run("torch_cifar_epoch", measure, add_arguments)
