"""The network and the training step that both PyTorch peers time, in each configuration worth trying."""

import torch
from torch import nn
from torch.nn import functional

import common

SIZES = [784, 512, 512, 512, 10]
BATCH = 500
LEARNING_RATE = 1e-3
WARM_UP_STEPS = 10
TRIAL_STEPS = 40

EAGER = {
    "fused Adam": {"adam": {"fused": True}},
    "foreach Adam": {"adam": {"foreach": True}},
    "plain Adam": {"adam": {"foreach": False}},
}
COMPILE = {
    "compiled loss, fused Adam": {"adam": {"fused": True}},
    "compiled loss, compiled foreach Adam": {"adam": {"foreach": True, "capturable": True}, "compile_adam": True},
    "compiled loss with max-autotune, fused Adam": {"adam": {"fused": True}, "options": {"max_autotune": True}},
    "compiled loss with cpp_wrapper, fused Adam": {"adam": {"fused": True}, "options": {"cpp_wrapper": True}},
}
CONFIGURATIONS = {"eager": EAGER, "compile": COMPILE}


def set_threads(threads):
    """Pins the threads within one operation and forbids running several operations at once."""
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)


class Trainer:
    """A freshly initialised network with its optimiser, in one configuration."""

    def __init__(self, mode, adam, compile_adam=False, options=None, sizes=SIZES):
        torch._dynamo.reset()
        self.network = _network(sizes)
        self.optimizer = torch.optim.Adam(self.network.parameters(), LEARNING_RATE, **adam)
        self.loss = self._loss if mode == "eager" else torch.compile(self._loss, options=options)
        self.update = torch.compile(self.optimizer.step) if compile_adam else self.optimizer.step

    def _loss(self, pixels, labels):
        return functional.cross_entropy(self.network(pixels), labels)

    def step(self, pixels, labels):
        """One full training step; returns the loss before it."""
        self.optimizer.zero_grad()
        loss = self.loss(pixels, labels)
        loss.backward()
        self.update()
        return loss.detach()


    def restart(self, seed):
        """Sets the parameters anew and the moments to zero, in place, so that nothing is compiled again."""
        torch.manual_seed(seed)
        for layer in self.network[::2]:
            layer.reset_parameters()
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()


def fastest_trainer(mode, take_steps, sizes=SIZES):
    """The fastest configuration's name, the trial times of all, and a warmed-up trainer in the fastest.

    `take_steps(trainer, count)` makes `count` training steps.
    """

    def warm_trainer(configuration):
        trainer = Trainer(mode, sizes=sizes, **configuration)
        take_steps(trainer, WARM_UP_STEPS)
        return trainer

    def trial_ms(configuration):
        trainer = warm_trainer(configuration)
        return min(common.runs_ms(lambda: take_steps(trainer, TRIAL_STEPS), 3, TRIAL_STEPS))

    candidates = CONFIGURATIONS[mode]
    best, trials = common.fastest(candidates, trial_ms)
    return best, trials, warm_trainer(candidates[best])


def _network(sizes):
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
