"""Makes the files beside it: small models, and what mergekit makes of them by the recipes of `cases.json`.

Run with a Python that has mergekit 0.1.5 and transformers; `versions.txt` says with which versions the committed files were made.
Random masks are drawn as Isoloss draws them (Philox 4x32-10, keys by names), so that methods that draw can be compared number
by number: mergekit's `torch.bernoulli` is replaced by a comparison with the same random words.
"""

import json
import os
import platform
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
import transformers
import yaml
from safetensors.torch import load_file, save_file

import mergekit.merge_methods.generalized_task_arithmetic as tasks
import mergekit.scripts.merge_raw_pytorch as raw
from mergekit.config import MergeConfiguration
from mergekit.graph import Executor
from mergekit.merge import run_merge
from mergekit.options import MergeOptions

HERE = Path(__file__).parent
SEED = 7


# Random words, as `tensor::Key` makes them.

def philox(key, counter):
    (k0, k1), c = key, list(counter)
    for round_ in range(10):
        if round_:
            k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k1, p0 & 0xFFFFFFFF]
    return c


def fold(key, number):
    return tuple(philox(key, [number & 0xFFFFFFFF, number >> 32, 0x6B657900, 1])[:2])


def child(key, name):
    hash_ = 0xCBF29CE484222325
    for byte in name.encode():
        hash_ = (hash_ ^ byte) * 0x0100000001B3 & 0xFFFFFFFFFFFFFFFF
    return fold(key, hash_)


def words(key, count):
    blocks = [philox(key, [i, 0, 0, 2]) for i in range((count + 3) // 4)]
    return np.array([word for block in blocks for word in block][:count], dtype=np.float64)


class Draws:
    """Which mask is drawn now: mergekit sparsifies the models of a tensor in order."""

    tensor, places, current = None, [], -1


def bernoulli(probabilities):
    key = fold(child(child((SEED, 0), "delta"), Draws.tensor), Draws.places[Draws.current])
    drawn = torch.from_numpy(words(key, probabilities.numel())).reshape(probabilities.shape)
    return (drawn < torch.round(probabilities.double() * 2**32)).to(probabilities.dtype)


def planned(merge_group, sparsify):
    def merge(self, group, /, **parameters):
        Draws.tensor, Draws.current = group.metadata.name, -1
        Draws.places = [i for i, entry in enumerate(group.entries) if not entry.is_base]
        return merge_group(self, group, **parameters)

    def prune(*arguments, **options):
        Draws.current += 1
        return sparsify(*arguments, **options)

    tasks.sparsify = prune
    return merge


torch.bernoulli = bernoulli
tasks.GeneralizedTaskArithmeticMerge.merge_group = planned(
    tasks.GeneralizedTaskArithmeticMerge.merge_group, tasks.sparsify
)


# Models.

def model(shapes, seed, base=None):
    """Normal numbers, or a base with differences that the models have in part in common, as trained ones have."""
    own, common = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(99)
    draw = lambda shape, random: torch.randn(shape, generator=random)
    if base is None:
        return {name: draw(shape, own) for name, shape in shapes.items()}
    return {name: base[name] + 0.2 * draw(shape, common) + 0.2 * draw(shape, own) for name, shape in shapes.items()}


PLAIN = {"conv.weight": (6, 5, 3), "conv.bias": (7,), "head.weight": (9, 8), "scale": (2,)}


def plain_models():
    base = model(PLAIN, 0)
    models = {"base": base} | {name: model(PLAIN, i, base) for i, name in enumerate("abc", 1)}
    for name, tensors in models.items():
        save_file(tensors | {"steps": torch.tensor([3, 5])}, HERE / f"plain-{name}.safetensors")
        half = {key: tensor.bfloat16() for key, tensor in tensors.items()} | {"scalar": tensors["scale"][0].clone()}
        save_file(half, HERE / f"half-{name}.safetensors")


LLAMA = dict(
    hidden_size=4, intermediate_size=6, num_attention_heads=2, num_key_value_heads=1, num_hidden_layers=4,
    vocab_size=6, max_position_embeddings=16, tie_word_embeddings=False,
)


def llama_models():
    network = transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA))
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    base = model(shapes, 10)
    for i, name in enumerate(["base", "a", "b"]):
        folder = HERE / f"llama-{name}"
        folder.mkdir(exist_ok=True)
        save_file(base if i == 0 else model(shapes, 10 + i, base), folder / "model.safetensors", {"format": "pt"})
        network.config.architectures = ["LlamaForCausalLM"]
        network.config.save_pretrained(folder)


# Recipes: `@` stands for the folder and the set of models before their names.

def recipe(method, models, base=None, parameters=None, **others):
    content = {"merge_method": method, "models": [
        {"model": f"@{name}"} | ({"parameters": own} if own else {}) for name, own in models
    ]}
    if base:
        content["base_model"] = f"@{base}"
    if parameters:
        content["parameters"] = parameters
    return content | others


def weighted(*weights, **others):
    return [(name, {"weight": weight} | others) for name, weight in zip("abc", weights)]


AB = [("a", None), ("b", None)]
CASES = {
    "linear": recipe("linear", weighted(0.2, 0.7, 0.4)),
    "linear-raw": recipe("linear", weighted(0.5, -0.25, 1), parameters={"normalize": False}),
    "linear-filters": recipe("linear", [
        ("a", {"weight": [{"filter": "conv", "value": "1e-1"}, {"value": 0.75}]}), ("b", {"weight": 1}),
    ]),
    "slerp": recipe("slerp", [("base", None), ("a", None)], "base", {"t": 0.3}),
    "slerp-filters": recipe("slerp", [("base", None), ("a", None)], "base", {
        "t": [{"filter": "bias", "value": 1.0}, {"filter": "head", "value": 0}, {"value": 0.6}],
    }),
    "nuslerp": recipe("nuslerp", weighted(0.4, 0.8)),
    "nuslerp-base": recipe("nuslerp", weighted(0.4, 0.8), "base"),
    "nuslerp-rows": recipe("nuslerp", weighted(0.4, 0.8), parameters={"nuslerp_flatten": False}),
    "nuslerp-columns": recipe("nuslerp", weighted(0.4, 0.8), "base", {
        "nuslerp_flatten": False, "nuslerp_row_wise": True,
    }),
    "task_arithmetic": recipe("task_arithmetic", weighted(0.4, 0.8, -0.3), "base", {"lambda": 0.7}),
    "task_arithmetic-normalized": recipe("task_arithmetic", weighted(0.4, 0.8), "base", {"normalize": True}),
    "ties": recipe("ties", weighted(0.4, 0.8, 0.5, density=0.5), "base"),
    "ties-rescaled": recipe("ties", [
        ("a", {"weight": 1, "density": 0.3}), ("b", {"weight": 0.5, "density": 0.01}), ("base", None),
    ], "base", {"normalize": False, "rescale": True, "lambda": 1.1, "int8_mask": True}),
    "dare_linear": recipe("dare_linear", weighted(0.4, 0.8, density=0.6), "base"),
    "dare_linear-all": recipe("dare_linear", weighted(0.4, 0.8, density=1), "base"),
    "dare_ties": recipe("dare_ties", weighted(0.4, 0.8, 0.3, density=0.5), "base", {"normalize": True}),
    "dare_ties-plain": recipe("dare_ties", weighted(0.4, 0.8, density=0.5), "base", {"rescale": False}),
    "della": recipe("della", weighted(0.4, 0.8, 0.3, density=0.5, epsilon=0.3), "base"),
    "della_linear": recipe("della_linear", weighted(0.4, 0.8, density=0.7), "base", {"lambda": 0.5}),
    "breadcrumbs": recipe("breadcrumbs", weighted(0.4, 0.8, density=0.6, gamma=0.1), "base"),
    "breadcrumbs_ties": recipe("breadcrumbs_ties", weighted(0.4, 0.8, 0.3, density=0.9, gamma=0.2), "base", {
        "rescale": True,
    }),
    "model_stock": recipe("model_stock", AB + [("c", None)], "base"),
    "model_stock-rows": recipe("model_stock", AB, "base", {"filter_wise": True}),
    "karcher": recipe("karcher", AB + [("c", None)]),
    "karcher-steps": recipe("karcher", AB + [("base", None)], parameters={"max_iter": 2, "tol": "1e-7"}),
    "sce": recipe("sce", AB + [("c", None)], "base"),
    "sce-selected": recipe("sce", AB + [("c", None)], "base", {"select_topk": 0.4}),
    "passthrough": recipe("passthrough", [("a", None)]),
    "passthrough-scaled": recipe("passthrough", [("a", {"scale": [{"filter": "weight", "value": 0.5}]})]),
}
HALVES = {
    "linear": recipe("linear", weighted(0.2, 0.7, 0.4)),
    "dare_ties": recipe("dare_ties", weighted(0.4, 0.8, 0.5, density=0.5), "base", dtype="float32", out_dtype="bfloat16"),
    "slerp": recipe("slerp", [("base", None), ("a", None)], "base", {"t": 0.3}, dtype="float32", out_dtype="float16"),
}
GRADIENT = {"t": [{"filter": "self_attn", "value": [0, 0.5, 1]}, {"filter": "mlp", "value": [1, 0]}, {"value": 0.5}]}
RANGES = {"merge_method": "linear", "slices": [
    {"sources": [
        {"model": "@a", "layer_range": [0, 2], "parameters": {"weight": 1}},
        {"model": "@b", "layer_range": [1, 3], "parameters": {"weight": [0, 3]}},
    ]},
    {"sources": [{"model": "@b", "layer_range": [1, 4]}], "parameters": {"weight": 0.5}},
], "dtype": "float32"}
STACKED = {"merge_method": "passthrough", "slices": [
    {"sources": [{"model": "@a", "layer_range": [0, 3]}]},
    {"sources": [{"model": "@b", "layer_range": [2, 4], "parameters": {"scale": [{"filter": "o_proj", "value": 0}]}}]},
], "dtype": "bfloat16"}
LLAMAS = {
    "gradient": recipe("slerp", [("base", None), ("a", None)], "base", GRADIENT, dtype="float32"),
    "ranges": RANGES,
    "stacked": STACKED,
}


def merge_plain(content, folder):
    config = raw.RawPyTorchMergeConfig.model_validate(content)
    targets = raw.plan_flat_merge(config, str(folder), False, False, MergeOptions())
    Executor(targets, math_device="cpu", storage_device="cpu").execute()


def merge_llamas(content, folder):
    options = MergeOptions(copy_tokenizer=False, write_model_card=False, quiet=True)
    run_merge(MergeConfiguration.model_validate(content), str(folder), options)


def placed(content, place):
    """The recipe with the paths of models for their short names."""
    if isinstance(content, dict):
        return {key: placed(value, place) for key, value in content.items()}
    if isinstance(content, list):
        return [placed(value, place) for value in content]
    return place(content[1:]) if isinstance(content, str) and content.startswith("@") else content


def goldens(prefix, ending, cases, merge):
    all_tensors = {}
    for name, content in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            raw.SimpleLoaderCache().loaders = {}
            merge(placed(content, lambda model: f"{HERE}/{prefix}-{model}{ending}"), Path(folder))
            for key, tensor in load_file(Path(folder) / "model.safetensors").items():
                all_tensors[f"{name}/{key}"] = tensor
    save_file(all_tensors, HERE / f"golden-{prefix}.safetensors")


def main():
    plain_models()
    llama_models()
    goldens("plain", ".safetensors", CASES, merge_plain)
    goldens("half", ".safetensors", HALVES, merge_plain)
    goldens("llama", "", LLAMAS, merge_llamas)
    cases = {"plain": CASES, "half": HALVES, "llama": LLAMAS}
    texts = {prefix: {name: yaml.safe_dump(content, sort_keys=False) for name, content in group.items()} for prefix, group in cases.items()}
    (HERE / "cases.json").write_text(json.dumps(texts, indent=1) + "\n")
    from importlib.metadata import version
    names = ["mergekit", "torch", "transformers", "numpy", "safetensors"]
    versions = "".join(f"{name} {version(name)}\n" for name in names)
    (HERE / "versions.txt").write_text(f"python {platform.python_version()}\n{versions}")


if __name__ == "__main__":
    main()
