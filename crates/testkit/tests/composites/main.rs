//! Composites against PyTorch, which `goldens/composites.py` asked: results, gradients, and the laws of derivatives
//! to second order at the same points.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod golden;

use graph::composite::{
    Attention, BatchNorm, ChannelMoments, Conv2d, ConvTranspose2d, CrossEntropy, GROUP_NORM_EPSILON,
    LAYER_NORM_EPSILON, LstmState, RMS_NORM_EPSILON, ROTARY_BASE, Recurrent, SelfAttention, SqueezeExcite,
};
use graph::{Builder, Val, ops::Window};

use golden::{Composite, check_all, load};

fn moments(mean: Val, variance: Val) -> ChannelMoments {
    ChannelMoments { mean, variance }
}

/// The composites that `composites.py` calls, in its order.
const COMPOSITES: &[(&str, Composite)] = &[
    ("silu", |b, v| vec![b.silu(v[0])]),
    ("softmax over axis 0", |b, v| vec![b.softmax(v[0], 0)]),
    ("softmax over axis 1", |b, v| vec![b.softmax(v[0], 1)]),
    ("softmax over axis 2", |b, v| vec![b.softmax(v[0], 2)]),
    ("log_softmax", |b, v| vec![b.log_softmax(v[0])]),
    ("cross_entropy", |b, v| vec![b.cross_entropy(v[0], v[1])]),
    ("cross_entropy, smoothed", |b, v| {
        vec![b.cross_entropy_with(v[0], v[1], CrossEntropy { smoothing: 0.1, ignored: None })]
    }),
    ("cross_entropy of tokens, one ignored", |b, v| {
        vec![b.cross_entropy_with(v[0], v[1], CrossEntropy { smoothing: 0.0, ignored: Some(-1) })]
    }),
    ("mean cross_entropy", |b, v| vec![b.mean_cross_entropy(v[0], v[1], CrossEntropy::default())]),
    ("mean cross_entropy, smoothed, one ignored", |b, v| {
        vec![b.mean_cross_entropy(v[0], v[1], CrossEntropy { smoothing: 0.2, ignored: Some(-1) })]
    }),
    ("layer_norm", |b, v| vec![b.layer_norm(v[0], Some(v[1]), Some(v[2]), LAYER_NORM_EPSILON)]),
    ("rms_norm", |b, v| vec![b.rms_norm(v[0], Some(v[1]), RMS_NORM_EPSILON)]),
    ("group_norm", |b, v| vec![b.group_norm(v[0], 2, Some(v[1]), Some(v[2]), GROUP_NORM_EPSILON)]),
    ("instance_norm", |b, v| vec![b.instance_norm(v[0], Some(v[1]), Some(v[2]), GROUP_NORM_EPSILON)]),
    ("batch_norm, training", |b, v| {
        let options = BatchNorm::default();
        let (y, running) = b.batch_norm_training(v[0], Some(v[1]), Some(v[2]), moments(v[3], v[4]), options);
        vec![y, running.mean, running.variance]
    }),
    ("batch_norm, training, momentum 0.3", |b, v| {
        let options = BatchNorm { momentum: 0.3, ..BatchNorm::default() };
        let (y, running) = b.batch_norm_training(v[0], Some(v[1]), Some(v[2]), moments(v[3], v[4]), options);
        vec![y, running.mean, running.variance]
    }),
    ("batch_norm, evaluation", |b, v| {
        let epsilon = BatchNorm::default().epsilon;
        vec![b.batch_norm(v[0], Some(v[1]), Some(v[2]), moments(v[3], v[4]), epsilon)]
    }),
    ("graph convolution to fewer features", graph_convolution),
    ("graph convolution to more features", graph_convolution),
    ("global average pool", |b, v| vec![b.global_average_pool(v[0])]),
    ("global maximum pool", |b, v| vec![b.global_max_pool(v[0])]),
    ("squeeze_excite", |b, v| {
        let parameters =
            SqueezeExcite { squeeze: v[1], squeeze_bias: Some(v[2]), excite: v[3], excite_bias: Some(v[4]) };
        vec![b.squeeze_excite(v[0], parameters)]
    }),
    ("residual", |b, v| {
        let branch = |b: &mut Builder, x| {
            let mapped = b.linear(x, v[1], None);
            b.tanh(mapped)
        };
        vec![b.residual(v[0], branch)]
    }),
    ("attention", |b, v| vec![b.attention(v[0], v[1], v[2], Attention::default())]),
    ("attention, causal", causal_attention),
    ("attention, grouped queries, causal", causal_attention),
    ("attention, one example without keys", |b, v| {
        vec![b.attention(v[0], v[1], v[2], Attention { present: Some(v[3]), causal: false })]
    }),
    ("rotary", |b, v| vec![b.rotary(v[0], ROTARY_BASE)]),
    ("self_attention, causal", |b, v| {
        let parameters = SelfAttention {
            projection: v[1],
            projection_bias: Some(v[2]),
            output: v[3],
            output_bias: Some(v[4]),
            heads: 4,
            key_heads: 4,
            rotary: None,
            mask: CAUSAL,
        };
        vec![b.self_attention(v[0], parameters)]
    }),
    ("self_attention, rotary, grouped queries", |b, v| {
        let parameters = SelfAttention {
            projection: v[1],
            projection_bias: None,
            output: v[2],
            output_bias: None,
            heads: 4,
            key_heads: 2,
            rotary: Some(ROTARY_BASE),
            mask: Attention::default(),
        };
        vec![b.self_attention(v[0], parameters)]
    }),
    ("lstm", |b, v| lstm(b, v[0], None, &v[1..])),
    ("lstm from a state", |b, v| lstm(b, v[0], Some(LstmState { hidden: v[1], cell: v[2] }), &v[3..])),
    ("lstm_cell", |b, v| {
        let state = LstmState { hidden: v[1], cell: v[2] };
        let LstmState { hidden, cell } = b.lstm_cell(v[0], state, recurrent(&v[3..]));
        vec![hidden, cell]
    }),
    ("gru", |b, v| vec![b.gru(v[0], None, recurrent(&v[1..]))]),
    ("gru from a state", |b, v| vec![b.gru(v[0], Some(v[1]), recurrent(&v[2..]))]),
    ("gru_cell", |b, v| vec![b.gru_cell(v[0], v[1], recurrent(&v[2..]))]),
    ("conv2d", |b, v| vec![b.conv2d(v[0], v[1], Some(v[2]), Conv2d::default())]),
    ("conv2d, strided and padded", |b, v| {
        let options = Conv2d { stride: [2, 1], padding: [1, 2], ..Conv2d::default() };
        vec![b.conv2d(v[0], v[1], Some(v[2]), options)]
    }),
    ("conv2d, dilated, in groups", |b, v| {
        let options = Conv2d { dilation: [1, 2], groups: 2, ..Conv2d::default() };
        vec![b.conv2d(v[0], v[1], Some(v[2]), options)]
    }),
    ("max_pool", |b, v| vec![b.max_pool(v[0], &WINDOWS)]),
    ("average_pool", |b, v| vec![b.average_pool(v[0], &WINDOWS)]),
    ("embedding", |b, v| vec![b.embedding(v[0], v[1])]),
    ("conv_transpose2d", |b, v| vec![b.conv_transpose2d(v[0], v[1], Some(v[2]), ConvTranspose2d::default())]),
    ("conv_transpose2d, strided and padded", |b, v| {
        let options = ConvTranspose2d { stride: [2, 3], padding: [1, 0], extra: [1, 2] };
        vec![b.conv_transpose2d(v[0], v[1], Some(v[2]), options)]
    }),
    ("graph convolution of a batch", graph_convolution),
];

fn graph_convolution(b: &mut Builder, v: &[Val]) -> Vec<Val> {
    let propagation = b.propagation(v[1]);
    vec![b.graph_convolution(v[0], propagation, v[2], Some(v[3]))]
}

const WINDOWS: [Window; 2] = [Window::sliding(3, 2, 1), Window::sliding(2, 1, 0)];

const CAUSAL: Attention = Attention { causal: true, present: None };

fn causal_attention(b: &mut Builder, v: &[Val]) -> Vec<Val> {
    vec![b.attention(v[0], v[1], v[2], CAUSAL)]
}

fn recurrent(v: &[Val]) -> Recurrent {
    Recurrent { input: v[0], recurrent: v[1], input_bias: Some(v[2]), recurrent_bias: Some(v[3]) }
}

fn lstm(b: &mut Builder, x: Val, initial: Option<LstmState>, v: &[Val]) -> Vec<Val> {
    let (hidden, last) = b.lstm(x, initial, recurrent(v));
    vec![hidden, last.hidden, last.cell]
}

#[test]
fn composites_are_pytorch_s_and_obey_the_laws() {
    check_all(&load(include_str!("../goldens/composites.json")), COMPOSITES);
}
