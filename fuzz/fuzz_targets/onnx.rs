//! Any bytes are an ONNX network or are refused; what is read has weights or says why not, and patches to itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use onnx::OnnxModel;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(network) = OnnxModel::parse(bytes.to_vec(), None)
        && let Ok(weights) = network.weights()
    {
        let finite = weights.iter().all(|weight| weight.first_non_finite().is_none());
        let patched = network.patch(&weights).expect("a network takes its own weights");
        assert!(!finite || patched == bytes);
        assert_eq!(OnnxModel::parse(network.skeleton().clone(), None).expect("a skeleton is a network"), network);
    }
});
