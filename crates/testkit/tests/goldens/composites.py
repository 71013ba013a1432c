"""Writes composites.json: composites and their gradients as PyTorch computes them, in float64.

Made with Python 3.11, torch 2.15.0:

    python composites.py > composites.json

Each case holds the operands in our layouts (channels last; PyTorch's for parameters), the results, fixed random
weights of the results, and the gradients of the weighted sum of the results by each floating-point operand.
"""

import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)

CASES = []


def case(name, function, *operands):
    operands = [operand.clone().requires_grad_(operand.is_floating_point()) for operand in operands]
    results = function(*operands)
    results = results if isinstance(results, tuple) else (results,)
    weights = [torch.randn_like(result) for result in results]
    total = sum((weight * result).sum() for weight, result in zip(weights, results))
    floats = [operand for operand in operands if operand.is_floating_point()]
    gradients = torch.autograd.grad(total, floats)
    CASES.append({
        "name": name,
        "operands": [tensor(operand) for operand in operands],
        "results": [tensor(result) for result in results],
        "weights": [tensor(weight) for weight in weights],
        "gradients": [tensor(gradient) for gradient in gradients],
    })


def tensor(x):
    return {"type": str(x.dtype), "shape": list(x.shape), "elements": x.detach().flatten().tolist()}


def first(x):
    """Channels last to channels first."""
    return x.movedim(-1, 1)


def last(x):
    """Channels first to channels last."""
    return x.movedim(1, -1)


def activations():
    x = 2 * torch.randn(3, 4)
    case("silu", F.silu, x)


def softmaxes():
    x = 2 * torch.randn(2, 3, 4)
    for axis in range(3):
        case(f"softmax over axis {axis}", lambda x, axis=axis: F.softmax(x, axis), x)
    case("log_softmax", lambda x: F.log_softmax(x, -1), x)


def losses():
    logits, labels = 2 * torch.randn(4, 5), torch.tensor([2, 0, -1, 4])
    tokens, token_labels = 2 * torch.randn(2, 3, 5), torch.tensor([[1, 0, 4], [3, -1, 2]])
    classes = labels.abs()

    def loss(**options):
        return lambda x, y: F.cross_entropy(x.movedim(-1, 1), y, **options)

    case("cross_entropy", loss(reduction="none"), logits, classes)
    case("cross_entropy, smoothed", loss(reduction="none", label_smoothing=0.1), logits, classes)
    case("cross_entropy of tokens, one ignored", loss(reduction="none", ignore_index=-1), tokens, token_labels)
    case("mean cross_entropy", loss(), tokens, token_labels.abs())
    case("mean cross_entropy, smoothed, one ignored", loss(label_smoothing=0.2, ignore_index=-1), tokens, token_labels)


def norms():
    x, gain, bias = 2 * torch.randn(2, 3, 2, 4) + 1, torch.randn(4), torch.randn(4)
    running = torch.randn(4), torch.rand(4) + 0.5
    case("layer_norm", lambda x, g, b: F.layer_norm(x, (4,), g, b), x, gain, bias)
    case("rms_norm", lambda x, g: F.rms_norm(x, (4,), g, 1e-5), x, gain)
    case("group_norm", lambda x, g, b: last(F.group_norm(first(x), 2, g, b)), x, gain, bias)
    case("instance_norm", lambda x, g, b: last(F.instance_norm(first(x), weight=g, bias=b)), x, gain, bias)

    def batch_norm_training(x, gain, bias, mean, variance, momentum):
        y = last(F.batch_norm(first(x), None, None, gain, bias, training=True))
        # PyTorch updates its buffers without a gradient: its rule, with one.
        axes, keep = (0, 1, 2), 1 - momentum
        moments = keep * mean + momentum * x.mean(axes), keep * variance + momentum * x.var(axes, unbiased=True)
        stored = mean.detach().clone(), variance.detach().clone()
        F.batch_norm(first(x), *stored, training=True, momentum=momentum)
        for ours, theirs in zip(moments, stored):
            torch.testing.assert_close(ours.detach(), theirs, rtol=1e-14, atol=1e-14)
        return y, *moments

    case("batch_norm, training", lambda *v: batch_norm_training(*v, 0.1), x, gain, bias, *running)
    case("batch_norm, training, momentum 0.3", lambda *v: batch_norm_training(*v, 0.3), x, gain, bias, *running)

    def batch_norm(x, gain, bias, mean, variance):
        # PyTorch's buffers take no gradient: its formula, with one.
        y = (x - mean) / (variance + 1e-5).sqrt() * gain + bias
        theirs = last(F.batch_norm(first(x), mean.detach(), variance.detach(), gain, bias))
        torch.testing.assert_close(y, theirs, rtol=1e-13, atol=1e-13)
        return y

    case("batch_norm, evaluation", batch_norm, x, gain, bias, *running)


def graphs():
    adjacency = torch.rand(4, 4)
    adjacency = adjacency + adjacency.T
    x = torch.randn(4, 3)

    def layer(x, adjacency, w, bias):
        loops = adjacency + torch.eye(4)
        scale = torch.diag(loops.sum(1) ** -0.5)
        return scale @ loops @ scale @ x @ w.T + bias

    case("graph convolution to fewer features", layer, x, adjacency, torch.randn(2, 3), torch.randn(2))
    case("graph convolution to more features", layer, x, adjacency, torch.randn(5, 3), torch.randn(5))


def pools():
    x = torch.randn(2, 3, 2, 4)
    case("global average pool", lambda x: F.adaptive_avg_pool2d(first(x), 1).flatten(1), x)
    case("global maximum pool", lambda x: F.adaptive_max_pool2d(first(x), 1).flatten(1), x)

    def squeeze_excite(x, w, b, v, c):
        gate = torch.sigmoid(F.linear(F.relu(F.linear(x.mean((1, 2)), w, b)), v, c))
        return x * gate[:, None, None, :]

    # Biases that keep the ReLU away from its kink.
    parameters = torch.randn(3, 4), torch.tensor([3.0, -3.0, 3.0]), torch.randn(4, 3), torch.randn(4)
    case("squeeze_excite", squeeze_excite, x, *parameters)
    w = torch.randn(4, 4)
    case("residual", lambda x, w: x + torch.tanh(F.linear(x, w)), torch.randn(3, 4), w)


def attention():
    q, k, v = torch.randn(2, 3, 4, 2), torch.randn(2, 5, 4, 2), torch.randn(2, 5, 4, 3)
    few_k, few_v = k[:, :, :2], v[:, :, :2]
    present = torch.tensor([[True, True, False, True, False], [False] * 5])

    def of(**options):
        def function(q, k, v, *mask):
            if mask:
                options["attn_mask"] = mask[0][:, None, None, :]
            return F.scaled_dot_product_attention(first(q.mT), first(k.mT), first(v.mT), **options)

        def first(x):
            # [N, T, D, H] to [N, H, T, D]
            return x.movedim(-1, 1)

        return lambda *v: function(*v).movedim(1, 2)

    case("attention", of(), q, k, v)
    case("attention, causal", of(is_causal=True), q, k, v)
    case("attention, grouped queries, causal", of(is_causal=True, enable_gqa=True), q, few_k, few_v)
    case("attention, one example without keys", of(), q, k, v, present)

    def rotary(x):
        # As in Llama: the second half of each head, negated, turns the first.
        half = x.shape[-1] // 2
        frequencies = 10000.0 ** (-torch.arange(half) / half)
        angles = torch.outer(torch.arange(x.shape[1]).double(), frequencies).repeat(1, 2)[:, None, :]
        turned = torch.cat([-x[..., half:], x[..., :half]], -1)
        return x * angles.cos() + turned * angles.sin()

    case("rotary", rotary, torch.randn(2, 5, 2, 6))

    module = torch.nn.MultiheadAttention(8, 4, batch_first=True)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(3)

    def self_attention(x, *values):
        names = ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]
        options = {"need_weights": False, "attn_mask": mask, "is_causal": True}
        return torch.func.functional_call(module, dict(zip(names, values)), (x, x, x), options)[0]

    shapes = [(24, 8), (24,), (8, 8), (8,)]
    case("self_attention, causal", self_attention, torch.randn(2, 3, 8), *[torch.randn(shape) / 2 for shape in shapes])

    def rotary_grouped(x, w, u):
        q, k, v = F.linear(x, w).unflatten(-1, (-1, 2)).split([4, 2, 2], 2)
        mixed = of(enable_gqa=True)(rotary(q), rotary(k), v)
        return F.linear(mixed.flatten(2), u)

    operands = torch.randn(2, 3, 6), torch.randn(16, 6) / 3, torch.randn(6, 8) / 3
    case("self_attention, rotary, grouped queries", rotary_grouped, *operands)


def recurrent():
    def layer(kind, size):
        module = kind(3, 2)
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]

        def function(x, *operands):
            state, values = operands[:-4], operands[-4:]
            state = tuple(s[None] for s in state)
            state = state[0] if len(state) == 1 else state or None
            y, last = torch.func.functional_call(module, dict(zip(names, values)), (x, state))
            return (y, *(s[0] for s in last)) if isinstance(last, tuple) else y

        parameters = [torch.randn(size * 2, 3), torch.randn(size * 2, 2), torch.randn(size * 2), torch.randn(size * 2)]
        return function, parameters

    x, h, c = torch.randn(4, 2, 3), torch.randn(2, 2), torch.randn(2, 2)
    lstm, parameters = layer(torch.nn.LSTM, 4)
    case("lstm", lstm, x, *parameters)
    case("lstm from a state", lstm, x, h, c, *parameters)
    case("lstm_cell", lambda x, h, c, *p: lstm(x[None], h, c, *p)[1:], x[0], h, c, *parameters)
    gru, parameters = layer(torch.nn.GRU, 3)
    case("gru", gru, x, *parameters)
    case("gru from a state", gru, x, h, *parameters)
    case("gru_cell", lambda x, h, *p: gru(x[None], h, *p)[0], x[0], h, *parameters)


def images():
    x, w, b = torch.randn(2, 5, 6, 4), torch.randn(6, 4, 3, 2), torch.randn(6)

    def convolution(**options):
        return lambda x, *parameters: last(F.conv2d(first(x), *parameters, **options))

    case("conv2d", convolution(), x, w, b)
    case("conv2d, strided and padded", convolution(stride=(2, 1), padding=(1, 2)), x, w, b)
    case("conv2d, dilated, in groups", convolution(dilation=(1, 2), groups=2), x, w[:, :2], b)
    table, tokens = torch.randn(5, 3), torch.tensor([[1, 4, 1], [0, 1, 2]])
    # No two elements near each other, so that the maximum is smooth.
    spread = torch.randperm(x.numel()).reshape(x.shape) / 4 - 20
    case("max_pool", lambda x: last(F.max_pool2d(first(x), (3, 2), (2, 1), (1, 0))), spread)
    case("average_pool", lambda x: last(F.avg_pool2d(first(x), (3, 2), (2, 1), (1, 0))), x)
    case("embedding", lambda w, i: F.embedding(i, w), table, tokens)


def batches_and_transposes():
    x, w, b = torch.randn(2, 3, 4, 3), torch.randn(3, 2, 3, 2), torch.randn(2)

    def convolution(**options):
        return lambda x, *parameters: last(F.conv_transpose2d(first(x), *parameters, **options))

    case("conv_transpose2d", convolution(), x, w, b)
    case("conv_transpose2d, strided and padded", convolution(stride=(2, 3), padding=(1, 0), output_padding=(1, 2)), x, w, b)
    x, w, b = torch.randn(2, 4, 3), torch.randn(2, 3), torch.randn(2)
    edges = torch.rand(2, 4, 4)

    def graphs(x, edges, w, b):
        loops = edges + torch.eye(4)
        scale = loops.sum(2).rsqrt()
        return (loops * scale[:, :, None] * scale[:, None, :]) @ F.linear(x, w) + b

    case("graph convolution of a batch", graphs, x, edges + edges.mT, w, b)


if __name__ == "__main__":
    groups = [activations, softmaxes, losses, norms, graphs, pools, attention, recurrent, images, batches_and_transposes]
    for group in groups:
        group()
    print('{"torch": ' + json.dumps(torch.__version__) + ', "cases": [')
    print(",\n".join(json.dumps(entry) for entry in CASES))
    print("]}")
