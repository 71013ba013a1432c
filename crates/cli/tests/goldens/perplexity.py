"""Makes perplexity.json: how well two small networks, written here by hand in numpy, predict a text.

Run as `python perplexity.py` in this folder; made with Python 3.11, numpy 2.4.6 and tokenizers 0.23.3. All is computed in float64.
Weights are the formula of `crates/models/tests/goldens/formula/make.py`, tokenizers and text those of
`crates/data/tests/goldens`. Every token but the first is predicted once: windows begin every `stride` tokens, and of
each those tokens count that none before it has predicted.
"""

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

HERE = Path(__file__).parent
DATA = HERE.parents[1] / ".." / "data" / "tests" / "goldens"
TEXT = (DATA / "text.txt").read_bytes().decode()
CONTEXT, WIDTH, HEADS, KEY_HEADS, HIDDEN, LAYERS = 12, 8, 4, 2, 12, 2

GPT2 = dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], n_layer=LAYERS, n_embd=WIDTH, n_head=HEADS, n_inner=HIDDEN,
            n_positions=CONTEXT, vocab_size=384)
LLAMA = dict(model_type="llama", architectures=["LlamaForCausalLM"], num_hidden_layers=LAYERS, hidden_size=WIDTH,
             num_attention_heads=HEADS, num_key_value_heads=KEY_HEADS, intermediate_size=HIDDEN, vocab_size=420,
             max_position_embeddings=CONTEXT, rms_norm_eps=1e-6, rope_theta=10000.0)


def uniform(name, count):
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0


def value(name, *shape):
    count = int(np.prod(shape))
    numbers = uniform(name, count)
    if len(shape) > 1:
        numbers = np.sqrt(3.0 / (count // shape[0])) * numbers
    elif name.endswith("weight"):
        numbers = 1.0 + numbers / 2.0
    else:
        numbers = numbers / 2.0
    return numbers.astype(np.float32).astype(np.float64).reshape(shape)


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def attend(q, k, v):
    """Each head of `q` [T, heads, depth] over what comes before."""
    length = len(q)
    out = np.empty(q.shape)
    for head in range(q.shape[1]):
        group = head // (q.shape[1] // k.shape[1])
        scores = q[:, head] @ k[:, group].T / np.sqrt(q.shape[2])
        scores[np.triu_indices(length, 1)] = -np.inf
        out[:, head] = softmax(scores) @ v[:, group]
    return out.reshape(length, -1)


def gpt2(tokens):
    def dense(name, x, out):
        return x @ value(f"{name}.weight", x.shape[1], out) + value(f"{name}.bias", out)

    def norm(name, x):
        y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return y * value(f"{name}.weight", WIDTH) + value(f"{name}.bias", WIDTH)

    embedding = value("transformer.wte.weight", GPT2["vocab_size"], WIDTH)
    x = embedding[tokens] + value("transformer.wpe.weight", CONTEXT, WIDTH)[: len(tokens)]
    for layer in range(LAYERS):
        at = f"transformer.h.{layer}"
        q, k, v = np.split(dense(f"{at}.attn.c_attn", norm(f"{at}.ln_1", x), 3 * WIDTH), 3, axis=1)
        q, k, v = (part.reshape(len(tokens), HEADS, -1) for part in (q, k, v))
        x = x + dense(f"{at}.attn.c_proj", attend(q, k, v), WIDTH)
        y = dense(f"{at}.mlp.c_fc", norm(f"{at}.ln_2", x), HIDDEN)
        y = 0.5 * y * (1 + np.tanh(np.sqrt(2 / np.pi) * (y + 0.044715 * y**3)))
        x = x + dense(f"{at}.mlp.c_proj", y, WIDTH)
    return norm("transformer.ln_f", x) @ embedding.T


def llama(tokens):
    def dense(name, x, out):
        return x @ value(f"{name}.weight", out, x.shape[1]).T

    def norm(name, x):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * value(f"{name}.weight", WIDTH)

    depth = WIDTH // HEADS
    angles = np.outer(np.arange(len(tokens)), 10000.0 ** (-np.arange(0, depth, 2) / depth))
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]

    def rotate(x):
        one, two = np.split(x, 2, axis=-1)
        return np.concatenate([one * cosine - two * sine, two * cosine + one * sine], axis=-1)

    x = value("model.embed_tokens.weight", LLAMA["vocab_size"], WIDTH)[tokens]
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        y = norm(f"{at}.input_layernorm", x)
        q = dense(f"{at}.self_attn.q_proj", y, HEADS * depth).reshape(-1, HEADS, depth)
        k, v = (dense(f"{at}.self_attn.{part}_proj", y, KEY_HEADS * depth).reshape(-1, KEY_HEADS, depth) for part in "kv")
        x = x + dense(f"{at}.self_attn.o_proj", attend(rotate(q), rotate(k), v), WIDTH)
        y = norm(f"{at}.post_attention_layernorm", x)
        gate = dense(f"{at}.mlp.gate_proj", y, HIDDEN)
        y = gate / (1 + np.exp(-gate)) * dense(f"{at}.mlp.up_proj", y, HIDDEN)
        x = x + dense(f"{at}.mlp.down_proj", y, WIDTH)
    return norm("model.norm", x) @ value("lm_head.weight", LLAMA["vocab_size"], WIDTH).T


def predict(network, tokens, stride):
    windows, done = [], 1
    for begin in range(0, len(tokens), stride):
        end = min(begin + CONTEXT, len(tokens) - 1)
        rows = np.log(softmax(network(tokens[begin:end])))
        targets = range(done, end + 1)
        windows.append([-rows[at - 1 - begin, tokens[at]] for at in targets])
        done = end + 1
        if done == len(tokens):
            break
    losses = np.concatenate(windows)
    mean, count = losses.mean(), len(windows)
    misses = sum((sum(own) - mean * len(own)) ** 2 for own in windows)
    error = np.sqrt(misses * count / (count - 1)) / len(losses)
    return dict(stride=stride, windows=count, tokens=len(losses), loss=mean, standard_error=error, perplexity=np.exp(mean),
                bits_per_byte=mean / np.log(2) * len(tokens) / len(TEXT.encode()))


def main():
    found = {}
    for name, network, config, tokenizer in [("gpt2", gpt2, GPT2, "bytes"), ("llama", llama, LLAMA, "plain")]:
        tokens = Tokenizer.from_file(str(DATA / f"{tokenizer}.json")).encode(TEXT, add_special_tokens=False).ids
        found[name] = dict(config=config, tokenizer=tokenizer, scores=[predict(network, tokens, s) for s in (CONTEXT, 5)])
    (HERE / "perplexity.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
