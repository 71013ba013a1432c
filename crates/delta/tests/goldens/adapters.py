"""Makes small LoRA adapters beside it, and what PEFT makes of them: models with their adapters merged in, in 32 bits.

Run with a Python that has peft 0.21.2 and transformers 5.23.0, after `make.py`, whose model `llama-a` it uses.
"""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file

HERE = Path(__file__).parent

LLAMA = dict(
    r=2, lora_alpha=3, target_modules=["q_proj", "k_proj", "down_proj", "embed_tokens"],
    rank_pattern={"k_proj": 1, "layers.2.self_attn.q_proj": 3}, alpha_pattern={"layers.1.mlp.down_proj": 5},
    task_type="CAUSAL_LM",
)
CASES = {
    "llama": ("llama-a", LLAMA),
    "llama-rslora": ("llama-a", LLAMA | {"use_rslora": True}),
    "gpt2": ("gpt2", dict(r=2, lora_alpha=4, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)),
}


def network(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(HERE / folder, dtype=torch.float32)


def main():
    torch.manual_seed(5)
    config = transformers.GPT2Config(n_embd=4, n_layer=1, n_head=2, vocab_size=6, n_positions=8)
    transformers.GPT2LMHeadModel(config).save_pretrained(HERE / "gpt2")
    merged = {}
    for name, (model, options) in CASES.items():
        adapted = get_peft_model(network(model), LoraConfig(**options))
        for key, parameter in adapted.named_parameters():
            if "lora_" in key:
                torch.nn.init.normal_(parameter, std=0.5)
        adapted.peft_config["default"].base_model_name_or_path = model
        adapted.save_pretrained(HERE / f"adapter-{name}")
        (HERE / f"adapter-{name}" / "README.md").unlink()
        found = PeftModel.from_pretrained(network(model), HERE / f"adapter-{name}").merge_and_unload()
        merged |= {f"{name}/{key}": tensor.contiguous().clone() for key, tensor in found.state_dict().items()}
    save_file(merged, HERE / "golden-adapters.safetensors")


if __name__ == "__main__":
    main()
