"""Makes the folders here: what the Hugging Face Hub says of small networks, and their logits.

Made with Python 3.11, torch 2.15.0 (CPU), transformers 5.23.0, safetensors 0.8.0, numpy 2.4.6:

    python make.py

Each folder holds the `config.json` that transformers wrote, and a `golden.json` with the names and shapes of the tensors that it
wrote beside it and the logits in f32, for weights and examples that are the formulas of `../formula/make.py`.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "formula"))
sys.dont_write_bytecode = True

import torch
import transformers
from make import classes, features, value
from safetensors.torch import load_file, save_file


def make(name, net, x, kind=None, strip=""):
    """Saves the network, gives it the formula's weights, and reads it again as `kind`."""
    with tempfile.TemporaryDirectory() as folder:
        net.save_pretrained(folder)
        stored = load_file(f"{folder}/model.safetensors")
        stored = {name.removeprefix(strip): value(name.removeprefix(strip), tensor.shape).float()
                  for name, tensor in stored.items()}
        save_file(stored, f"{folder}/model.safetensors", {"format": "pt"})
        read = (kind or type(net)).from_pretrained(folder).eval()
        with torch.no_grad():
            logits = read(x).logits
        target = HERE / name
        target.mkdir(exist_ok=True)
        shutil.copy(f"{folder}/config.json", target / "config.json")
    golden = {"tensors": {name: list(tensor.shape) for name, tensor in stored.items()}, "logits": logits.flatten().tolist()}
    (target / "golden.json").write_text(json.dumps(golden, indent=0) + "\n")


def main():
    tokens = classes("x", (2, 5), 7)
    gpt = transformers.GPT2Config(n_layer=2, n_embd=8, n_head=2, n_positions=5, vocab_size=7, bos_token_id=0, eos_token_id=0)
    make("gpt2", transformers.GPT2LMHeadModel(gpt), tokens)
    make("gpt2-without-prefix", transformers.GPT2LMHeadModel(gpt), tokens, strip="transformer.")
    sizes = dict(num_hidden_layers=2, hidden_size=8, num_attention_heads=4, num_key_value_heads=2, intermediate_size=12,
                 vocab_size=7, bos_token_id=0, eos_token_id=0, pad_token_id=None)
    make("llama", transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, head_dim=4, max_position_embeddings=5)), tokens)
    rope = dict(rope_type="llama3", rope_theta=1e4, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=128)
    make("llama3", transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**sizes, head_dim=8, max_position_embeddings=5, rope_parameters=rope)), tokens)
    make("mistral", transformers.MistralForCausalLM(transformers.MistralConfig(**sizes, sliding_window=5)), tokens)
    make("qwen2", transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(**sizes, rope_theta=1e6, tie_word_embeddings=True, max_position_embeddings=5)), tokens)
    bert = transformers.BertConfig(num_hidden_layers=2, hidden_size=8, num_attention_heads=2, intermediate_size=12, vocab_size=7,
                                   max_position_embeddings=5, num_labels=3, pad_token_id=None)
    make("bert-masked", transformers.BertForMaskedLM(bert), tokens)
    make("bert-sequence", transformers.BertForSequenceClassification(bert), tokens)
    make("bert-token", transformers.BertForTokenClassification(bert), tokens)
    vit = transformers.ViTConfig(num_hidden_layers=2, hidden_size=8, num_attention_heads=2, intermediate_size=12, image_size=8,
                                 patch_size=4, num_channels=2, num_labels=3)
    make("vit", transformers.ViTForImageClassification(vit), features(2, 128).float().unflatten(1, (2, 8, 8)))


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
