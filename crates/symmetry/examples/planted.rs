//! Planted permutations: how many are found, from the grown start and from the identity. Writes the table of
//! `docs/results/planted.md`; the networks can be named after the number of trials.
//!
//! ```text
//! cargo run --release -p isoloss-symmetry --example planted -- 100 > docs/results/planted.md
//! ```

#![expect(clippy::unwrap_used, reason = "a program that ends at the first error")]

use std::{
    env,
    io::{self, Write as _},
};

use cpu::Cpu;
use graph::{Builder, Graph, Role, Ty, Val};
use isoloss_symmetry::{
    Generator, Group, ParameterAxis, Slots, Subject, infer,
    matching::{Options, RELATIVE_PROGRESS, objective, planted, weight_matching},
};
use models::{Init, Model, Params};
use tensor::{DType, Key, Tensor};

const NETWORKS: [&str; 15] = [
    "closed:30-50",
    "stream:2-30-50-3",
    "mlp:20-32-32-32-5",
    "mlp:2-50-50-50-2,bias=off",
    "resnet20:width=0.5,norm=layer",
    "resnet20:width=0.5,norm=batch",
    "resnet20:width=1,norm=layer",
    "resnet20:width=1,norm=batch",
    "preresnet20:width=0.5,norm=layer",
    "unet:width=0.125,levels=3,in=3x16x16",
    "gpt:layers=2,width=64,heads=8,context=4,vocab=3",
    "vit:layers=3,width=32,heads=4,hidden=48,in=3x16x16",
    "llama:layers=3,width=32,heads=4,hidden=48,context=8,vocab=24",
    "lstm:vocab=20,hidden=24,layers=2,steps=4",
    "gcn:12-24-24-3,nodes=7",
];

const NOISES: [f64; 3] = [0.0, 0.1, 0.3];

const HEAD: &str = "\
# Planted permutations

A network is copied, disturbed by normal noise (in standard deviations of each parameter), and its units are permuted at
random; the matching has to find the permutation. Found is what has the planted objective or a higher one. `fresh` weights are
initial ones; those `as trained` are fresh ones with a factor or an offset for each unit, as training makes them.
`stream:I-S-H-B` has a residual stream of S units, B branches of H units, and I inputs and outputs; `closed:S-H` has two weights
between two sets of units, of which nothing else tells anything. The three numbers are for noise of 0, 0.1 and 0.3.

";

const ROWS: &str = "\
| network | weights | found from the grown start, of TRIALS | exactly | most sweeps | found from the identity, of TRIALS |
|---|---|---|---|---|---|
";

fn main() {
    let mut arguments = env::args().skip(1);
    let trials: u64 = arguments.next().map_or(100, |count| count.parse().unwrap());
    let named: Vec<String> = arguments.collect();
    let networks = if named.is_empty() { NETWORKS.map(str::to_owned).to_vec() } else { named };
    let mut out = io::stdout().lock();
    write!(out, "{HEAD}{}", ROWS.replace("TRIALS", &trials.to_string())).unwrap();
    for spec in &networks {
        let (group, fresh) = network(spec);
        for (kind, params) in [("fresh", fresh.clone()), ("as trained", as_trained(&fresh, Key::new(7)))] {
            let counts = NOISES.map(|noise| count(&group, &params, noise, trials));
            let row =
                |of: fn(&Count) -> usize| counts.each_ref().map(|count| of(count).to_string()).join(", ");
            let (grown, exact, identity) =
                (row(|count| count.grown), row(|count| count.exact), row(|count| count.identity));
            let sweeps = row(|count| count.sweeps);
            writeln!(out, "| `{spec}` | {kind} | {grown} | {exact} | {sweeps} | {identity} |").unwrap();
        }
    }
}

#[derive(Default)]
struct Count {
    grown: usize,
    exact: usize,
    sweeps: usize,
    identity: usize,
}

fn count(group: &Group, params: &Params, noise: f64, trials: u64) -> Count {
    let mut count = Count::default();
    for trial in 0..trials {
        let key = Key::new(6).fold(trial);
        let (copy, element) = planted::plant(group, params, noise, key).unwrap();
        let answer = group.invert(&element).unwrap();
        let options = Options { restarts: 1, key: key.child("matching"), ..Options::default() };
        let found = weight_matching(&Cpu::new(), group, params, &copy, &options).unwrap();
        let enough = objective(group, params, &copy, &answer).unwrap()
            - RELATIVE_PROGRESS * found.norms[0] * found.norms[1];
        count.grown += usize::from(found.starts[0].objective >= enough);
        count.identity += usize::from(found.starts[1].objective >= enough);
        count.exact += usize::from(found.best_start == 0 && found.element == answer);
        count.sweeps = count.sweeps.max(found.starts[0].sweeps);
    }
    count
}

/// The group and the fresh parameters of a network.
fn network(spec: &str) -> (Group, Params) {
    let sizes = |sizes: &str| sizes.split('-').map(|size| size.parse().unwrap()).collect::<Vec<usize>>();
    if let Some(text) = spec.strip_prefix("closed:") {
        return closed(sizes(text)[..].try_into().unwrap());
    }
    if let Some(text) = spec.strip_prefix("stream:") {
        let graph = stream(sizes(text)[..].try_into().unwrap());
        let inputs = graph.inputs().iter().filter(|input| input.role == Role::Parameter);
        let normal =
            inputs.map(|input| (input.name.as_str(), normal(&graph.ty(input.val).shape, &input.name)));
        return (infer(&graph).permutations(), Params::from_pairs(normal));
    }
    let model = Model::parse(spec).unwrap();
    (infer(&model.forward(1, DType::F32)).permutations(), model.init(Init::PyTorch, Key::new(5)))
}

fn normal(shape: &[usize], name: &str) -> Tensor {
    let key = Key::new(3).child(name);
    Tensor::from_fn(shape, |index| key.normal(index as u64)).convert(DType::F32)
}

fn closed([s, h]: [usize; 2]) -> (Group, Params) {
    let shapes = [("in", [h, s]), ("out", [s, h])];
    let subject = |(name, shape): (&str, [usize; 2])| Subject {
        name: name.to_owned(),
        shape: shape.into(),
        role: Role::Parameter,
    };
    let along = |name: &str, axis, size| ParameterAxis {
        parameter: name.to_owned(),
        axis,
        slots: Slots::whole(size),
    };
    let generator = |name: &str, axes: [usize; 2], size| {
        Generator::permutations(
            name.to_owned(),
            size,
            vec![along("in", axes[0], size), along("out", axes[1], size)],
        )
    };
    let group = Group::new(
        shapes.map(subject).to_vec(),
        vec![generator("stream", [1, 0], s), generator("hidden", [0, 1], h)],
    );
    (group.unwrap(), Params::from_pairs(shapes.map(|(name, shape)| (name, normal(&shape, name)))))
}

fn stream([ends, width, hidden, branches]: [usize; 4]) -> Graph {
    let linear = |b: &mut Builder, x: Val, name: String, outputs: usize| {
        let inputs = b.shape(x)[1];
        let weight = b.parameter(name, Ty::f64([outputs, inputs]));
        b.linear(x, weight, None)
    };
    let mut b = Builder::new("stream");
    let x = b.data("x", Ty::f64([1, ends]));
    let mut stream = linear(&mut b, x, "embed".to_owned(), width);
    for branch in 0..branches {
        let opened = linear(&mut b, stream, format!("open.{branch}"), hidden);
        let opened = b.tanh(opened);
        let written = linear(&mut b, opened, format!("write.{branch}"), width);
        stream = b.add(stream, written);
    }
    let y = linear(&mut b, stream, "read".to_owned(), ends);
    b.output("y", y);
    b.finish()
}

/// What training does to parameters that start alike: each unit gets a scale of its own, and constants are moved.
fn as_trained(params: &Params, key: Key) -> Params {
    let tensors = params.iter().map(|(name, tensor)| {
        let (key, values) = (key.child(name), tensor.to_f64_vec());
        let is_constant = values.iter().all(|x| *x == values[0]);
        let unit_size = tensor.shape().iter().skip(1).product::<usize>().max(1);
        let changed = Tensor::from_fn(tensor.shape().clone(), |index| {
            let unit = key.normal((index / unit_size) as u64);
            if is_constant { values[index] + 0.2 * unit } else { values[index] * (0.3 * unit).exp() }
        });
        changed.convert(DType::F32)
    });
    params.with_values(tensors.collect())
}
