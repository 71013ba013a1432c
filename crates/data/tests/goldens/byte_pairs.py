"""Makes the tokenizers of this folder and the tokens that Hugging Face's own package cuts text.txt into.

Run as `python byte_pairs.py` in this folder; the files here were made with tokenizers 0.23.3.
The text is cut as Isoloss cuts it: the last tenth of its characters is held out.
"""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
TEXT = (HERE / "text.txt").read_bytes().decode()
CUT = len(TEXT) - round(len(TEXT) * 0.1)
TRAIN, TEST = TEXT[:CUT], TEXT[CUT:]

# Of Llama 3's and Qwen2's files.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def trainer(tokens, **options):
    return trainers.BpeTrainer(vocab_size=tokens, min_frequency=2, show_progress=False, **options)


def of_bytes(tokens):
    """As GPT-2's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([TRAIN], trainer(tokens, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def with_words(tokens):
    """As Llama 3's and Qwen2's, with what a file may ask for and whole texts do not want."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([TRAIN], trainer(tokens, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens(["<|begin|>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin|> $A", special_tokens=[("<|begin|>", tokenizer.token_to_id("<|begin|>"))]
    )
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    return tokenizer


def plain(tokens):
    """As Llama 2's: characters, and bytes where there is no token for one."""
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.train_from_iterator(TRAIN.split("\n"), trainer(tokens, special_tokens=special, limit_alphabet=60))
    return tokenizer


def tokens_of(tokenizer, text):
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encoding = tokenizer.encode(text, add_special_tokens=False)
    return encoding.ids


if __name__ == "__main__":
    tokens = {}
    for name, tokenizer in [("bytes", of_bytes(384)), ("words", with_words(400)), ("plain", plain(420))]:
        tokenizer.save(str(HERE / f"{name}.json"), pretty=False)
        tokens[name] = {"train": tokens_of(tokenizer, TRAIN), "test": tokens_of(tokenizer, TEST)}
    (HERE / "tokens.json").write_text(json.dumps(tokens, separators=(",", ":")) + "\n")
