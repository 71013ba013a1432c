"""Small modules that return a loss as PyTorch exports them, and PyTorch's losses and gradients of them.

    pip install torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 safetensors
    python make.py

For each there is NAME.onnx and NAME.safetensors: `x` and `labels` (numbers of classes), then for evaluation and training
`evaluation.loss`, `evaluation.gradient.PARAMETER`, `training.loss`, ... and `training.new.BUFFER`, computed in f64 from the f32
weights of the file and rounded to f32. In `refused` are modules that are no objective of batches of examples and labels.
"""

import os
import warnings
from pathlib import Path

import onnx
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent
BATCH = 5


class Classifier(nn.Module):
    """Cross-entropy of a small convolutional network, labels as its second input."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(16, 10)

    def forward(self, x, labels):
        x = F.max_pool2d(F.relu(self.bn(self.conv(x))), 4)
        return F.cross_entropy(self.fc(x.flatten(1)), labels)


class Regression(nn.Module):
    """The squared error of a network with a float target for each class."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 6)
        self.fc2 = nn.Linear(6, 10)

    def forward(self, x, target):
        return F.mse_loss(self.fc2(torch.tanh(self.fc1(x))), target)


class Binary(nn.Module):
    """Binary cross-entropy of one logit, with a number as its target."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 1)

    def forward(self, x, target):
        return F.binary_cross_entropy_with_logits(self.fc(x), target)


class Autoencoder(nn.Module):
    """What is lost of the examples between an encoder and a decoder; no labels."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(64, 5)
        self.decoder = nn.Linear(5, 64)

    def forward(self, x):
        flat = x.flatten(1)
        return (self.decoder(F.gelu(self.encoder(flat))) - flat).pow(2).sum(1).mean()


class Language(nn.Module):
    """Cross-entropy of the tokens after each token."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 6)
        self.out = nn.Linear(6, 7)

    def forward(self, tokens, labels):
        return F.cross_entropy(self.out(torch.cumsum(self.embed(tokens), 1)).flatten(0, 1), labels.flatten())


class Shifting(Language):
    """The same as one input, which the network shifts itself."""

    def forward(self, tokens):
        return super().forward(tokens[:, :-1], tokens[:, 1:])


class Summed(Autoencoder):
    """A sum over the batch."""

    def forward(self, x):
        return super().forward(x) * x.shape[0]


class Counted(nn.Module):
    """A mean by a number of examples that the exporter writes into the file."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 1)

    def forward(self, x):
        return self.fc(x).pow(2).sum() / int(x.shape[0])


class Masked(Regression):
    """Three inputs."""

    def forward(self, x, target, mask):
        return (super().forward(x, target) * mask).mean()


class Paired(Regression):
    """Two inputs and logits."""

    def forward(self, x, other):
        return self.fc2(torch.tanh(self.fc1(x + other)))


class Denoising(Autoencoder):
    """A target that is an image."""

    def forward(self, x, clean):
        return (self.decoder(self.encoder(x.flatten(1))) - clean.flatten(1)).pow(2).mean()


def digits(*shape):
    torch.manual_seed(7)
    return torch.rand(BATCH, *shape), torch.tensor([3, 0, 9, 3, 1])


def texts():
    torch.manual_seed(7)
    tokens = torch.randint(0, 7, (BATCH, 5))
    return tokens[:, :4].clone(), tokens[:, 1:].clone()


def integers(labels):
    return labels


def one_hot(labels):
    return F.one_hot(labels, 10).float()


def numbers(labels):
    return (labels % 2).float()[:, None]


def legacy(net, arguments, path, dynamic=True):
    names = ["x", "labels", "mask"][: len(arguments)]
    torch.onnx.export(
        net, arguments, path, dynamo=False, input_names=names, output_names=["loss"], opset_version=17,
        dynamic_axes={name: {0: "batch"} for name in names} if dynamic else None,
        training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
    )


def fixed(net, arguments, path):
    legacy(net, arguments, path, dynamic=False)


def dynamo(net, arguments, path):
    batch = torch.export.Dim("batch", min=2)
    torch.onnx.export(
        net, arguments, path, dynamo=True, optimize=False, input_names=["x", "labels"][: len(arguments)],
        output_names=["loss"], opset_version=20, dynamic_shapes=tuple({0: batch} for _ in arguments),
        external_data=False, verbose=False,
    )


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
    onnx.checker.check_model(path)
    return sorted({node.op_type for node in model.graph.node})


def results(net, arguments, mode):
    net.double().train(mode == "training")
    net.zero_grad()
    arguments = [a.double() if a.is_floating_point() else a for a in arguments]
    loss = net(*arguments)
    loss.backward()
    found = {f"{mode}.loss": loss.detach()}
    found |= {f"{mode}.gradient.{name}": p.grad for name, p in net.named_parameters()}
    if mode == "training":
        found |= {f"{mode}.new.{name}": b for name, b in net.named_buffers() if b.is_floating_point()}
    return found


def golden(name, kind, export, data, target):
    torch.manual_seed(3)
    net = kind().eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
    x, labels = data
    arguments = (x,) if target is None else (x, target(labels))
    path = str(HERE / f"{name}.onnx")
    export(net, arguments, path)
    operators = small(path)
    tensors = {"x": x.flatten(1), "labels": labels} | results(net, arguments, "evaluation")
    tensors |= results(net, arguments, "training")
    tensors = {key: value.detach().float().contiguous() for key, value in tensors.items()}
    save_file(tensors, HERE / f"{name}.safetensors", metadata={"torch": torch.__version__})
    print(f"{name:24} {os.path.getsize(path):7} {operators}")


def refused(name, kind, arguments, dynamic=True):
    torch.manual_seed(3)
    path = str(HERE / "refused" / f"{name}.onnx")
    legacy(kind().eval(), arguments, path, dynamic)
    small(path)


def main():
    (HERE / "refused").mkdir(exist_ok=True)
    for old in [*HERE.glob("**/*.onnx"), *HERE.glob("*.safetensors")]:
        old.unlink()
    images, flat = digits(1, 8, 8), digits(64)
    golden("classifier-legacy", Classifier, legacy, images, integers)
    golden("classifier-dynamo", Classifier, dynamo, images, integers)
    golden("classifier-fixed", Classifier, fixed, images, integers)
    golden("regression-legacy", Regression, legacy, flat, one_hot)
    golden("regression-dynamo", Regression, dynamo, flat, one_hot)
    golden("binary-legacy", Binary, legacy, (flat[0], flat[1] % 2), numbers)
    golden("binary-dynamo", Binary, dynamo, (flat[0], flat[1] % 2), numbers)
    golden("autoencoder-legacy", Autoencoder, legacy, images, None)
    golden("autoencoder-dynamo", Autoencoder, dynamo, images, None)
    golden("language-legacy", Language, legacy, texts(), integers)
    golden("language-dynamo", Language, dynamo, texts(), integers)
    golden("shifting-dynamo", Shifting, dynamo, texts(), None)
    refused("summed", Summed, (images[0],))
    refused("counted", Counted, (flat[0],), dynamic=False)
    refused("masked", Masked, (flat[0], one_hot(flat[1]), torch.ones(BATCH)))
    refused("paired", Paired, (flat[0], flat[0]))
    refused("denoising", Denoising, (images[0], images[0]))


main()
