"""Makes small models with tokenizers of their own beside it, and what mergekit makes of them by the recipes of `vocabularies.json`.

Run with a Python that has mergekit 0.1.5 and transformers 5.23.0. mergekit numbers new tokens in the order of a hash table, so rows of results
are told by their tokens, which stand in `vocabularies.json`, too.
"""

import json
import os
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
import yaml
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE

from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions

HERE = Path(__file__).parent

# Name: characters, merges, added tokens, rows of the embedding beyond the tokens, whether embeddings are tied.
MODELS = {
    "base": ("abcd", [("a", "b")], ["<s>"], 2, False),
    "a": ("dcbae", [("d", "c"), ("dc", "b")], ["<s>", "<a>"], 0, False),
    "b": ("abcf", [("a", "b"), ("ab", "c")], ["<b>"], 1, False),
}

RECIPES = {
    "union": dict(tokenizer_source="union"),
    "base": dict(tokenizer_source="base"),
    "model": dict(tokenizer_source="@a"),
    "no-base": dict(tokenizer_source="union", base_model=None),
    "padded": dict(tokenizer=dict(source="union", pad_to_multiple_of=8)),
    # New tokens beside `source: base` end in an error of mergekit.
    "tokens": dict(tokenizer=dict(source="union", tokens={
        "<a>": dict(source="@a"),
        "c": dict(source="@b", force=True),
        "new": dict(source=dict(kind="zero")),
        "f": dict(source=dict(kind="model_token", model="@a", token="e")),
        "g": dict(source=dict(kind="model_token", model="@b", token_id=2)),
    })),
}


def make(name, seed):
    characters, merges, added, beyond, tied = MODELS[name]
    vocabulary = {token: i for i, token in enumerate([*characters, *("".join(merge) for merge in merges)])}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=merges))
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in added])
    rows = tokenizer.get_vocab_size() + beyond
    folder = HERE / f"vocabulary-{name}"
    folder.mkdir(exist_ok=True)
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    config = transformers.LlamaConfig(
        hidden_size=4, intermediate_size=6, num_attention_heads=2, num_key_value_heads=1, num_hidden_layers=1,
        vocab_size=rows, max_position_embeddings=16, tie_word_embeddings=tied, architectures=["LlamaForCausalLM"],
    )
    shapes = transformers.LlamaForCausalLM(config).state_dict()
    random = torch.Generator().manual_seed(seed)
    tensors = {name: torch.randn(tensor.shape, generator=random) for name, tensor in shapes.items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config.save_pretrained(folder)


def placed(value):
    """With the paths of models for their short names."""
    if isinstance(value, dict):
        return {key: placed(own) for key, own in value.items()}
    if isinstance(value, list):
        return [placed(own) for own in value]
    return str(HERE / f"vocabulary-{value[1:]}") if isinstance(value, str) and value.startswith("@") else value


def main():
    for seed, name in enumerate(MODELS):
        make(name, 20 + seed)
    cases, golden = {}, {}
    for name, own in RECIPES.items():
        models = [{"model": f"@{model}", "parameters": {"weight": weight}} for model, weight in zip(["base", "a", "b"], [0.5, 0.3, 0.2])]
        recipe = {"merge_method": "linear", "base_model": "@base", "models": models, "dtype": "float32"} | own
        recipe = {key: value for key, value in recipe.items() if value is not None}
        with tempfile.TemporaryDirectory() as out:
            config = MergeConfiguration.model_validate(placed(recipe))
            run_merge(config, out, MergeOptions(copy_tokenizer=True))
            tensors = load_file(Path(out) / "model.safetensors")
            vocabulary = transformers.AutoTokenizer.from_pretrained(out).get_vocab()
            size = json.loads((Path(out) / "config.json").read_text())["vocab_size"]
        kept = ["model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"]
        golden |= {f"{name}/{key}": tensors[key].clone() for key in kept}
        cases[name] = {"recipe": yaml.safe_dump(recipe, sort_keys=False), "vocabulary": vocabulary, "size": size}
    save_file(golden, HERE / "golden-vocabularies.safetensors")
    (HERE / "vocabularies.json").write_text(json.dumps(cases, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
