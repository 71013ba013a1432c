"""Makes the files of this folder: results of PyTorch on networks whose weights are a formula.

Made with Python 3.11, torch 2.15.0 (CPU, float64), torchvision 0.29.2, timm 1.0.31, transformers 5.23.0, numpy 2.4.6:

    python make.py

Element `i` of the tensor called `name` is `uniform(name, i)` or made of it (see `value`), so that no weights need be stored.
Inputs and labels are made in the same way. Each file names the model and holds, all computed in float64, the logits and the
mean cross-entropy in evaluation mode; the same in training mode; for each gradient and each new buffer its norm and its
product with a random vector; and the loss in training mode after one step of `sgd:lr=0.01,momentum=0.9,weight_decay=0.0005`.
"""

import json
import os
import re
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import timm
import torch
import torch.nn.functional as F
import torchvision
import transformers

from networks import Gcn, Gru, Images, Logits, Narrow, Unet, Vgg, convnet, in_double, mlp, resnet


def uniform(name, count):
    """The first numbers in [-1, 1) of a name, multiples of 2^-23: FNV-1a of the name, then SplitMix64."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0


def value(name, shape):
    """Matrices and kernels have variance 1/(elements of a row), gains and variances lie around 1, the rest around 0."""
    count = int(np.prod(shape))
    numbers = uniform(name, count)
    if len(shape) > 1:
        numbers = np.sqrt(3.0 / (count // shape[0])) * numbers
    elif name.endswith("weight") or name.endswith("running_var"):
        numbers = 1.0 + numbers / 2.0
    else:
        numbers = numbers / 2.0
    return torch.from_numpy(numbers.astype(np.float32).astype(np.float64)).reshape(shape)


def classes(name, shape, count):
    numbers = (uniform(name, int(np.prod(shape))) + 1.0) / 2.0
    return torch.from_numpy(np.floor(numbers * count).astype(np.int64)).reshape(shape)


def features(batch, count):
    return torch.from_numpy(uniform("x", batch * count)).reshape(batch, count)


def graphs(batch, nodes, width):
    """Features, and an edge wherever a number of the upper triangle is positive."""
    own = features(batch, nodes * (width + nodes))
    own, edges = own[:, : nodes * width], own[:, nodes * width :].unflatten(1, (nodes, nodes))
    edges = torch.triu(edges > 0, 1).double()
    return torch.cat([own, (edges + edges.mT).flatten(1)], 1)


def summary(name, tensor):
    product = float(tensor.flatten() @ torch.from_numpy(uniform(f"along {name}", tensor.numel())))
    return [float(tensor.norm()), product]


def make(file, spec, net, x, labels, rename=lambda name: name):
    """`rename` says what Isoloss calls a parameter: what it is called in files."""
    net = net.double()
    clean = lambda name: rename(re.sub(r"^net\.", "", name))
    parameters = {clean(name): parameter for name, parameter in net.named_parameters()}
    buffers = {clean(name): buffer for name, buffer in net.named_buffers() if "running_" in name}
    with torch.no_grad():
        for name, tensor in (parameters | buffers).items():
            tensor.copy_(value(name, tensor.shape))
    loss = lambda logits: F.cross_entropy(logits.flatten(0, -2), labels.flatten())
    net.eval()
    with torch.no_grad():
        logits = net(x)
    result = {"model": spec, "parameters": len(parameters), "logits": logits.flatten().tolist(), "loss": float(loss(logits))}
    net.train()
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    total = loss(net(x))
    gradients = torch.autograd.grad(total, list(parameters.values()))
    result["training loss"] = total.item()
    result["gradients"] = {name: summary(name, gradient) for name, gradient in zip(parameters, gradients)}
    result["buffers"] = {name: summary(name, buffer) for name, buffer in buffers.items()}
    optimizer = torch.optim.SGD(parameters.values(), lr=0.01, momentum=0.9, weight_decay=0.0005)
    for parameter, gradient in zip(parameters.values(), gradients):
        parameter.grad = gradient
    optimizer.step()
    with torch.no_grad():
        result["loss after a step"] = float(loss(net(x)))
    text = json.dumps(result, indent=0)
    Path(__file__).parent.joinpath(f"{file}.json").write_text(text + "\n")


def vectors():
    x, labels = features(5, 6), classes("labels", (5,), 3)
    for act in ["sigmoid", "gelu_tanh", "silu", "identity"]:
        make(f"mlp-{act}", f"mlp:6-8-5-3,act={act}", mlp([6, 8, 5, 3], act), x, labels)
    for norm in ["group", "rms"]:
        make(f"mlp-{norm}", f"mlp:6-32-8-3,act=tanh,norm={norm}", mlp([6, 32, 8, 3], "tanh", norm), x, labels)


def images():
    image, small = (2, 8, 6), "in=2x8x6,classes=4"
    x, labels = features(3, 96), classes("labels", (3,), 4)
    args = image, 4
    make("convnet", f"convnet:3-5,act=tanh,{small}", convnet([3, 5], *args, act="tanh"), x, labels)
    make("convnet-average-dense", f"convnet:3-5,kernel=5,pool=average,dense=7,act=silu,norm=batch,{small}",
         convnet([3, 5], *args, kernel=5, pool="average", dense=7, act="silu", norm="batch"), x, labels)
    make("convnet-stride-mean", f"convnet:3-5-4,pool=stride,end=mean,act=gelu,norm=instance,{small}",
         convnet([3, 5, 4], *args, pool="stride", end="mean", act="gelu", norm="instance"), x, labels)
    make("convnet-plain-rms", f"convnet:3,pool=none,act=tanh,norm=rms,{small}",
         convnet([3], *args, pool="none", act="tanh", norm="rms"), x, labels)
    make("resnet8-gelu", f"resnet8:width=0.125,act=gelu,{small}", resnet(8, 2, *args, act="gelu"), x, labels)
    make("resnet8-group", f"resnet8:width=0.125,norm=group,act=silu,{small}",
         resnet(8, 2, *args, norm="group", act="silu"), x, labels)
    make("resnet20-rebasin", f"resnet20:width=0.125,norm=layer,shortcut=projection3x3,padding=same,eps=1e-6,{small}",
         resnet(20, 2, *args, norm="layer", window=3, same=True, eps=1e-6), x, labels)
    make("preresnet8", f"preresnet8:width=0.125,act=tanh,{small}", resnet(8, 2, *args, pre=True, act="tanh"), x, labels)
    make("preresnet14-layer", f"preresnet14:width=0.125,norm=layer,{small}",
         resnet(14, 2, *args, pre=True, norm="layer"), x, labels)
    colours, labels = features(2, 3 * 32 * 32), classes("labels", (2,), 4)
    stages = [2, 2, 3, 3, 3]
    make("vgg16-rebasin", "vgg16:width=0.03125,norm=layer,head=mlp,eps=1e-6,classes=4",
         Images((3, 32, 32), Vgg(stages, 2, 4, norm="layer", eps=1e-6, head="mlp")), colours, labels)
    make("vgg11-tanh", "vgg11:width=0.015625,act=tanh,classes=4",
         Images((3, 32, 32), Vgg([1, 1, 2, 2, 2], 1, 4, act="tanh")), colours, labels)


def large_images():
    basic, bottleneck = torchvision.models.resnet.BasicBlock, torchvision.models.resnet.Bottleneck
    image, labels = (3, 64, 64), classes("labels", (2,), 4)
    x = features(2, 3 * 64 * 64)
    make("resnet18", "resnet18:width=0.0625,in=3x64x64,classes=4",
         Images(image, Narrow(basic, [2, 2, 2, 2], 4, image, 4)), x, labels)
    make("resnet50", "resnet50:width=0.0625,in=3x64x64,classes=4",
         Images(image, Narrow(bottleneck, [3, 4, 6, 3], 4, image, 4)), x, labels)
    image, x = (3, 16, 16), features(3, 3 * 16 * 16)
    make("resnet34-cifar", "resnet34:width=0.0625,stem=cifar,in=3x16x16,classes=4",
         Images(image, Narrow(basic, [3, 4, 6, 3], 4, image, 4, cifar=True)), x, classes("labels", (3,), 4))


def pixels_and_nodes():
    image, labels = (2, 8, 4), classes("labels", (2, 8, 4), 2)
    for norm in ["batch", "none"]:
        make(f"unet-{norm}", f"unet:width=0.0625,levels=2,norm={norm},in=2x8x4",
             Images(image, Unet(4, 2, image, 2, norm=norm)), features(2, 64), labels)
    make("gcn", "gcn:5-4-6-3,nodes=7,act=tanh", Gcn([5, 4, 6, 3], 7, act="tanh"), graphs(2, 7, 5), classes("labels", (2, 7), 3))


def in_files(name):
    """What files call a parameter of transformers' ViT."""
    for ours, theirs in [(r"^vit\.layers\.", "vit.encoder.layer."), (r"attention\.o_proj", "attention.output.dense"),
                         (r"attention\.q_proj", "attention.attention.query"), (r"attention\.k_proj", "attention.attention.key"),
                         (r"attention\.v_proj", "attention.attention.value"), (r"mlp\.fc1", "intermediate.dense"),
                         (r"mlp\.fc2", "output.dense")]:
        name = re.sub(ours, theirs, name)
    return name


def vision_transformers():
    image, x, labels = (2, 8, 8), features(2, 128), classes("labels", (2,), 3)
    net = timm.models.VisionTransformer(img_size=8, patch_size=4, in_chans=2, num_classes=3, embed_dim=8, depth=2,
                                        num_heads=2, mlp_ratio=1.5)
    sizes = "layers=2,width=8,heads=2,hidden=12,in=2x8x8,classes=3"
    make("vit-timm", f"vit:{sizes}", Images(image, net), x, labels)
    config = transformers.ViTConfig(num_hidden_layers=2, hidden_size=8, num_attention_heads=2, intermediate_size=12,
                                    image_size=8, patch_size=4, num_channels=2, num_labels=3, qkv_bias=False)
    make("vit-transformers", f"vit:{sizes},eps=1e-12,bias=off,names=transformers",
         Logits(transformers.ViTForImageClassification(config), image), x, labels, in_files)


def texts():
    tokens, labels = classes("x", (2, 5), 7), classes("labels", (2, 5), 7)
    make("gru", "gru:vocab=7,hidden=4,layers=2,steps=5", Gru(7, 4, 2), tokens, labels)
    gpt = transformers.GPT2Config(n_layer=2, n_embd=8, n_head=2, n_positions=5, vocab_size=7, bos_token_id=0, eos_token_id=0)
    make("gpt2", "gpt:layers=2,width=8,heads=2,context=5,vocab=7,act=gelu_tanh,tied=on,matrices=conv1d",
         Logits(transformers.GPT2LMHeadModel(gpt)), tokens, labels)
    sizes = dict(num_hidden_layers=2, hidden_size=8, num_attention_heads=4, num_key_value_heads=2, intermediate_size=12,
                 vocab_size=7, max_position_embeddings=5, bos_token_id=0, eos_token_id=0, pad_token_id=None)
    spec = "llama:layers=2,width=8,hidden=12,context=5,vocab=7"
    make("llama", f"{spec},depth=4,eps=1e-6", Logits(in_double(transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, head_dim=4)))), tokens, labels)
    make("mistral", f"{spec},base=1e5,eps=1e-6",
         Logits(in_double(transformers.MistralForCausalLM(transformers.MistralConfig(**sizes, rope_theta=1e5)))), tokens, labels)
    make("qwen2", f"{spec},base=1e6,eps=1e-6,bias=on,tied=on",
         Logits(in_double(transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**sizes, rope_theta=1e6, tie_word_embeddings=True)))), tokens, labels)
    encoders(tokens, labels)


def encoders(tokens, labels):
    config = transformers.BertConfig(num_hidden_layers=2, hidden_size=8, num_attention_heads=2, intermediate_size=12,
                                     vocab_size=7, max_position_embeddings=5, num_labels=3, pad_token_id=None)
    sizes = "layers=2,width=8,heads=2,hidden=12,context=5,vocab=7"
    make("bert-masked", f"bert:{sizes}", Logits(transformers.BertForMaskedLM(config)), tokens, labels)
    make("bert-sequence", f"bert:{sizes},head=sequence,classes=3",
         Logits(transformers.BertForSequenceClassification(config)), tokens, classes("labels", (2,), 3))
    make("bert-token", f"bert:{sizes},head=token,classes=3",
         Logits(transformers.BertForTokenClassification(config)), tokens, classes("labels", (2, 5), 3))


if __name__ == "__main__":
    torch.manual_seed(0)
    vectors()
    images()
    large_images()
    pixels_and_nodes()
    vision_transformers()
    texts()
