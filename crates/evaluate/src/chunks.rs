//! How many examples go through a network at once.

use std::ops::Range;

use models::Input;

/// Examples of vectors in one forward pass. Ours: large enough that matrix products run at full speed, small enough that the
/// activations of a layer of 512 stay at 2 MB.
const VECTORS: usize = 1000;
/// The same of images. Ours: the first activations of a ResNet-20 on CIFAR are 13 MB.
const IMAGES: usize = 200;
/// Tokens in one forward pass. Ours: the feed-forward layer of a transformer of width 128 is 16 MB.
const TOKENS: usize = 8192;

/// Examples in one forward pass of a network.
pub(crate) const fn chunk(input: Input) -> usize {
    match input {
        Input::Features(_) => VECTORS,
        Input::Graph { .. } => 1,
        Input::Image(_) => IMAGES,
        Input::Tokens { count, .. } => {
            if count < TOKENS {
                TOKENS / count
            } else {
                1
            }
        }
    }
}

/// The examples of each chunk; the last is as long as what is left.
pub(crate) fn ranges(count: usize, chunk: usize) -> impl Iterator<Item = Range<usize>> {
    (0..count).step_by(chunk).map(move |start| start..count.min(start + chunk))
}
