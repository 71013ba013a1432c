"""Exports networks of torchvision, timm and transformers with random weights, and compares what Isoloss computes for them
with ONNX Runtime. Not part of the test suite.

    pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 transformers==5.23.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1
    cargo build --release -p isoloss --example onnx_outputs
    python compare.py FOLDER PATH/TO/onnx_outputs [NAME...] > docs/results/onnx.md

Files that are in FOLDER already are not exported again. Running statistics of batch normalisation are drawn, so that they
matter, and so are parameters that start at zero or near it: with them branches of residual networks, or all logits, would
compute nothing that could differ. The error is the largest difference, relative to the largest output.
"""

import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

warnings.filterwarnings("ignore")
BATCH = 2


class Logits(nn.Module):
    """A network of transformers with one input and its first output."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x, return_dict=False)[0]


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.encoder = nn.Embedding(50, 32)
        self.rnn = kind(32, 48, 2, batch_first=True)
        self.decoder = nn.Linear(48, 50)

    def forward(self, x):
        return self.decoder(self.rnn(self.encoder(x))[0])


def vision(name):
    import torchvision

    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    return torchvision.models.get_model(name, weights=None, **options), torch.randn(BATCH, 3, 64, 64)


def vision_large(name):
    return vision(name)[0], torch.randn(BATCH, 3, 224, 224)


def timm_small(name):
    import timm

    net = timm.create_model(name, pretrained=False)
    return net, torch.randn(BATCH, *net.default_cfg["input_size"])


def language(name):
    import transformers as t

    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    causal = {**small, "vocab_size": 99, "num_key_value_heads": 2}
    nets = {
        "gpt2": lambda: t.GPT2LMHeadModel(t.GPT2Config(vocab_size=99, n_embd=32, n_layer=2, n_head=4)),
        "bert": lambda: t.BertForSequenceClassification(t.BertConfig(vocab_size=99, **small)),
        "distilbert": lambda: t.DistilBertForSequenceClassification(
            t.DistilBertConfig(vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=64)
        ),
        "roberta": lambda: t.RobertaForMaskedLM(t.RobertaConfig(vocab_size=99, **small)),
        "electra": lambda: t.ElectraForSequenceClassification(t.ElectraConfig(vocab_size=99, **small)),
        "llama": lambda: t.LlamaForCausalLM(t.LlamaConfig(**causal)),
        "mistral": lambda: t.MistralForCausalLM(t.MistralConfig(**causal)),
        "qwen2": lambda: t.Qwen2ForCausalLM(t.Qwen2Config(**causal)),
        "opt": lambda: t.OPTForCausalLM(
            t.OPTConfig(vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64, word_embed_proj_dim=32)
        ),
    }
    net = nets[name]()
    net.config.use_cache = False
    return Logits(net), torch.randint(3, 99, (BATCH, 12))


def recurrent(name):
    return Recurrent(getattr(nn, name.upper())), torch.randint(0, 50, (BATCH, 10))


# Name, source, exporter.
NETWORKS = [
    *[(name, vision, "legacy") for name in ["resnet18", "mobilenet_v2", "squeezenet1_1", "vgg11_bn", "alexnet"]],
    *[(name, vision, "dynamo") for name in ["resnet50", "densenet121", "mobilenet_v3_small", "efficientnet_b0"]],
    *[(name, vision, "dynamo") for name in ["shufflenet_v2_x0_5", "mnasnet0_5", "googlenet", "regnet_y_400mf"]],
    ("convnext_tiny", vision, "dynamo"),
    ("swin_t", vision_large, "dynamo"),
    ("vit_b_16", vision_large, "dynamo"),
    *[(name, timm_small, "dynamo") for name in ["resnet10t", "convnext_atto", "mobilenetv3_small_050"]],
    *[(name, timm_small, "dynamo") for name in ["efficientnet_lite0", "regnetx_002"]],
    *[(name, timm_small, "dynamo") for name in ["vit_tiny_patch16_224", "resmlp_12_224", "ghostnet_100"]],
    *[(name, timm_small, "dynamo") for name in ["mobilevit_xxs", "edgenext_xx_small", "poolformer_s12", "repvgg_a0"]],
    *[(name, timm_small, "legacy") for name in ["mixer_s32_224", "xcit_nano_12_p16_224", "levit_128s"]],
    *[(name, language, "dynamo") for name in ["gpt2", "bert", "distilbert", "roberta", "electra", "llama"]],
    *[(name, language, "dynamo") for name in ["mistral", "qwen2", "opt"]],
    *[(name, recurrent, "legacy") for name in ["lstm", "gru", "rnn"]],
]


def draw(net):
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
        for parameter in net.parameters():
            if parameter.abs().max() < 1e-3:
                parameter.normal_(0, 0.1)


def export(name, make, exporter, path):
    torch.manual_seed(0)
    net, x = make(name)
    draw(net.eval())
    names = {"input_names": ["x"], "output_names": ["y"]}
    if exporter == "legacy":
        torch.onnx.export(net, (x,), path, dynamo=False, dynamic_axes={"x": {0: "batch"}}, opset_version=17, **names)
    else:
        shapes = ({0: torch.export.Dim("batch")},)
        torch.onnx.export(
            net, (x,), path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False, opset_version=20, **names
        )
    np.save(path.with_suffix(".npy"), x.numpy())


def compare(path, program):
    x = np.load(path.with_suffix(".npy"))
    expected = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    data, out = path.with_suffix(".in"), path.with_suffix(".out")
    data.write_bytes(x.astype("<f4").tobytes())
    done = subprocess.run([program, str(path), str(data), str(BATCH), str(out)], capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr.strip().splitlines()[-1]
    found = np.frombuffer(out.read_bytes(), "<f4")[: expected.size].reshape(expected.shape)
    return np.abs(found - expected).max() / np.abs(expected).max(), done.stdout.strip()


def main():
    folder, program, *wanted = sys.argv[1:]
    folder = Path(folder)
    folder.mkdir(exist_ok=True, parents=True)
    print("# ONNX files against ONNX Runtime\n")
    print("Made by `crates/onnx/tests/compare.py` with random weights, batches of 2 and f32; the error is the largest difference,")
    print("relative to the largest output. Import is reading, decoding and trying the network, and the memory after it.\n")
    print("| network | exporter | MB | error | import |\n|---|---|---|---|---|")
    for name, make, exporter in NETWORKS:
        if wanted and name not in wanted:
            continue
        path = folder / f"{name}.onnx"
        try:
            if not path.with_suffix(".npy").exists():
                start = time.time()
                export(name, make, exporter, path)
                print(f"{name}: exported in {time.time() - start:.1f} s", file=sys.stderr)
            error, note = compare(path, program)
        except Exception as fault:  # An exporter that fails is a line of the table, not the end of it.
            error, note = None, f"not exported: {str(fault).splitlines()[0][:100]}"
        size = path.stat().st_size / 1e6 if path.exists() else 0
        shown = "-" if error is None else f"{error:.1e}"
        print(f"| {name} | {exporter} | {size:.1f} | {shown} | {note} |", flush=True)


main()
