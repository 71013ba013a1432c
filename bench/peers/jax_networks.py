"""The networks of the benchmark `engine` in JAX, as functions of parameters by name, in PyTorch's layouts."""

import jax
import jax.numpy as jnp
from jax import lax, nn

import engine_shapes as shapes


def linear(p, name, x):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def mlp(p, x):
    for layer in shapes.MLP_LAYERS[:-1]:
        x = nn.relu(linear(p, layer, x))
    return linear(p, shapes.MLP_LAYERS[-1], x)


def convolution(p, name, x, stride=1):
    kernel = p[f"{name}.weight"]
    side = kernel.shape[-1] // 2
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), [(side, side)] * 2, dimension_numbers=("NHWC", "OIHW", "NHWC")
    )


def batch_norm(p, name, x):
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) * lax.rsqrt(variance + shapes.EPSILON) * p[f"{name}.weight"] + p[f"{name}.bias"]


def resnet20(p, x):
    x = nn.relu(batch_norm(p, "bn1", convolution(p, "conv1", x.transpose(0, 2, 3, 1))))
    for block, stride in shapes.resnet_blocks():
        y = nn.relu(batch_norm(p, f"{block}.bn1", convolution(p, f"{block}.conv1", x, stride)))
        y = batch_norm(p, f"{block}.bn2", convolution(p, f"{block}.conv2", y))
        if stride > 1:
            x = batch_norm(p, f"{block}.shortcut.1", convolution(p, f"{block}.shortcut.0", x, stride))
        x = nn.relu(x + y)
    return linear(p, "linear", x.mean((1, 2)))


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def vgg16(p, x):
    x = x.transpose(0, 2, 3, 1)
    for layer in shapes.vgg_layers():
        x = max_pool(x) if layer == "pool" else nn.relu(convolution(p, layer, x) + p[f"{layer}.bias"])
    return linear(p, shapes.VGG_HEAD, x.reshape(x.shape[0], -1))


def layer_norm(p, name, x):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + shapes.EPSILON) * p[f"{name}.weight"] + p[f"{name}.bias"]


def gpt(p, tokens):
    batch, length = tokens.shape
    future = jnp.triu(jnp.ones((length, length), bool), 1)
    x = p["transformer.wte.weight"][tokens] + p["transformer.wpe.weight"]
    for block in shapes.gpt_blocks():
        y = linear(p, f"{block}.attn.c_attn", layer_norm(p, f"{block}.ln_1", x))
        q, k, v = (z.reshape(batch, length, shapes.GPT_HEADS, -1) for z in jnp.split(y, 3, -1))
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
        mixed = jnp.einsum("bhqk,bkhd->bqhd", nn.softmax(jnp.where(future, -jnp.inf, scores)), v)
        x = x + linear(p, f"{block}.attn.c_proj", mixed.reshape(batch, length, -1))
        y = nn.gelu(linear(p, f"{block}.mlp.c_fc", layer_norm(p, f"{block}.ln_2", x)), approximate=False)
        x = x + linear(p, f"{block}.mlp.c_proj", y)
    return layer_norm(p, "transformer.ln_f", x) @ p["lm_head.weight"].T


def gates_of_inputs(p, tokens):
    bias = p["rnn.bias_ih_l0"] + p["rnn.bias_hh_l0"]
    return p["encoder.weight"][tokens] @ p["rnn.weight_ih_l0"].T + bias


def gates_of_table(p, tokens):
    """The same with each character multiplied once and then looked up, as Isoloss does: fewer characters than inputs."""
    bias = p["rnn.bias_ih_l0"] + p["rnn.bias_hh_l0"]
    return (p["encoder.weight"] @ p["rnn.weight_ih_l0"].T + bias)[tokens]


def lstm(unroll, gates_of):
    """The steps are scanned, several at a time."""

    def network(p, tokens):
        gates = gates_of(p, tokens.T)
        zero = jnp.zeros((tokens.shape[0], shapes.LSTM_HIDDEN))

        def step(state, gate):
            hidden, cell = state
            i, f, g, o = jnp.split(gate + hidden @ p["rnn.weight_hh_l0"].T, 4, 1)
            cell = nn.sigmoid(f) * cell + nn.sigmoid(i) * jnp.tanh(g)
            hidden = nn.sigmoid(o) * jnp.tanh(cell)
            return (hidden, cell), hidden

        _, values = lax.scan(step, (zero, zero), gates, unroll=unroll)
        return linear(p, "decoder", values.swapaxes(0, 1))

    return network


FORMS = {
    "mlp": {"": mlp},
    "resnet20": {"": resnet20},
    "vgg16": {"": vgg16},
    "gpt": {"": gpt},
    "lstm": {
        "table projected, scan": lstm(1, gates_of_table),
        "scan": lstm(1, gates_of_inputs),
        "scan, 8 steps at a time": lstm(8, gates_of_inputs),
    },
}


def loss(network):
    """The mean cross-entropy, over examples and positions."""

    def mean(p, x, labels):
        log_probabilities = nn.log_softmax(network(p, x)).reshape(labels.size, -1)
        return -jnp.take_along_axis(log_probabilities, labels.reshape(-1, 1), 1).mean()

    return mean
