"""The networks that no library has as they are needed here: what Isoloss's architectures are, written for PyTorch."""

import torch
import torch.nn.functional as F
import torchvision
from torch import nn


class LayerNorm2d(nn.LayerNorm):
    """Over the channels of each pixel."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class RmsNorm2d(nn.RMSNorm):
    """Over the channels of each pixel."""

    def __init__(self, channels, eps=1e-5):
        super().__init__(channels, eps=eps)

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def groups(channels):
    return channels // 16 if channels % 16 == 0 else 1


NORMS = {
    "batch": nn.BatchNorm2d,
    "layer": LayerNorm2d,
    "group": lambda channels, eps=1e-5: nn.GroupNorm(groups(channels), channels, eps=eps),
    "instance": lambda channels, eps=1e-5: nn.InstanceNorm2d(channels, affine=True, eps=eps),
    "rms": RmsNorm2d,
    "none": lambda channels, eps=1e-5: nn.Identity(),
}

VECTOR_NORMS = NORMS | {
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
    "rms": lambda channels, eps=1e-5: nn.RMSNorm(channels, eps=eps),
}

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "silu": nn.SiLU,
    "identity": nn.Identity,
}


class Images(nn.Module):
    """A network of images on flattened ones."""

    def __init__(self, image, net):
        super().__init__()
        self.image, self.net = image, net

    def forward(self, x):
        return self.net(x.unflatten(1, self.image))


def mlp(sizes, act="relu", norm="none"):
    modules = []
    for inputs, outputs in zip(sizes, sizes[1:-1]):
        modules.append(nn.Linear(inputs, outputs))
        if norm != "none":
            modules.append(VECTOR_NORMS[norm](outputs))
        modules.append(ACTIVATIONS[act]())
    return nn.Sequential(*modules, nn.Linear(*sizes[-2:]))


def convnet(channels, image, classes, kernel=3, pool="max", end="flatten", dense=0, act="relu", norm="none"):
    modules, (inputs, *size) = [], image
    for layer, outputs in enumerate(channels):
        stride = 2 if pool == "stride" and layer else 1
        modules.append(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2))
        if norm != "none":
            modules.append(NORMS[norm](outputs))
        modules.append(ACTIVATIONS[act]())
        if pool in ("max", "average"):
            modules.append(nn.MaxPool2d(2) if pool == "max" else nn.AvgPool2d(2))
            size = [pixels // 2 for pixels in size]
        size = [-(-pixels // stride) for pixels in size]
        inputs = outputs
    if end == "mean":
        modules.append(nn.AdaptiveAvgPool2d(1))
    else:
        inputs *= size[0] * size[1]
    modules.append(nn.Flatten())
    if dense:
        modules += [nn.Linear(inputs, dense), ACTIVATIONS[act]()]
        inputs = dense
    return Images(image, nn.Sequential(*modules, nn.Linear(inputs, classes)))


class Same(nn.Conv2d):
    """With the padding that Flax calls SAME: an odd row of zeros lies below."""

    def forward(self, x):
        padding = []
        for pixels, size, stride in zip(x.shape[2:], self.kernel_size, self.stride):
            zeros = max((-(-pixels // stride) - 1) * stride + size - pixels, 0)
            padding = [zeros // 2, zeros - zeros // 2] + padding
        return F.conv2d(F.pad(x, padding), self.weight, self.bias, self.stride)


class Style:
    """What the blocks of a residual network have in common."""

    def __init__(self, norm="batch", act="relu", skip=True, window=1, same=False, eps=1e-5):
        self.norm, self.act, self.skip, self.window, self.same, self.eps = norm, act, skip, window, same, eps

    def conv(self, inputs, outputs, window, stride=1):
        bias = self.norm == "none"
        if self.same:
            return Same(inputs, outputs, window, stride, bias=bias)
        return nn.Conv2d(inputs, outputs, window, stride, window // 2, bias=bias)

    def normal(self, channels):
        return NORMS[self.norm](channels, eps=self.eps)

    def activation(self):
        return ACTIVATIONS[self.act]()


class Block(nn.Module):
    def __init__(self, inputs, outputs, style):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1, self.bn1 = style.conv(inputs, outputs, 3, stride), style.normal(outputs)
        self.conv2, self.bn2 = style.conv(outputs, outputs, 3), style.normal(outputs)
        self.act, self.skip, self.shortcut = style.activation(), style.skip, None
        if style.skip and inputs != outputs:
            self.shortcut = nn.Sequential(style.conv(inputs, outputs, style.window, stride), style.normal(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.act(self.bn1(self.conv1(x)))))
        if self.skip:
            y = y + (x if self.shortcut is None else self.shortcut(x))
        return self.act(y)


class PreBlock(nn.Module):
    def __init__(self, inputs, outputs, style):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.bn1, self.conv1 = style.normal(inputs), style.conv(inputs, outputs, 3, stride)
        self.bn2, self.conv2 = style.normal(outputs), style.conv(outputs, outputs, 3)
        self.act, self.shortcut = style.activation(), None
        if inputs != outputs:
            self.shortcut = nn.Sequential(style.conv(inputs, outputs, 1, stride))

    def forward(self, x):
        y = self.act(self.bn1(x))
        x = x if self.shortcut is None else self.shortcut(y)
        return x + self.conv2(self.act(self.bn2(self.conv1(y))))


class ResNet(nn.Module):
    def __init__(self, depth, channels, image, classes, style, pre=False):
        super().__init__()
        self.conv1 = style.conv(image[0], channels, 3)
        self.bn1 = nn.Identity() if pre else style.normal(channels)
        inputs = channels
        for stage in range(3):
            blocks = []
            for _ in range((depth - 2) // 6):
                blocks.append((PreBlock if pre else Block)(inputs, channels << stage, style))
                inputs = channels << stage
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.bn = style.normal(inputs) if pre else nn.Identity()
        self.linear = nn.Linear(inputs, classes)
        self.act, self.pre = style.activation(), pre

    def forward(self, x):
        x = self.conv1(x)
        x = x if self.pre else self.act(self.bn1(x))
        x = self.layer3(self.layer2(self.layer1(x)))
        x = self.act(self.bn(x)) if self.pre else x
        return self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))


def resnet(depth, channels, image, classes, pre=False, **style):
    return Images(image, ResNet(depth, channels, image, classes, Style(**style), pre))


class Narrow(torchvision.models.ResNet):
    """torchvision's network with fewer channels."""

    def __init__(self, block, stages, channels, image, classes, cifar=False):
        self.channels, self.cifar, self.colours = channels, cifar, image[0]
        super().__init__(block, stages, classes)
        self.fc = nn.Linear(8 * channels * block.expansion, classes)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        if planes == 64:
            self.inplanes = self.channels
            self.conv1 = nn.Conv2d(self.colours, self.channels, 7, 2, 3, bias=False)
            if self.cifar:
                self.conv1, self.maxpool = nn.Conv2d(self.colours, self.channels, 3, 1, 1, bias=False), nn.Identity()
            self.bn1 = nn.BatchNorm2d(self.channels)
        return super()._make_layer(block, planes * self.channels // 64, blocks, stride, dilate)


class Vgg(nn.Module):
    def __init__(self, stages, channels, classes, norm="none", act="relu", eps=1e-5, head="linear"):
        super().__init__()
        modules, inputs = [], 3
        for stage, count in enumerate(stages):
            outputs = channels << min(stage, 3)
            for _ in range(count):
                modules.append(nn.Conv2d(inputs, outputs, 3, padding=1))
                if norm != "none":
                    modules.append(NORMS[norm](outputs, eps=eps))
                modules.append(ACTIVATIONS[act]())
                inputs = outputs
            modules.append(nn.MaxPool2d(2))
        self.features, self.classifier = nn.Sequential(*modules), nn.Linear(inputs, classes)
        if head == "mlp":
            hidden = [nn.Linear(inputs, inputs), ACTIVATIONS[act](), nn.Linear(inputs, inputs), ACTIVATIONS[act]()]
            self.classifier = nn.Sequential(*hidden, nn.Linear(inputs, classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Pair(nn.Module):
    def __init__(self, inputs, outputs, norm):
        super().__init__()
        bias = norm == "none"
        self.double_conv = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias), NORMS[norm](outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=bias), NORMS[norm](outputs), nn.ReLU())

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, inputs, outputs, norm):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), Pair(inputs, outputs, norm))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, inputs, outputs, norm):
        super().__init__()
        self.up, self.conv = nn.ConvTranspose2d(inputs, outputs, 2, 2), Pair(inputs, outputs, norm)

    def forward(self, x, beside):
        return self.conv(torch.cat([beside, self.up(x)], 1))


class Unet(nn.Module):
    def __init__(self, channels, levels, image, classes, norm="batch"):
        super().__init__()
        self.inc, self.levels = Pair(image[0], channels, norm), levels
        for level in range(1, levels + 1):
            setattr(self, f"down{level}", Down(channels << (level - 1), channels << level, norm))
        for number in range(1, levels + 1):
            below = channels << (levels - number + 1)
            setattr(self, f"up{number}", Up(below, below // 2, norm))
        self.outc = nn.Module()
        self.outc.conv = nn.Conv2d(channels, classes, 1)

    def forward(self, x):
        images = [self.inc(x)]
        for level in range(1, self.levels + 1):
            images.append(getattr(self, f"down{level}")(images[-1]))
        x = images[-1]
        for number in range(1, self.levels + 1):
            x = getattr(self, f"up{number}")(x, images[self.levels - number])
        return self.outc.conv(x).movedim(1, -1)


class Gcn(nn.Module):
    def __init__(self, sizes, nodes, act="relu"):
        super().__init__()
        self.nodes, self.features, self.act, self.count = nodes, sizes[0], ACTIVATIONS[act](), len(sizes) - 1
        for number, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            layer = nn.Module()
            layer.bias = nn.Parameter(torch.zeros(outputs))
            layer.lin = nn.Linear(inputs, outputs, bias=False)
            setattr(self, f"conv{number + 1}", layer)

    def forward(self, x):
        border = self.nodes * self.features
        features, loops = x[:, :border].unflatten(1, (self.nodes, -1)), torch.eye(self.nodes).double()
        loops = loops + x[:, border:].unflatten(1, (self.nodes, self.nodes))
        scale = loops.sum(2).rsqrt()
        propagation = loops * scale[:, :, None] * scale[:, None, :]
        for number in range(self.count):
            layer = getattr(self, f"conv{number + 1}")
            features = self.act(features) if number else features
            features = propagation @ layer.lin(features) + layer.bias
        return features


class Gru(nn.Module):
    def __init__(self, vocab, hidden, layers):
        super().__init__()
        self.encoder, self.decoder = nn.Embedding(vocab, hidden), nn.Linear(hidden, vocab)
        self.rnn = nn.GRU(hidden, hidden, layers, batch_first=True)

    def forward(self, tokens):
        return self.decoder(self.rnn(self.encoder(tokens))[0])


class Logits(nn.Module):
    """A network of transformers by its logits."""

    def __init__(self, net, image=None):
        super().__init__()
        self.net, self.image = net, image

    def forward(self, x):
        return self.net(x.unflatten(1, self.image) if self.image else x).logits


def in_double(net):
    """A network like Llama of transformers without its detours through 32-bit floats, which even f64 takes there."""
    for module in net.modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = lambda x, own=module: F.rms_norm(x, x.shape[-1:], own.weight, own.variance_epsilon)
        if type(module).__name__.endswith("RotaryEmbedding"):
            module.forward = lambda x, position_ids, own=module: angles(own.config, position_ids)
    return net


def angles(config, positions):
    depth = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    rates = config.rope_parameters["rope_theta"] ** (-torch.arange(0, depth, 2).double() / depth)
    angles = (positions[..., None].double() * rates).repeat(1, 1, 2)
    return angles.cos(), angles.sin()
