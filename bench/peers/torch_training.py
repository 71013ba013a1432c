"""The networks, data and settings of docs/results/training.md in PyTorch, and of the benchmark `cifar-epoch`.

The settings are those of the `isoloss train` commands in bench/training.py: initial weights of the same distributions, the
same rates step by step, the same augmentation. Random numbers are PyTorch's own.
"""

import gzip
import math
import pathlib

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class ResNet20(nn.Module):
    """`resnet20` with batch normalisation and projections."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        blocks, inputs = [], 16
        for outputs in (16, 32, 64):
            for _ in range(3):
                blocks.append(Block(inputs, outputs, 1 if inputs == outputs else 2))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn1(self.conv1(x))))
        return self.linear(x.mean((2, 3)))


class GptBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_attn, self.attn_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.c_fc, self.mlp_proj = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, length, _ = x.shape
        split = (z.view(batch, length, self.heads, -1).transpose(1, 2) for z in self.c_attn(self.ln_1(x)).chunk(3, -1))
        mixed = F.scaled_dot_product_attention(*split, is_causal=True)
        x = x + self.attn_proj(mixed.transpose(1, 2).flatten(2))
        return x + self.mlp_proj(F.gelu(self.c_fc(self.ln_2(x))))


class Gpt(nn.Module):
    """`gpt:layers=4,width=128,heads=4,context=128`."""

    def __init__(self, vocabulary, layers=4, width=128, heads=4, context=128):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        for table in (self.wte, self.wpe):
            nn.init.normal_(table.weight, 0.0, 0.02)
        self.blocks = nn.Sequential(*(GptBlock(width, heads) for _ in range(layers)))
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe.weight
        return self.lm_head(self.ln_f(self.blocks(x)))


class Cifar:
    """CIFAR-10 in its own binary layout, normalised; images are cropped from a black border of 4 and flipped."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.train = read_cifar([folder / f"data_batch_{number}.bin" for number in range(1, 6)])
        self.test = read_cifar([folder / "test_batch.bin"])
        pixels = self.train[0].float().div_(255)
        mean = pixels.mean((0, 2, 3), keepdim=True)
        self.mean, self.deviation = mean, (pixels - mean).square().mean((0, 2, 3), keepdim=True).sqrt()

    def network(self):
        return ResNet20()


    def normalised(self, pixels):
        return (pixels.float().div_(255) - self.mean) / self.deviation

    def begin_epoch(self):
        pass

    def batch(self, index):
        """Augmented training images and their labels."""
        pixels, labels = self.train
        padded = F.pad(pixels[index], (4, 4, 4, 4))
        rows = torch.randint(9, (len(index), 1)) + torch.arange(32)
        columns = torch.randint(9, (len(index), 1)) + torch.arange(32)
        columns = torch.where(torch.rand(len(index), 1) < 0.5, columns.flip(1), columns)
        examples = torch.arange(len(index))[:, None, None]
        cut = padded.permute(0, 2, 3, 1)[examples, rows[:, :, None], columns[:, None, :]]
        return self.normalised(cut.permute(0, 3, 1, 2)), labels[index]

    def examples(self):
        return len(self.train[1])

    def test_batches(self):
        for x, y in zip(self.test[0].split(500), self.test[1].split(500)):
            yield self.normalised(x), y


def read_cifar(files):
    raw = b"".join(file.read_bytes() for file in files)
    records = torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].long()


class Characters:
    """A text in windows of 128 characters, of which a tenth at the end is held out; windows of an epoch begin anywhere."""

    WINDOW = 128

    def __init__(self, file):
        raw = pathlib.Path(file).read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
        self.vocabulary = sorted(set(text))
        place = {character: position for position, character in enumerate(self.vocabulary)}
        tokens = torch.tensor([place[character] for character in text])
        train = len(tokens) - round(0.1 * len(tokens))
        self.tokens, self.held_out = tokens[:train], tokens[train:]
        self.offset = 0

    def network(self):
        return Gpt(len(self.vocabulary))


    def begin_epoch(self):
        self.offset = torch.randint(self.WINDOW, ()).item()

    def batch(self, index):
        # The last windows are moved back to where they fit.
        starts = (self.offset + index * self.WINDOW).clamp(max=len(self.tokens) - 1 - self.WINDOW)
        places = starts[:, None] + torch.arange(self.WINDOW)
        return self.tokens[places], self.tokens[places + 1]

    def examples(self):
        return (len(self.tokens) - 1) // self.WINDOW

    def test_batches(self):
        count = (len(self.held_out) - 1) // self.WINDOW * self.WINDOW
        x, y = self.held_out[:count].view(-1, self.WINDOW), self.held_out[1 : count + 1].view(-1, self.WINDOW)
        yield from zip(x.split(64), y.split(64))


def rate(base, step, steps, warm_steps):
    """A linear warm-up from zero, then half a cosine to zero."""
    if step < warm_steps:
        return base * step / warm_steps
    return base * 0.5 * (1.0 + math.cos(math.pi * (step - warm_steps) / max(steps - warm_steps, 1)))


def evaluate(network, data):
    """Mean loss and accuracy over the test set, by label."""
    network.eval()
    loss, right, count = 0.0, 0, 0
    with torch.inference_mode():
        for x, y in data.test_batches():
            logits = network(x).flatten(0, -2)
            y = y.flatten()
            loss += F.cross_entropy(logits, y, reduction="sum").item()
            right += (logits.argmax(1) == y).sum().item()
            count += len(y)
    network.train()
    return {"loss": loss / count, "accuracy": right / count}
