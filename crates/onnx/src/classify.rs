//! Which initializers are trained.

use std::collections::BTreeMap;

use graph::Role;

use crate::schema::{GraphProto, NodeProto, TensorProto};

/// What a node does with one of its inputs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// A number that decides what the node does.
    Setting,
    /// An operand like any other.
    Operand,
    /// The weight or bias of a layer.
    Weight,
    /// A running statistic.
    Statistic,
}

/// The role of each initializer of floats: running statistics of batch normalisation are state; weights of layers are
/// parameters, and so is every other operand of more than one element. Single numbers that no layer calls its weight are
/// constants of the formula, as is what decides what a node does (the bounds of `Clip`, the factors of `Resize`).
pub(crate) fn roles(graph: &GraphProto) -> BTreeMap<&str, Role> {
    let initializers: BTreeMap<&str, &TensorProto> =
        graph.initializer.iter().map(|tensor| (tensor.name(), tensor)).collect();
    let mut uses: BTreeMap<&str, Use> = BTreeMap::new();
    let sources = sources(graph);
    for node in &graph.node {
        for (position, input) in node.input.iter().enumerate() {
            let name = sources.get(input.as_str()).copied().unwrap_or(input);
            let found = use_of(node, position);
            let known = uses.entry(name).or_insert(found);
            *known = found.max(*known);
        }
    }
    let role = |(name, found): (&'_ str, Use)| {
        let tensor = initializers.get(name)?;
        let is_single = tensor.dims.iter().all(|&size| size == 1);
        match found {
            Use::Statistic => Some(Role::State),
            Use::Weight => Some(Role::Parameter),
            Use::Operand if !is_single => Some(Role::Parameter),
            Use::Operand | Use::Setting => None,
        }
    };
    let mut roles = BTreeMap::new();
    for (name, found) in uses {
        if let Some(role) = role((name, found)) {
            roles.insert(name, role);
        }
    }
    roles
}

/// What is only another name for a value, with that value's first name: exporters share equal tensors so.
pub(crate) fn sources(graph: &GraphProto) -> BTreeMap<&str, &str> {
    let mut sources: BTreeMap<&str, &str> = BTreeMap::new();
    for node in graph.node.iter().filter(|node| node.op_type() == "Identity") {
        if let ([input], [output]) = (&node.input[..], &node.output[..]) {
            let source = sources.get(input.as_str()).copied().unwrap_or(input);
            sources.insert(output, source);
        }
    }
    sources
}

fn use_of(node: &NodeProto, position: usize) -> Use {
    match (node.op_type(), position) {
        ("BatchNormalization", 3 | 4) => Use::Statistic,
        ("MatMul", _)
        | (
            "Conv"
            | "ConvTranspose"
            | "Gemm"
            | "BatchNormalization"
            | "InstanceNormalization"
            | "GroupNormalization"
            | "LayerNormalization"
            | "RMSNormalization"
            | "SimplifiedLayerNormalization"
            | "PRelu",
            1 | 2,
        )
        | ("LSTM" | "GRU" | "RNN", 1..=3 | 7)
        | ("Gather", 0) => Use::Weight,
        (
            "Clip" | "Pad" | "Resize" | "Upsample" | "Dropout" | "OneHot" | "Trilu" | "Expand" | "Tile",
            1..,
        )
        | ("SoftmaxCrossEntropyLoss" | "NegativeLogLikelihoodLoss", 2)
        | ("Range" | "ConstantOfShape", _)
        | ("Identity", _) => Use::Setting,
        _ => Use::Operand,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        NodeProto {
            op_type: Some(op.to_owned()),
            input: names(inputs),
            output: names(outputs),
            ..NodeProto::default()
        }
    }

    #[test]
    fn weights_statistics_and_settings_are_told_apart() {
        let tensor = |name: &str, dims: &[i64]| TensorProto {
            name: Some(name.to_owned()),
            dims: dims.to_vec(),
            ..TensorProto::default()
        };
        let graph = GraphProto {
            initializer: vec![
                tensor("w", &[1, 1]),
                tensor("gain", &[4]),
                tensor("mean", &[4]),
                tensor("half", &[]),
                tensor("low", &[1]),
                tensor("position", &[1, 3]),
                tensor("unused", &[9]),
            ],
            node: vec![
                node("Identity", &["mean"], &["again"]),
                node("Gemm", &["x", "w"], &["a"]),
                node("BatchNormalization", &["a", "gain", "gain", "again", "gain"], &["b"]),
                node("Mul", &["b", "half"], &["c"]),
                node("Clip", &["c", "low"], &["d"]),
                node("Add", &["d", "position"], &["e"]),
            ],
            ..GraphProto::default()
        };
        let roles = roles(&graph);
        let (parameter, state) = (Some(&Role::Parameter), Some(&Role::State));
        assert_eq!((roles.get("w"), roles.get("position"), roles.get("mean")), (parameter, parameter, state));
        assert_eq!((roles.get("half"), roles.get("low"), roles.get("unused")), (None, None, None));
    }
}
