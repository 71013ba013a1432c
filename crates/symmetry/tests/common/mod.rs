//! Small networks and random parameters for them.
#![allow(dead_code, reason = "each test file uses its own part of what all share")]

use cpu::Cpu;
use graph::{
    Argument, Builder, Executor, Graph, Role, Ty, Val,
    composite::{Attention, SelfAttention},
};
use isoloss_symmetry::{Element, Group};
use models::Params;
use tensor::{DType, Key, Tensor};
use transform::jvp;

/// The number of examples that the small networks take.
pub(crate) const EXAMPLES: usize = 4;

/// A network of f64 with the data `x: [EXAMPLES, features]` and one output, as `body` makes it.
pub(crate) fn network(features: usize, body: impl FnOnce(&mut Builder, Val) -> Val) -> Graph {
    let mut b = Builder::new("network");
    let x = b.data("x", Ty::f64([EXAMPLES, features]));
    let y = body(&mut b, x);
    b.output("y", y);
    b.finish()
}

/// A linear layer with the parameters `name.weight` and, where asked for, `name.bias`.
pub(crate) fn linear(b: &mut Builder, x: Val, name: &str, outputs: usize, has_bias: bool) -> Val {
    let inputs = b.shape(x)[1];
    let weight = b.parameter(format!("{name}.weight"), Ty::f64([outputs, inputs]));
    let bias = has_bias.then(|| b.parameter(format!("{name}.bias"), Ty::f64([outputs])));
    b.linear(x, weight, bias)
}

/// A vector along the last axis of `x`, repeated along the others.
pub(crate) fn along_last(b: &mut Builder, x: Val, vector: Val) -> Val {
    let shape = b.shape(x).clone();
    b.broadcast(vector, &shape, &[shape.rank() - 1])
}

/// `x` times the constant `values` along the last axis.
pub(crate) fn times_constant(b: &mut Builder, x: Val, values: &[f64]) -> Val {
    let constant = b.constant(Tensor::new([values.len()], values.to_vec()).expect("a vector"));
    let constant = along_last(b, x, constant);
    b.multiply(x, constant)
}

/// A residual stream of three units with a branch of two: `read(s + write(tanh(open(s))))`, `s = embed(x)`.
pub(crate) fn residual_stream() -> Graph {
    network(2, |b, x| {
        let stream = linear(b, x, "embed", 3, false);
        let hidden = linear(b, stream, "open", 2, false);
        let hidden = b.tanh(hidden);
        let branch = linear(b, hidden, "write", 3, false);
        let stream = b.add(stream, branch);
        linear(b, stream, "read", 2, false)
    })
}

/// A residual stream of `width` units that is read from and written to by `ends` features, with branches of `hidden` units.
pub(crate) fn wide_stream(ends: usize, width: usize, hidden: usize, branches: usize) -> Graph {
    network(ends, |b, x| {
        let mut stream = linear(b, x, "embed", width, false);
        for branch in 0..branches {
            let opened = linear(b, stream, &format!("open.{branch}"), hidden, false);
            let opened = b.tanh(opened);
            let written = linear(b, opened, &format!("write.{branch}"), width, false);
            stream = b.add(stream, written);
        }
        linear(b, stream, "read", ends, false)
    })
}

/// One weight used by two layers in turn: a stream of `width` units whose weight moves on both axes.
pub(crate) fn weight_used_twice(width: usize) -> Graph {
    network(2, |b, x| {
        let first = linear(b, x, "first", width, false);
        let shared = b.parameter("shared.weight", Ty::f64([width, width]));
        let hidden = b.tanh(first);
        let hidden = b.linear(hidden, shared, None);
        let hidden = b.tanh(hidden);
        let hidden = b.linear(hidden, shared, None);
        let hidden = b.tanh(hidden);
        linear(b, hidden, "last", 2, false)
    })
}

/// A function of `x: [40, 3, features]` and parameters.
pub(crate) fn of_sequences(features: usize, body: impl FnOnce(&mut Builder, Val) -> Val) -> Graph {
    let mut b = Builder::new("sequences");
    let x = b.data("x", Ty::f64([40, 3, features]));
    let y = body(&mut b, x);
    b.output("y", y);
    b.finish()
}

/// Causal attention, with a bias of queries, keys and values or without, and without one behind it.
pub(crate) fn attention(heads: usize, depth: usize, rotary: Option<f64>, has_bias: bool) -> Graph {
    of_sequences(5, |b, x| {
        let projection = b.parameter("in", Ty::f64([3 * heads * depth, 5]));
        let projection_bias = has_bias.then(|| b.parameter("bias", Ty::f64([3 * heads * depth])));
        let output = b.parameter("out", Ty::f64([5, heads * depth]));
        let mask = Attention { causal: true, ..Attention::default() };
        let (output_bias, key_heads) = (None, heads);
        b.self_attention(
            x,
            SelfAttention {
                projection,
                projection_bias,
                output,
                output_bias,
                heads,
                key_heads,
                rotary,
                mask,
            },
        )
    })
}

/// Channels of two positions each, scaled by one gain per channel and by a constant that differs between positions.
pub(crate) fn channels(count: usize) -> Graph {
    network(2, |b, x| {
        let hidden = linear(b, x, "first", 2 * count, false);
        let maps = b.reshape(hidden, &[EXAMPLES, count, 2].into());
        let gain = b.parameter("gain", Ty::f64([count]));
        let shape = b.shape(maps).clone();
        let gain = b.broadcast(gain, &shape, &[1]);
        let maps = b.multiply(maps, gain);
        let maps = times_constant(b, maps, &[1.0, 0.5]);
        let maps = b.tanh(maps);
        let hidden = b.reshape(maps, &[EXAMPLES, 2 * count].into());
        linear(b, hidden, "last", 2, false)
    })
}

/// Normal parameters and states for a graph.
pub(crate) fn random_params(graph: &Graph, dtype: DType, key: Key) -> Params {
    let inputs = graph.inputs().iter().filter(|input| input.role != Role::Data);
    Params::from_pairs(inputs.map(|input| {
        let key = key.child(&input.name);
        let tensor = Tensor::from_fn(graph.ty(input.val).shape.clone(), |index| key.normal(index as u64));
        (input.name.as_str(), tensor.convert(dtype))
    }))
}

/// All permutations of the slots of a small group that are not inside of others.
pub(crate) fn all_elements(group: &Group) -> Vec<Element> {
    let mut partial: Vec<Vec<Vec<u32>>> = vec![Vec::new()];
    for generator in group.generators() {
        let longer = |chosen: &Vec<Vec<u32>>| {
            let chosen = chosen.clone();
            let last = match generator.parent {
                None => permutations(generator.size as u32),
                Some(_) => vec![(0..generator.slots() as u32).collect()],
            };
            last.into_iter().map(move |permutation| [chosen.clone(), vec![permutation]].concat())
        };
        partial = partial.iter().flat_map(longer).collect();
    }
    partial
        .into_iter()
        .map(|permutations| group.element(permutations).expect("permutations of the generators"))
        .collect()
}

/// All permutations of `0..n`.
pub(crate) fn permutations(n: u32) -> Vec<Vec<u32>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(n - 1);
    let insert = |place: usize, shorter: &Vec<u32>| [&shorter[..place], &[n - 1], &shorter[place..]].concat();
    shorter.iter().flat_map(|shorter| (0..n as usize).map(move |place| insert(place, shorter))).collect()
}

/// The rank of a matrix with these rows, by elimination with the largest pivots.
fn rank(mut rows: Vec<Vec<f64>>) -> usize {
    let largest = |rows: &[Vec<f64>]| {
        let all = rows
            .iter()
            .enumerate()
            .flat_map(|(i, row)| row.iter().enumerate().map(move |(j, x)| (x.abs(), i, j)));
        all.fold((0.0, 0, 0), |best, next| if next.0 > best.0 { next } else { best })
    };
    let (scale, ..) = largest(&rows);
    for rank in 0..rows.len() {
        let (pivot, row, column) = largest(&rows[rank..]);
        if pivot < 1e-9 * scale {
            return rank;
        }
        rows.swap(rank, rank + row);
        let (done, rest) = rows.split_at_mut(rank + 1);
        for other in rest {
            let factor = other[column] / done[rank][column];
            other.iter_mut().zip(&done[rank]).for_each(|(x, y)| *x -= factor * y);
        }
    }
    rows.len()
}

/// The number of directions in which parameters can move without the function changing: parameters less the generic rank of the
/// derivative of the outputs by them. At some points a unit may be inactive, or nowhere bent, for all examples; the least
/// number over several points is the generic one.
pub(crate) fn flat_directions(graph: &Graph) -> usize {
    (0..24).map(|seed| flat_directions_at(graph, Key::new(seed))).min().expect("there are points")
}

pub(crate) fn flat_directions_at(graph: &Graph, key: Key) -> usize {
    let parameters: Vec<usize> = graph.inputs_with(Role::Parameter).collect();
    let point: Vec<Tensor> = graph
        .inputs()
        .iter()
        .map(|input| {
            let key = key.child(&input.name);
            Tensor::from_fn(graph.ty(input.val).shape.clone(), |i| key.normal(i as u64))
        })
        .collect();
    let mut derivative = Cpu::new().compile(&jvp(graph, &parameters), &[]).expect("a derivative");
    let mut rows = Vec::new();
    for &parameter in &parameters {
        for element in 0..point[parameter].elements() {
            let tangents = parameters.iter().map(|&other| {
                let is_here = |i: usize| if other == parameter && i == element { 1.0 } else { 0.0 };
                Tensor::from_fn(point[other].shape().clone(), is_here)
            });
            let tangents: Vec<Tensor> = tangents.collect();
            let arguments = point.iter().chain(&tangents).map(Argument::from).collect();
            let outputs = derivative.run(arguments).expect("the arguments are of the graph");
            rows.push(outputs.last().expect("there is an output").to_f64_vec());
        }
    }
    rows.len() - rank(rows)
}

/// The outputs on fixed random data.
pub(crate) fn outputs(graph: &Graph, params: &Params) -> Vec<f64> {
    let data = |input: &graph::Input| {
        let ty = graph.ty(input.val);
        let key = Key::new(11).child(&input.name);
        let number =
            |index: usize| if ty.dtype.is_float() { key.normal(index as u64) } else { (index % 3) as f64 };
        Tensor::from_fn(ty.shape.clone(), number).convert(ty.dtype)
    };
    let tensors: Vec<_> = graph
        .inputs()
        .iter()
        .map(|input| params.get(&input.name).cloned().unwrap_or_else(|| data(input)))
        .collect();
    let mut executable = Cpu::new().compile(graph, &[]).expect("a network of known inputs");
    let outputs =
        executable.run(tensors.iter().map(Argument::from).collect()).expect("a network of known inputs");
    outputs.iter().flat_map(Tensor::to_f64_vec).collect()
}
