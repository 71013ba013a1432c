"""The structure of the benchmark `engine`'s networks: the names of their layers, as Isoloss has them."""

EPSILON = 1e-5
MLP_LAYERS = ["0", "2", "4", "6"]
VGG_PLAN = [64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool", 512, 512, 512, "pool"]
VGG_HEAD = "classifier"
GPT_LAYERS, GPT_HEADS = 4, 4
LSTM_HIDDEN = 256


def resnet_blocks():
    """The name and the stride of each residual block."""
    for stage in (1, 2, 3):
        for block in range(3):
            yield f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1


def vgg_layers():
    """The names of the convolutions, each followed by a ReLU, and "pool" between them."""
    position = 0
    for entry in VGG_PLAN:
        yield "pool" if entry == "pool" else f"features.{position}"
        position += 1 if entry == "pool" else 2


def gpt_blocks():
    return [f"transformer.h.{block}" for block in range(GPT_LAYERS)]
