"""Makes the files of this folder: small networks of every architecture as PyTorch computes them.

Made with Python 3.11, torch 2.15.0 (CPU, float64), safetensors 0.8.0:

    python make.py

Each file holds the f32 parameters and buffers under their names in the `state_dict` (with the prefix `state.`), the
input `x` and the labels as f32, and PyTorch's results computed in float64 from these: `evaluation.logits` and
`evaluation.loss` (mean cross-entropy) in evaluation mode; the same in training mode, with the gradients of the loss by
parameter (`gradient.`) and the new buffers (`updated.`). The metadata names the model.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn


class LayerNorm2d(nn.LayerNorm):
    """Over the channels of each pixel."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


NORMS = {"batch": nn.BatchNorm2d, "layer": LayerNorm2d, "none": lambda channels: nn.Identity()}


class Block(nn.Module):
    def __init__(self, inputs, outputs, norm, skip, shortcut):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        convolution = {"bias": norm == "none"}
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, **convolution)
        self.bn1 = NORMS[norm](outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, **convolution)
        self.bn2 = NORMS[norm](outputs)
        self.skip, self.more = skip, outputs - inputs
        self.shortcut = None
        if skip and self.more and shortcut == "projection":
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, **convolution), NORMS[norm](outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        elif self.skip and self.more:
            before = self.more // 2
            y = y + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, before, self.more - before))
        elif self.skip:
            y = y + x
        return F.relu(y)


class ResNet(nn.Module):
    def __init__(self, depth, channels, image, classes, norm="batch", skip=True, shortcut="projection"):
        super().__init__()
        self.conv1 = nn.Conv2d(image[0], channels, 3, 1, 1, bias=norm == "none")
        self.bn1 = NORMS[norm](channels)
        inputs = channels
        for stage in range(3):
            blocks = []
            for _ in range((depth - 2) // 6):
                blocks.append(Block(inputs, channels << stage, norm, skip, shortcut))
                inputs = channels << stage
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(inputs, classes)
        self.image = image

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x.unflatten(1, self.image))))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Vgg(nn.Module):
    def __init__(self, stages, channels, classes, norm="none"):
        super().__init__()
        modules, inputs = [], 3
        for stage, count in enumerate(stages):
            outputs = channels << min(stage, 3)
            for _ in range(count):
                modules.append(nn.Conv2d(inputs, outputs, 3, padding=1))
                if norm != "none":
                    modules.append(NORMS[norm](outputs))
                modules.append(nn.ReLU())
                inputs = outputs
            modules.append(nn.MaxPool2d(2))
        self.features, self.classifier = nn.Sequential(*modules), nn.Linear(inputs, classes)

    def forward(self, x):
        return self.classifier(self.features(x.unflatten(1, (3, 32, 32))).flatten(1))


def mlp(*sizes):
    modules = []
    for inputs, outputs in zip(sizes, sizes[1:-1]):
        modules += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
    return nn.Sequential(*modules, nn.Linear(*sizes[-2:]))


class Attention(nn.Module):
    def __init__(self, width, heads, rotary):
        super().__init__()
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads, self.rotary = heads, rotary

    def turned(self, x):
        """As in Llama: the second half of each head, negated, turns the first."""
        half = x.shape[-1] // 2
        angles = torch.outer(torch.arange(x.shape[-2]).double(), 10000.0 ** (-torch.arange(half).double() / half))
        angles = angles.repeat(1, 2)
        return x * angles.cos() + torch.cat([-x[..., half:], x[..., :half]], -1) * angles.sin()

    def forward(self, x):
        q, k, v = (z.unflatten(-1, (self.heads, -1)).transpose(1, 2) for z in self.c_attn(x).chunk(3, -1))
        if self.rotary:
            q, k = self.turned(q), self.turned(k)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).flatten(2))


class GptBlock(nn.Module):
    def __init__(self, width, heads, rotary):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads, rotary)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp["c_proj"](F.gelu(self.mlp["c_fc"](self.ln_2(x))))


class Gpt(nn.Module):
    def __init__(self, layers, width, heads, context, vocab, rotary=False, tied=False):
        super().__init__()
        parts = {"wte": nn.Embedding(vocab, width)}
        if not rotary:
            parts["wpe"] = nn.Embedding(context, width)
        parts["h"] = nn.ModuleList(GptBlock(width, heads, rotary) for _ in range(layers))
        self.transformer = nn.ModuleDict(parts | {"ln_f": nn.LayerNorm(width)})
        if not tied:
            self.lm_head = nn.Linear(width, vocab, bias=False)
        self.rotary, self.tied = rotary, tied

    def forward(self, tokens):
        parts = self.transformer
        x = parts["wte"](tokens)
        if not self.rotary:
            x = x + parts["wpe"](torch.arange(tokens.shape[1]))
        for block in parts["h"]:
            x = block(x)
        x = parts["ln_f"](x)
        return F.linear(x, parts["wte"].weight) if self.tied else self.lm_head(x)


class Lstm(nn.Module):
    def __init__(self, vocab, hidden, layers):
        super().__init__()
        self.encoder, self.decoder = nn.Embedding(vocab, hidden), nn.Linear(hidden, vocab)
        self.rnn = nn.LSTM(hidden, hidden, layers, batch_first=True)

    def forward(self, tokens):
        return self.decoder(self.rnn(self.encoder(tokens))[0])


def features(batch, count):
    return torch.randn(batch, count).float().double()


def tokens(batch, count, vocab):
    return torch.randint(0, vocab, (batch, count))


def randomise(net):
    with torch.no_grad():
        for parameter in net.parameters():
            # Gains are not 1 and biases not 0; exact in f32.
            deviation = 1 if parameter.dim() == 1 else (2 / parameter[0].numel()) ** 0.5
            parameter.copy_((deviation * torch.randn_like(parameter)).float())
        for name, buffer in net.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(torch.randn_like(buffer).float())
            elif name.endswith("running_var"):
                buffer.copy_((torch.rand_like(buffer) + 0.5).float())


def loss(logits, labels):
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten())


def state(net, prefix):
    return {f"{prefix}.{name}": value.clone() for name, value in net.state_dict().items() if "num_batches" not in name}


def make(name, spec, net, x, labels):
    net = net.double()
    randomise(net)
    tensors = state(net, "state") | {"x": x, "labels": labels}
    net.eval()
    logits = net(x)
    tensors |= {"evaluation.logits": logits, "evaluation.loss": loss(logits, labels)}
    net.train()
    logits = net(x)
    total = loss(logits, labels)
    names, parameters = zip(*net.named_parameters())
    gradients = torch.autograd.grad(total, parameters)
    tensors |= {"training.logits": logits, "training.loss": total}
    tensors |= {f"gradient.{name}": gradient for name, gradient in zip(names, gradients)}
    buffers = {name for name, _ in net.named_buffers()}
    tensors |= {f"updated.{name}": value for name, value in net.state_dict().items()
                if name in buffers and "num_batches" not in name}
    tensors = {name: tensor.detach().float().contiguous() for name, tensor in tensors.items()}
    save_file(tensors, Path(__file__).parent / f"{name}.safetensors", {"isoloss.model": spec})


def main():
    torch.manual_seed(0)
    image, small = (2, 5, 6), "in=2x5x6,classes=4"
    x, labels = features(3, 60), torch.tensor([2, 0, 3])
    make("mlp-batch", "mlp:5-7-6-4,norm=batch", mlp(5, 7, 6, 4), features(9, 5), torch.arange(9) % 4)
    make("resnet8-batch", f"resnet8:width=0.125,{small}", ResNet(8, 2, image, 4), x, labels)
    make("resnet14-layer-padding", f"resnet14:width=0.125,norm=layer,shortcut=padding,{small}",
         ResNet(14, 2, image, 4, norm="layer", shortcut="padding"), x, labels)
    make("resnet8-none", f"resnet8:width=0.125,norm=none,{small}", ResNet(8, 2, image, 4, norm="none"), x, labels)
    make("resnet8-plain", f"resnet8:width=0.125,skip=off,{small}", ResNet(8, 2, image, 4, skip=False), x, labels)
    colours, stages = features(2, 3 * 32 * 32), [1, 1, 2, 2, 2]
    make("vgg11-none", "vgg11:width=0.015625,classes=4", Vgg(stages, 1, 4), colours, labels[:2])
    make("vgg11-batch", "vgg11:width=0.015625,norm=batch,classes=4", Vgg(stages, 1, 4, norm="batch"), colours, labels[:2])
    gpt = "gpt:layers=2,width=8,heads=2,context=5,vocab=7"
    texts = tokens(2, 5, 7), tokens(2, 5, 7)
    make("gpt", gpt, Gpt(2, 8, 2, 5, 7), *texts)
    make("gpt-rotary-tied", f"{gpt},positions=rotary,tied=on", Gpt(2, 8, 2, 5, 7, rotary=True, tied=True), *texts)
    many = tokens(2, 3, 11), tokens(2, 3, 11)
    make("lstm-large-vocabulary", "lstm:vocab=11,hidden=4,steps=3", Lstm(11, 4, 1), *many)
    make("lstm", "lstm:vocab=7,hidden=4,layers=2,steps=5", Lstm(7, 4, 2), *texts)


if __name__ == "__main__":
    main()
