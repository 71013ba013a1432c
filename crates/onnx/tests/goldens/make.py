"""Small networks as PyTorch exports them, and what ONNX Runtime computes for them.

    pip install torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1
    python make.py

For each network there is NAME.onnx and NAME.data: the inputs, then the outputs for a batch of 3, row-major as
little-endian f32, integers too. In NAME.trained.data the outputs are those of PyTorch in training, followed by the new
running statistics in the order of the file's entries.
"""

import os
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent
BATCH = 3


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(x + self.bn2(self.conv2(y)))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.block = Residual(8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.block(self.pool(F.relu(self.bn(self.stem(x)))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Digits(nn.Module):
    """For the data set that the commands bring along: 8 x 8 pixels, 10 classes."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(6)
        self.fc1 = nn.Linear(96, 16)
        self.fc2 = nn.Linear(16, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.conv(x))), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Mobile(nn.Module):
    """Depthwise and grouped convolutions, squeeze and excitation, hard activations, poolings that round up."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.squeeze = nn.Conv2d(8, 4, 1)
        self.excite = nn.Conv2d(4, 8, 1)
        self.grouped = nn.Conv2d(8, 12, 3, stride=2, padding=1, groups=4)
        self.prelu = nn.PReLU(12)
        self.up = nn.ConvTranspose2d(12, 6, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.head = nn.Linear(6 * 4 * 4, 7)

    def forward(self, x):
        x = F.hardswish(self.depthwise(self.a(x)))
        gate = self.excite(F.relu6(self.squeeze(x.mean((2, 3), keepdim=True))))
        x = x * F.hardsigmoid(gate)
        x = F.avg_pool2d(self.prelu(self.grouped(x)), 3, 2, 1, ceil_mode=True, count_include_pad=False)
        x = F.avg_pool2d(self.up(x), 2, 1, 1, ceil_mode=True)
        x = F.max_pool2d(F.leaky_relu(x, 0.2), 3, 3, ceil_mode=True)
        return self.head(F.interpolate(x, size=(4, 4), mode="nearest").flatten(1))


class UNet(nn.Module):
    """Concatenation, nearest interpolation, group and instance norm, padding modes, pixel shuffle."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(2, 8, 3, stride=2, padding=1, padding_mode="reflect")
        self.group = nn.GroupNorm(2, 8)
        self.middle = nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular")
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.up = nn.Conv2d(10, 8, 3, padding="same")
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x):
        y = F.silu(self.group(self.down(x)))
        y = F.elu(self.instance(self.middle(y)))
        y = torch.cat([F.interpolate(y, scale_factor=2.0, mode="nearest"), x], 1)
        y = self.shuffle(F.softplus(self.up(y)))
        return F.max_pool2d(F.pad(y, (1, 2, 0, 1), value=0.5), 3, 2, dilation=2)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True, activation="gelu")
        self.embed = nn.Linear(6, 16)
        self.position = nn.Parameter(torch.randn(1, 5, 16))
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x) + self.position).mean(1))


class Gpt(nn.Module):
    """A causal transformer with scaled_dot_product_attention and tied weights."""

    def __init__(self, norm=nn.RMSNorm):
        super().__init__()
        self.tokens = nn.Embedding(11, 16)
        self.positions = nn.Embedding(7, 16)
        self.ln = nn.LayerNorm(16)
        self.qkv = nn.Linear(16, 48)
        self.out = nn.Linear(16, 16)
        self.rms = norm(16, eps=1e-5)
        self.up = nn.Linear(16, 32)
        self.down = nn.Linear(32, 16)

    def forward(self, tokens):
        n, t = tokens.shape
        x = self.tokens(tokens) + self.positions(torch.arange(t))
        q, k, v = self.qkv(self.ln(x)).chunk(3, -1)
        q, k, v = (z.view(n, t, 2, 8).transpose(1, 2) for z in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(n, t, 16))
        x = x + self.down(F.gelu(self.up(self.rms(x)), approximate="tanh"))
        return x @ self.tokens.weight.T


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.embed = nn.Embedding(9, 6)
        self.rnn = kind(6, 5, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(10, 4)

    def forward(self, tokens):
        y, state = self.rnn(self.embed(tokens))
        last = state[0] if isinstance(state, tuple) else state
        return self.head(y) + last[0][:, None, :4]


class Zoo(nn.Module):
    """Functions of single elements, reductions, and pieces of tensors."""

    def forward(self, x):
        a = torch.stack([F.celu(x, 0.7), F.selu(x), F.mish(x), F.softsign(x), torch.erf(x), F.gelu(x)], 1)
        b = torch.stack([x.abs().sqrt(), (x.abs() + 0.1).log(), x.exp(), x.sin(), x.cos(), x.sign()], 1)
        c = torch.stack([x.floor(), x.ceil(), x**2, x.abs() ** 1.5, x.clamp(-0.5, 0.25), 1 / (x.abs() + 1)], 1)
        y = torch.cat([a, b, c], 1)
        y = torch.where(y > 0.3, y, -y) + torch.maximum(a, b).sum(1, keepdim=True)
        sums = [y.sum((2, 3)), y.mean((2, 3)), y.amax((2, 3)), y.amin((2, 3)), y.flatten(2).norm(dim=2)]
        sums += [torch.logsumexp(y.flatten(2), 2), y.log_softmax(1)[:, :, 0, 1], y.softmax(2)[:, :, 1, 2]]
        parts = [y[:, 1:-1:2, ::2, 1].flatten(1), y.flip(3)[:, 0, 0], y.tril(1)[:, 3, :2].flatten(1)]
        parts += [y.repeat(1, 1, 2, 1)[:, 2, 3:6].flatten(1), y[:, [4, 0, 7]].flatten(1)]
        first, second = y.split([5, 13], 1)
        parts += [torch.einsum("bchw,bdhw->bcd", first, second).flatten(1)]
        parts += [torch.remainder(x, 0.7).flatten(1), torch.fmod(x, 0.7).flatten(1)]
        return torch.cat([torch.stack(sums, 1).flatten(1), *parts], 1)


class Losses(nn.Module):
    """Cross-entropy and likelihood with class weights, ignored labels and every reduction, of rows and of images."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 12)
        self.register_buffer("weight", torch.tensor([0.5, 2.0, 1.0, 0.25]))

    def forward(self, x):
        labels = (x[:, 0] > 0).long() * 2 + (x[:, 1] > 0).long()
        rows = self.fc(x)[:, :4]
        images = self.fc(x).view(-1, 4, 3, 1)
        places = (images[:, 0] > 0).long() + (images[:, 1] > 0).long()
        losses = [F.cross_entropy(rows, labels), F.cross_entropy(rows, labels, self.weight)]
        losses += [F.cross_entropy(rows, labels, reduction="sum"), F.cross_entropy(rows, labels, ignore_index=1)]
        losses += [F.cross_entropy(images, places, self.weight, ignore_index=0)]
        losses += [F.nll_loss(rows.log_softmax(1), labels), F.nll_loss(images.log_softmax(1), places, self.weight)]
        each = F.cross_entropy(images, places, reduction="none").flatten(1)
        return torch.cat([each, torch.stack(losses)[None].expand(each.shape[0], -1)], 1)


def inputs_of(net):
    torch.manual_seed(7)
    if isinstance(net, Gpt):
        return torch.randint(0, 11, (BATCH, 7))
    if isinstance(net, Recurrent):
        return torch.randint(0, 9, (BATCH, 4))
    shapes = {ResNet: (3, 16, 16), Digits: (1, 8, 8), Mobile: (3, 13, 13), UNet: (2, 12, 12), Encoder: (5, 6), Losses: (6,)}
    shape = shapes.get(type(net), (3, 4))
    return torch.randn(BATCH, *shape)


def legacy(net, x, path, **options):
    torch.onnx.export(
        net, (x,), path, dynamo=False, input_names=["x"], output_names=["y"],
        dynamic_axes=options.pop("dynamic_axes", {"x": {0: "batch"}}), **options,
    )


def dynamo(net, x, path, **options):
    batch = torch.export.Dim("batch", min=2)
    torch.onnx.export(
        net, (x,), path, dynamo=True, input_names=["x"], output_names=["y"],
        dynamic_shapes=({0: batch},), external_data=False, verbose=False, **options,
    )


def write(path, arrays):
    path.write_bytes(b"".join(np.ascontiguousarray(a, dtype="<f4").tobytes() for a in arrays))


def small(path):
    """Takes out what says where in the exporter's program a node comes from."""
    model = onnx.load(path)
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    onnx.save(model, path)


def record(name, x):
    path = HERE / f"{name}.onnx"
    onnx.checker.check_model(str(path))
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = session.get_inputs()[0]
    array = x.numpy()
    array = array.astype({"tensor(float16)": np.float16, "tensor(int64)": np.int64}.get(feed.type, np.float32))
    outputs = session.run(None, {feed.name: array})
    write(HERE / f"{name}.data", [array, *outputs])
    print(f"{name:32} {path.stat().st_size:8} {sorted({n.op_type for n in onnx.load(path).graph.node})}")


def golden(name, net, export, **options):
    x = inputs_of(net)
    path = str(HERE / f"{name}.onnx")
    export(net, x, path, **options)
    small(path)
    record(name, x)


def make(kind, *arguments):
    torch.manual_seed(3)
    net = kind(*arguments).eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
    return net


def trained(name, net):
    """The same file, and PyTorch's outputs and new statistics in training."""
    x = inputs_of(net)
    names = [i.name for i in onnx.load(HERE / f"{name}.onnx").graph.initializer]
    net.train()
    with torch.no_grad():
        y = net(x)
    state = net.state_dict()
    statistics = [state[n] for n in names if n.endswith(("running_mean", "running_var"))]
    write(HERE / f"{name}.trained.data", [x, y, *statistics])


def stored_otherwise():
    """The small residual network with its weights stored in other ways."""
    source = onnx.load(HERE / "resnet-kept.onnx")
    x = inputs_of(make(ResNet))
    typed = onnx.ModelProto()
    typed.CopyFrom(source)
    for tensor in typed.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor)
            tensor.CopyFrom(helper.make_tensor(tensor.name, TensorProto.FLOAT, array.shape, array.flatten()))
    onnx.save(typed, HERE / "resnet-typed.onnx")
    record("resnet-typed", x)
    onnx.save(
        source, HERE / "resnet-external.onnx", save_as_external_data=True, all_tensors_to_one_file=True,
        location="resnet-external.weights", size_threshold=64,
    )
    record("resnet-external", x)


def halves(name, dtype):
    net = make(Encoder).to(dtype)
    x = inputs_of(net)
    path = HERE / f"{name}.onnx"
    dynamo(net, x.to(dtype), str(path), opset_version=20)
    small(path)
    with torch.no_grad():
        y = make(Encoder).to(dtype).float()(x.to(dtype).float())
    write(HERE / f"{name}.data", [x.to(dtype).float(), y])


def main():
    os.chdir(HERE)
    for old in [*HERE.glob("*.onnx"), *HERE.glob("*.data"), *HERE.glob("*.weights")]:
        old.unlink()
    fixed = {"dynamic_axes": None}
    keep = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    golden("resnet-folded", make(ResNet), legacy)
    golden("resnet-kept", make(ResNet), legacy, **keep)
    trained("resnet-kept", make(ResNet))
    golden("digits", make(Digits), legacy, **keep)
    golden("resnet-dynamo", make(ResNet), dynamo, opset_version=20)
    golden("resnet-dynamo-kept", make(ResNet), dynamo, opset_version=20, optimize=False)
    golden("resnet-fixed", make(ResNet), legacy, **fixed)
    golden("mobile-legacy", make(Mobile), legacy, opset_version=17)
    golden("mobile-dynamo", make(Mobile), dynamo, opset_version=18)
    golden("unet-legacy", make(UNet), legacy, opset_version=18)
    golden("unet-dynamo", make(UNet), dynamo, opset_version=21)
    golden("encoder-legacy", make(Encoder), legacy, opset_version=17)
    golden("resnet-legacy-9", make(ResNet), legacy, opset_version=9)
    golden("encoder-fixed", make(Encoder), legacy, opset_version=20, **fixed)
    golden("encoder-dynamo", make(Encoder), dynamo, opset_version=20)
    golden("encoder-attention", make(Encoder), dynamo, opset_version=23)
    golden("gpt-legacy", make(Gpt, nn.LayerNorm), legacy, opset_version=17)
    golden("gpt-dynamo", make(Gpt), dynamo, opset_version=20)
    golden("gpt-attention", make(Gpt), dynamo, opset_version=23)
    for kind in [nn.LSTM, nn.GRU, nn.RNN]:
        golden(f"{kind.__name__.lower()}-legacy", make(Recurrent, kind), legacy, opset_version=17)
    golden("lstm-dynamo", make(Recurrent, nn.LSTM), dynamo, opset_version=20)
    golden("zoo-legacy", make(Zoo), legacy, opset_version=17)
    golden("zoo-dynamo", make(Zoo), dynamo, opset_version=20)
    golden("losses-legacy", make(Losses), legacy, opset_version=17)
    golden("losses-dynamo", make(Losses), dynamo, opset_version=20)
    halves("encoder-f16", torch.float16)
    halves("encoder-bf16", torch.bfloat16)
    stored_otherwise()


main()
