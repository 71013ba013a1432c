//! Explanations that stand in the long help of every command that takes such a value.

use clap::{Arg, Command};

/// A model specification, the value of `--model`.
const MODEL_SPEC: &str = "\
mlp:784-512-512-10 is a multilayer perceptron: features, hidden layers, classes. convnet:32-64 has plain convolutions with these \
channels. Options follow after commas, as in resnet20:width=2,norm=layer,act=gelu,in=3x32x32,classes=10. \
For images: resnet20 (also 8, 14, 32, 44, 56, 110), preresnet20 and so on, vgg16 (also 11, 13, 19), \
resnet50 (also 18, 34, 101, 152), vit, unet. \
Over tokens: gpt:layers=4,width=128,heads=4,context=128,vocab=96, llama, bert, lstm:vocab=96,hidden=256,layers=1,steps=64, gru. \
Over graphs: gcn:1433-16-7,nodes=2708. \
docs/architectures.md lists the options of each; a wrong one is answered with those that there are.";

/// A data specification, the value of `--data`.
const DATA_SPEC: &str = "\
digits: built-in 8x8 handwritten digits (UCI), 1,437 to train and 360 to test. \
mnist:DIR, fashion-mnist:DIR: the four IDX files of that data set in folder DIR, gzipped or not. \
cifar10:DIR, cifar100:DIR: their binary version; labels=fine|coarse. \
images:DIR: train/CLASS/*.png or *.jpg and test/CLASS/ likewise, or test=0.2 held out; resize=32. \
npz:FILE: arrays x_train, y_train, x_test, y_test, or x and y with test=0.2 held out. \
text:FILE: a text, character by character, whose end is held out; test=0.1, augment=offset. sums: lines as 17+25=42. \
clusters (classes=10, features=20, spread=1), teacher (features=20, hidden=50, classes=10), mnist1d: drawn; train=N, test=N, \
seed=N. Options follow after the place or the name: cifar10:DIR,normalize=on,augment=crop+flip. \
normalize=on takes the training part's mean and deviation out of each channel; a trained network remembers them. \
augment=PART+PART changes training images at random: crop (crop:4, pixels of padding), flip, scale (scale:0.2), rotate \
(rotate:30, degrees). first=N, fraction=F with part=K, or bias=B with part=1|2 train on a part of the examples, drawn with \
split_seed=N..";

/// A loss, the value of `--loss`.
const LOSS: &str = "\
cross-entropy is in nats; squared-error is to the one-hot label, summed over classes. Both are means over examples.";

/// A network, the argument MODEL or A.
const NETWORK: &str = "\
A run folder of `isoloss train`, or weights: .safetensors, .pt, .pth, .bin or .ckpt of PyTorch, .npz of numpy, or a folder \
or *.index.json of several files. Tensors have the names and layouts of PyTorch: of an mlp those of \
nn.Sequential, where 0.weight is [outputs, inputs]. Files written by others do not name their architecture; give it with --model.";

/// Adds the explanations to all commands.
pub(crate) fn explained(command: Command) -> Command {
    command.mut_subcommands(|command| command.mut_args(explain))
}

fn explain(argument: Arg) -> Arg {
    let network = argument.get_value_names().is_some_and(|names| matches!(names[0].as_str(), "MODEL" | "A"));
    let data = argument.get_value_names().is_some_and(|names| names[0].as_str() == "SPEC");
    let explanation = match argument.get_long() {
        Some("model") => MODEL_SPEC,
        Some("data") => DATA_SPEC,
        Some("loss") => LOSS,
        None if data => DATA_SPEC,
        None if network => NETWORK,
        _ => return argument,
    };
    let short = argument.get_help().cloned().unwrap_or_default();
    argument.long_help(format!("{short}\n\n{explanation}"))
}
