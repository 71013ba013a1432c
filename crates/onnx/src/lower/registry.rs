//! The operators that are read, and their attributes.

use super::{
    attention, binary, conv, linear, loss, make,
    node::{Node, Outputs},
    norm, pad, part, pool, recurrent, reduce, resize, shape, softmax, unary,
};

/// How a node becomes graph.
pub(super) type Rule = fn(&mut Node<'_>) -> Outputs;

/// An operator: its name, its rule and the attributes that the rule obeys.
pub(super) struct Operator {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    pub(super) attributes: &'static [&'static str],
}

const fn op(name: &'static str, rule: Rule, attributes: &'static [&'static str]) -> Operator {
    Operator { name, rule, attributes }
}

const WINDOWS: &[&str] = &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"];
const TRANSPOSED: &[&str] =
    &["auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"];
const POOL: &[&str] = &[
    "auto_pad",
    "ceil_mode",
    "count_include_pad",
    "dilations",
    "kernel_shape",
    "pads",
    "storage_order",
    "strides",
];
const LOSS: &[&str] = &["ignore_index", "reduction"];
const REDUCE: &[&str] = &["axes", "keepdims", "noop_with_empty_axes"];
const CONSTANT: &[&str] = &[
    "sparse_value",
    "value",
    "value_float",
    "value_floats",
    "value_int",
    "value_ints",
    "value_string",
    "value_strings",
];
const RESIZE: &[&str] = &[
    "antialias",
    "axes",
    "coordinate_transformation_mode",
    "cubic_coeff_a",
    "exclude_outside",
    "extrapolation_value",
    "keep_aspect_ratio_policy",
    "mode",
    "nearest_mode",
    "scales",
];
const RECURRENT: &[&str] = &[
    "activation_alpha",
    "activation_beta",
    "activations",
    "clip",
    "direction",
    "hidden_size",
    "input_forget",
    "layout",
    "linear_before_reset",
];
const ATTENTION: &[&str] = &[
    "is_causal",
    "kv_num_heads",
    "q_num_heads",
    "qk_matmul_output_mode",
    "scale",
    "softcap",
    "softmax_precision",
];

/// All of them, in the order of their names.
pub(super) const OPERATORS: &[Operator] = &[
    op("Abs", unary::abs, &[]),
    op("Add", binary::add, &[]),
    op("And", binary::and, &[]),
    op("Attention", attention::attention, ATTENTION),
    op("AveragePool", pool::average_pool, POOL),
    op("BatchNormalization", norm::batch_norm, &["epsilon", "momentum", "spatial", "training_mode"]),
    op("Cast", unary::cast, &["round_mode", "saturate", "to"]),
    op("CastLike", unary::cast_like, &["round_mode", "saturate"]),
    op("Ceil", unary::ceil, &[]),
    op("Celu", unary::celu, &["alpha"]),
    op("Clip", unary::clip, &["max", "min"]),
    op("Concat", part::concat, &["axis"]),
    op("Constant", make::constant, CONSTANT),
    op("ConstantOfShape", make::constant_of_shape, &["value"]),
    op("Conv", conv::conv, WINDOWS),
    op("ConvTranspose", conv::conv_transpose, TRANSPOSED),
    op("Cos", unary::cos, &[]),
    op("CumSum", reduce::cumulative_sum, &["exclusive", "reverse"]),
    op("DepthToSpace", shape::depth_to_space, &["blocksize", "mode"]),
    op("Div", binary::div, &[]),
    op("Dropout", unary::dropout, &["ratio", "seed"]),
    op("Einsum", linear::einsum, &["equation"]),
    op("Elu", unary::elu, &["alpha"]),
    op("Equal", binary::equal, &[]),
    op("Erf", unary::erf, &[]),
    op("Exp", unary::exp, &[]),
    op("Expand", shape::expand, &[]),
    op("EyeLike", make::eye_like, &["dtype", "k"]),
    op("Flatten", shape::flatten, &["axis"]),
    op("Floor", unary::floor, &[]),
    op("GRU", recurrent::gru, RECURRENT),
    op("Gather", part::gather, &["axis"]),
    op("GatherElements", part::gather_elements, &["axis"]),
    op("GatherND", part::gather_nd, &["batch_dims"]),
    op("Gelu", unary::gelu, &["approximate"]),
    op("Gemm", linear::gemm, &["alpha", "beta", "transA", "transB"]),
    op("GlobalAveragePool", pool::global_average_pool, &[]),
    op("GlobalMaxPool", pool::global_max_pool, &[]),
    op("Greater", binary::greater, &[]),
    op("GreaterOrEqual", binary::greater_or_equal, &[]),
    op("GroupNormalization", norm::group_norm, &["epsilon", "num_groups", "stash_type"]),
    op("HardSigmoid", unary::hard_sigmoid, &["alpha", "beta"]),
    op("HardSwish", unary::hard_swish, &[]),
    op("Identity", unary::identity, &[]),
    op("InstanceNormalization", norm::instance_norm, &["epsilon"]),
    op("IsNaN", unary::is_nan, &[]),
    op("LRN", norm::lrn, &["alpha", "beta", "bias", "size"]),
    op("LSTM", recurrent::lstm, RECURRENT),
    op("LayerNormalization", norm::layer_norm, &["axis", "epsilon", "stash_type"]),
    op("LeakyRelu", unary::leaky_relu, &["alpha"]),
    op("Less", binary::less, &[]),
    op("LessOrEqual", binary::less_or_equal, &[]),
    op("Log", unary::log, &[]),
    op("LogSoftmax", softmax::log_softmax, &["axis"]),
    op("LpNormalization", norm::lp_norm, &["axis", "p"]),
    op("MatMul", linear::matmul, &[]),
    op("Max", binary::max, &[]),
    op("MaxPool", pool::max_pool, POOL),
    op("Mean", binary::mean, &[]),
    op("Min", binary::min, &[]),
    op("Mish", unary::mish, &[]),
    op("Mod", binary::modulo, &["fmod"]),
    op("Mul", binary::mul, &[]),
    op("Neg", unary::neg, &[]),
    op("NegativeLogLikelihoodLoss", loss::negative_log_likelihood, LOSS),
    op("Not", unary::not, &[]),
    op("OneHot", make::one_hot, &["axis"]),
    op("Or", binary::or, &[]),
    op("PRelu", unary::prelu, &[]),
    op("Pad", pad::pad, &["mode", "pads", "value"]),
    op("Pow", binary::pow, &[]),
    op("RMSNormalization", norm::rms_norm, &["axis", "epsilon", "stash_type"]),
    op("RNN", recurrent::rnn, RECURRENT),
    op("Range", make::range, &[]),
    op("Reciprocal", unary::reciprocal, &[]),
    op("ReduceL1", reduce::l1, REDUCE),
    op("ReduceL2", reduce::l2, REDUCE),
    op("ReduceLogSum", reduce::log_sum, REDUCE),
    op("ReduceLogSumExp", reduce::log_sum_exp, REDUCE),
    op("ReduceMax", reduce::max, REDUCE),
    op("ReduceMean", reduce::mean, REDUCE),
    op("ReduceMin", reduce::min, REDUCE),
    op("ReduceProd", reduce::prod, REDUCE),
    op("ReduceSum", reduce::sum, REDUCE),
    op("ReduceSumSquare", reduce::sum_square, REDUCE),
    op("Relu", unary::relu, &[]),
    op("Reshape", shape::reshape, &["allowzero"]),
    op("Resize", resize::resize, RESIZE),
    op("Selu", unary::selu, &["alpha", "gamma"]),
    op("Shape", shape::shape, &["end", "start"]),
    op("Sigmoid", unary::sigmoid, &[]),
    op("Sign", unary::sign, &[]),
    op("Sin", unary::sin, &[]),
    op("Size", shape::elements, &[]),
    op("Slice", part::slice, &["axes", "ends", "starts"]),
    op("Softmax", softmax::softmax, &["axis"]),
    op("SoftmaxCrossEntropyLoss", loss::softmax_cross_entropy, LOSS),
    op("Softplus", unary::softplus, &[]),
    op("Softsign", unary::softsign, &[]),
    op("SpaceToDepth", shape::space_to_depth, &["blocksize"]),
    op("Split", part::split, &["axis", "num_outputs", "split"]),
    op("Sqrt", unary::sqrt, &[]),
    op("Squeeze", shape::squeeze, &["axes"]),
    op("Sub", binary::sub, &[]),
    op("Sum", binary::sum, &[]),
    op("Swish", unary::swish, &["alpha"]),
    op("Tanh", unary::tanh, &[]),
    op("ThresholdedRelu", unary::thresholded_relu, &["alpha"]),
    op("Tile", shape::tile, &[]),
    op("Transpose", shape::transpose, &["perm"]),
    op("Trilu", unary::trilu, &["upper"]),
    op("Unsqueeze", shape::unsqueeze, &["axes"]),
    op("Upsample", resize::upsample, &["mode", "scales"]),
    op("Where", binary::select, &[]),
    op("Xor", binary::xor, &[]),
];

/// The operator of this name.
pub(super) fn find(name: &str) -> Option<&'static Operator> {
    OPERATORS.binary_search_by(|operator| operator.name.cmp(name)).ok().map(|place| &OPERATORS[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_listed_once_and_in_order() {
        assert!(OPERATORS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(OPERATORS.iter().all(|operator| operator.attributes.is_sorted()));
    }
}
