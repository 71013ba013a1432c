"""The networks of the benchmark `engine` in PyTorch, as functions of parameters by name.

Functions instead of modules spare PyTorch the walk through the modules. A network has several forms where more than one
way to write it is reasonable; all compute the same.
"""

import torch
from torch.nn import functional as F

import engine_shapes as shapes


def linear(p, name, x):
    return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


def mlp(p, x):
    for layer in shapes.MLP_LAYERS[:-1]:
        x = F.relu(linear(p, layer, x))
    return linear(p, shapes.MLP_LAYERS[-1], x)


def batch_norm(p, name, x):
    return F.batch_norm(x, None, None, p[f"{name}.weight"], p[f"{name}.bias"], training=True, eps=shapes.EPSILON)


def resnet20(p, x):
    x = F.relu(batch_norm(p, "bn1", F.conv2d(x, p["conv1.weight"], padding=1)))
    for block, stride in shapes.resnet_blocks():
        y = F.conv2d(x, p[f"{block}.conv1.weight"], stride=stride, padding=1)
        y = F.conv2d(F.relu(batch_norm(p, f"{block}.bn1", y)), p[f"{block}.conv2.weight"], padding=1)
        y = batch_norm(p, f"{block}.bn2", y)
        if stride > 1:
            x = batch_norm(p, f"{block}.shortcut.1", F.conv2d(x, p[f"{block}.shortcut.0.weight"], stride=stride))
        x = F.relu(x + y)
    return linear(p, "linear", x.mean((2, 3)))


def vgg16(p, x):
    for layer in shapes.vgg_layers():
        if layer == "pool":
            x = F.max_pool2d(x, 2)
        else:
            x = F.relu(F.conv2d(x, p[f"{layer}.weight"], p[f"{layer}.bias"], padding=1))
    return linear(p, shapes.VGG_HEAD, x.flatten(1))


def attention_by_hand(q, k, v):
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return scores.masked_fill(future, float("-inf")).softmax(-1) @ v


def attention_built_in(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def gpt(attention):
    def network(p, tokens):
        batch, length = tokens.shape
        x = F.embedding(tokens, p["transformer.wte.weight"]) + p["transformer.wpe.weight"]
        for block in shapes.gpt_blocks():
            y = layer_norm(p, f"{block}.ln_1", x)
            qkv = linear(p, f"{block}.attn.c_attn", y).chunk(3, -1)
            q, k, v = (z.view(batch, length, shapes.GPT_HEADS, -1).transpose(1, 2) for z in qkv)
            mixed = attention(q, k, v).transpose(1, 2).reshape(batch, length, -1)
            x = x + linear(p, f"{block}.attn.c_proj", mixed)
            y = F.gelu(linear(p, f"{block}.mlp.c_fc", layer_norm(p, f"{block}.ln_2", x)))
            x = x + linear(p, f"{block}.mlp.c_proj", y)
        return F.linear(layer_norm(p, "transformer.ln_f", x), p["lm_head.weight"])

    return network


def layer_norm(p, name, x):
    weight = p[f"{name}.weight"]
    return F.layer_norm(x, weight.shape, weight, p[f"{name}.bias"], eps=shapes.EPSILON)


def embedded(p, tokens):
    return F.embedding(tokens, p["encoder.weight"])


def lstm_built_in(p, tokens):
    """PyTorch's own LSTM. Its fused kernels for the CPU have no second derivative."""
    weights = [p[f"rnn.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    zero = torch.zeros(1, tokens.shape[0], shapes.LSTM_HIDDEN)
    x = embedded(p, tokens)
    values, _, _ = torch.lstm(x, (zero, zero), weights, True, 1, 0.0, True, False, True)
    return linear(p, "decoder", values)


def lstm_without_onednn(p, tokens):
    """The same, made of simpler operations."""
    with torch.backends.mkldnn.flags(enabled=False):
        return lstm_built_in(p, tokens)


def gates_of_inputs(p, tokens):
    """The inputs of all steps multiplied at once."""
    return F.linear(embedded(p, tokens), p["rnn.weight_ih_l0"], p["rnn.bias_ih_l0"] + p["rnn.bias_hh_l0"])


def gates_of_table(p, tokens):
    """The same with each character multiplied once and then looked up, as Isoloss does: fewer characters than inputs."""
    table = F.linear(p["encoder.weight"], p["rnn.weight_ih_l0"], p["rnn.bias_ih_l0"] + p["rnn.bias_hh_l0"])
    return F.embedding(tokens, table)


def lstm_by_hand(gates):
    """Cell after cell."""

    def network(p, tokens):
        hidden = cell = torch.zeros(tokens.shape[0], shapes.LSTM_HIDDEN)
        values = []
        for step in gates(p, tokens).unbind(1):
            i, f, g, o = (step + hidden @ p["rnn.weight_hh_l0"].T).chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * cell.tanh()
            values.append(hidden)
        return linear(p, "decoder", torch.stack(values, 1))

    return network


FORMS = {
    "mlp": {"": mlp},
    "resnet20": {"": resnet20},
    "vgg16": {"": vgg16},
    "gpt": {"attention by hand": gpt(attention_by_hand), "built-in attention": gpt(attention_built_in)},
    "lstm": {
        "built-in LSTM": lstm_built_in,
        "LSTM by hand, table projected": lstm_by_hand(gates_of_table),
        "LSTM without oneDNN": lstm_without_onednn,
        "LSTM by hand": lstm_by_hand(gates_of_inputs),
    },
}
