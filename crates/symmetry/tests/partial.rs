//! Merging cluster by cluster: copies, clones, units apart, least squares, refusals.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use cpu::Cpu;
use data::Dataset;
use graph::{Argument, Executor, Graph, Role};
use isoloss_symmetry::{
    Group, SymmetryError, graphs, infer,
    matching::{
        partial::{
            self, Clusters, Options,
            least_squares::{Merging, Refitted, least_squares},
            widths,
        },
        transport::{Side, sides},
    },
};
use models::{Init, Model, Params};
use tensor::{DType, Key, Tensor, parallel};

struct Net {
    model: Model,
    graph: Graph,
    group: Group,
    sides: Vec<Vec<Side>>,
}

impl Net {
    fn new(spec: &str) -> Self {
        Self::of(Model::parse(spec).unwrap())
    }

    fn of(model: Model) -> Self {
        let all = graphs(&model, 4);
        let group = infer(all.last().unwrap());
        let graph = all.into_iter().next().unwrap();
        let sides = sides(&Cpu::new(), &graph, &group.permutations(), Key::new(0)).unwrap();
        Self { model, graph, group, sides }
    }

    fn init(&self, seed: u64) -> Params {
        self.model.init(Init::PyTorch, Key::new(seed))
    }

    /// Random numbers for the network's inputs, labelled 0.
    fn data(&self, count: usize) -> Dataset {
        let features = self.model.input_features();
        let x = Tensor::from_fn([count, features], |at| Key::new(5).normal(at as u64) as f32);
        Dataset::new("normal", self.model.classes().unwrap(), x, Tensor::from_fn([count], |_| 0)).unwrap()
    }

    fn outputs(&self, params: &Params) -> Vec<f64> {
        let given: Vec<Tensor> = self
            .graph
            .inputs()
            .iter()
            .map(|input| match input.role {
                Role::Data => {
                    let key = Key::new(99);
                    Tensor::from_fn(self.graph.ty(input.val).shape.clone(), |at| key.normal(at as u64))
                }
                _ => params.get(&input.name).unwrap().convert(DType::F64),
            })
            .collect();
        let mut executable = Cpu::new().compile(&self.graph, &[]).unwrap();
        executable.run(given.iter().map(Argument::from).collect()).unwrap()[0].to_f64_vec()
    }

    fn sizes(&self) -> Vec<usize> {
        self.group.permutations().generators().iter().map(|generator| generator.size).collect()
    }

    fn zip(&self, pair: [&Params; 2], options: Options) -> (Params, Vec<Clusters>) {
        let data = self.data(300);
        let found = partial::similarities(&Cpu::new(), &self.group, &self.model, pair, &data, &mut |_, _| {})
            .unwrap();
        let clusters: Vec<Clusters> =
            found.iter().map(|own| partial::zipit(own, own.units, options).unwrap()).collect();
        (partial::merged([&self.group; 2], &self.sides, &clusters, pair).unwrap(), clusters)
    }

    fn fit(&self, wide: &Self, clusters: &[Clusters], pair: [&Params; 2]) -> (Params, Refitted) {
        let groups = [&wide.group, &self.group];
        let start = partial::merged(groups, &self.sides, clusters, pair).unwrap();
        let merging = Merging { groups, sides: &self.sides, clusters, model: &self.model, networks: pair };
        let refitted = least_squares(&Cpu::new(), &merging, &start, &self.data(400), &mut |_, _| {}).unwrap();
        (start, refitted)
    }
}

#[track_caller]
fn assert_near(left: &[f64], right: &[f64], tolerance: f64) {
    assert_eq!(left.len(), right.len());
    let worst = left.iter().zip(right).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(worst < tolerance, "{worst}");
}

#[test]
fn a_permuted_copy_is_zipped_to_what_it_was() {
    for spec in [
        "mlp:6-12-10-3,act=tanh",
        "mlp:6-12-12-3,norm=batch",
        "convnet:4-6,dense=5,in=1x8x8,classes=3,act=gelu",
        "resnet8:width=0.25,in=1x8x8,classes=3,act=gelu",
    ] {
        let net = Net::new(spec);
        let a = net.init(1);
        let element = net.group.permutations().random(Key::new(2));
        let b = net.group.permutations().act(&element, &a).unwrap();
        let (merged, clusters) = net.zip([&a, &b], Options::default());
        for (clusters, permutation) in clusters.iter().zip(element.permutations()) {
            // A place of B holds A's unit that the element says.
            let paired = permutation.iter().enumerate().map(|(place, &unit)| (unit as usize, place));
            let mut expected: Vec<Vec<usize>> =
                paired.map(|(unit, place)| vec![unit, clusters.units() + place]).collect();
            expected.sort_unstable();
            assert_eq!(clusters.members(), expected, "{spec}");
        }
        for (name, tensor) in a.iter() {
            assert_near(&merged.get(name).unwrap().to_f64_vec(), &tensor.to_f64_vec(), 1e-6);
        }
    }
}

#[test]
fn units_that_never_fire_are_merged_with_each_other() {
    let net = Net::new("mlp:6-12-3");
    let silent = |params: &Params, units: &[usize]| -> Params {
        let mut params = params.clone();
        let bias = params.get_mut("0.bias").unwrap();
        let mut values = bias.to_f64_vec();
        units.iter().for_each(|&unit| values[unit] = -100.0);
        *bias = Tensor::from_fn([12], |at| values[at] as f32);
        params
    };
    let a = silent(&net.init(1), &[2, 5, 9]);
    let b = net.group.permutations().act(&net.group.permutations().random(Key::new(2)), &a).unwrap();
    let (merged, clusters) = net.zip([&a, &b], Options::default());
    assert_eq!((clusters[0].across(), clusters[0].width()), (12, 12));
    assert_near(&net.outputs(&merged), &net.outputs(&a), 1e-6);
}

/// Each unit of a hidden layer twice, side by side: made alike, and read in halves.
fn doubled(net: &Net, narrow: &Net, params: &Params) -> Params {
    let apart: Vec<Clusters> = narrow
        .sizes()
        .into_iter()
        .map(|size| Clusters::by_place(size, &(0..size).collect::<Vec<_>>()))
        .collect();
    // The mean of a network with itself, all units apart.
    partial::merged([&net.group, &narrow.group], &narrow.sides, &apart, [params; 2]).unwrap()
}

#[test]
fn clones_inside_of_a_network_are_merged_first_and_change_nothing() {
    let (narrow, wide) = (Net::new("mlp:6-4-3"), Net::new("mlp:6-8-3"));
    let a = doubled(&wide, &narrow, &narrow.init(1));
    let b = doubled(&wide, &narrow, &narrow.init(2));
    let mean: Vec<f64> =
        wide.outputs(&a).iter().zip(wide.outputs(&b)).map(|(a, b)| f64::midpoint(*a, b)).collect();
    let (merged, clusters) = wide.zip([&a, &b], Options { alpha: 0.3, beta: 1.0 });
    assert_eq!((clusters[0].inside(), clusters[0].across()), (8, 0), "{clusters:?}");
    assert_near(&wide.outputs(&merged), &mean, 1e-5);
    // Without leave to merge inside of a network, units that differ are.
    let (mixed, clusters) = wide.zip([&a, &b], Options { alpha: 0.3, beta: 0.0 });
    assert_eq!((clusters[0].inside(), clusters[0].across()), (0, 8));
    let changed = wide.outputs(&mixed).iter().zip(&mean).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(changed > 1e-2, "{changed}");
}

#[test]
fn with_all_units_apart_the_mean_of_both_networks_comes_out_and_least_squares_leave_it() {
    for spec in [
        "mlp:6-5-4-3",
        "mlp:6-5-4-3,norm=batch,act=tanh",
        "convnet:4-6,dense=5,in=1x8x8,classes=3",
        "resnet8:width=0.25,in=1x8x8,classes=3",
        "vgg11:width=0.0625,in=1x32x32,classes=3,norm=batch",
    ] {
        let net = Net::new(spec);
        let (a, b) = (net.init(3), net.init(4));
        let wider = widths::by_share(&net.model, &net.group, 1.0).unwrap();
        assert_eq!(wider.extra, net.sizes(), "{spec}");
        let wide = Net::of(wider.model);
        let all = |size: usize| Clusters::by_place(size, &(0..size).collect::<Vec<_>>());
        let clusters: Vec<Clusters> = net.sizes().into_iter().map(all).collect();
        let (start, refitted) = net.fit(&wide, &clusters, [&a, &b]);
        let mean: Vec<f64> =
            net.outputs(&a).iter().zip(net.outputs(&b)).map(|(a, b)| f64::midpoint(*a, b)).collect();
        assert_near(&wide.outputs(&start), &mean, 1e-5);
        assert_near(&wide.outputs(&refitted.params), &mean, 1e-4);
        for fit in &refitted.layers {
            assert!(fit.error_before < 1e-9 && fit.error < 1e-9, "{spec} {fit:?}");
        }
    }
}

#[test]
fn with_no_unit_apart_pairs_are_averaged() {
    let net = Net::new("resnet8:width=0.25,in=1x8x8,classes=3");
    let (a, b) = (net.init(5), net.init(6));
    let pairs: Vec<Clusters> = net.sizes().into_iter().map(|size| Clusters::by_place(size, &[])).collect();
    let merged = partial::merged([&net.group; 2], &net.sides, &pairs, [&a, &b]).unwrap();
    for (name, tensor) in merged.iter() {
        let [a, b] = [&a, &b].map(|params| params.get(name).unwrap().to_f64_vec());
        let mean: Vec<f64> = a.iter().zip(b).map(|(a, b)| f64::midpoint(*a, b)).collect();
        assert_near(&tensor.to_f64_vec(), &mean, 1e-7);
    }
}

/// Solves a small system by elimination.
fn eliminated(mut system: Vec<Vec<f64>>) -> Vec<f64> {
    let size = system.len();
    for at in 0..size {
        let pivot = (at..size).max_by(|a, b| system[*a][at].abs().total_cmp(&system[*b][at].abs())).unwrap();
        system.swap(at, pivot);
        let chosen = system[at].clone();
        for (_, row) in system.iter_mut().enumerate().filter(|(row, _)| *row != at) {
            let factor = row[at] / chosen[at];
            row.iter_mut().zip(&chosen).for_each(|(entry, own)| *entry -= factor * own);
        }
    }
    (0..size).map(|at| system[at][size] / system[at][at]).collect()
}

#[test]
fn least_squares_are_those_of_elimination_on_the_activations() {
    let (net, apart) = (Net::new("mlp:5-6-2"), [1, 4]);
    let wide = Net::new("mlp:5-8-2");
    let (a, b) = (net.init(7), net.init(8));
    let (start, refitted) = net.fit(&wide, &[Clusters::by_place(6, &apart)], [&a, &b]);
    let data = net.data(400);
    let x = data.x().to_f64_vec();
    let layer = |params: &Params, name: &str, x: &[f64]| -> Vec<f64> {
        let [weight, bias] =
            ["weight", "bias"].map(|kind| params.get(&format!("{name}.{kind}")).unwrap().to_f64_vec());
        let row = |(row, bias): (&[f64], &f64)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + bias;
        weight.chunks(x.len()).zip(&bias).map(row).collect()
    };
    let relu = |params: &Params, x: &[f64]| -> Vec<f64> {
        layer(params, "0", x).into_iter().map(|x| x.max(0.0)).collect()
    };
    // The units 0, 1 of A, 2, 3, 4 of A, 5, then 1 and 4 of B; and one for the bias.
    let read = |x: &[f64]| -> Vec<f64> {
        let (a, b) = (relu(&a, x), relu(&b, x));
        let own =
            (0..6).map(|unit| if apart.contains(&unit) { a[unit] } else { f64::midpoint(a[unit], b[unit]) });
        own.chain(apart.map(|unit| b[unit])).chain([1.0]).collect()
    };
    let made = |x: &[f64]| -> Vec<f64> {
        let (a, b) = (layer(&a, "2", &relu(&a, x)), layer(&b, "2", &relu(&b, x)));
        a.iter().zip(b).map(|(a, b)| f64::midpoint(*a, b)).collect()
    };
    let samples: Vec<(Vec<f64>, Vec<f64>)> = x.chunks(5).map(|x| (read(x), made(x))).collect();
    for unit in 0..2 {
        let entry = |row: usize, column: usize| -> f64 {
            let term = |(z, y): &(Vec<f64>, Vec<f64>)| z[row] * z.get(column).copied().unwrap_or(y[unit]);
            samples.iter().map(term).sum()
        };
        let system = (0..9).map(|row| (0..=9).map(|column| entry(row, column)).collect()).collect();
        let expected = eliminated(system);
        let weight = &refitted.params.get("2.weight").unwrap().to_f64_vec()[unit * 8..][..8];
        assert_near(weight, &expected[..8], 1e-3);
        assert_near(&[refitted.params.get("2.bias").unwrap().to_f64_vec()[unit]], &expected[8..], 1e-3);
    }
    // What the first layer is to make is linear in what it reads.
    assert_near(
        &refitted.params.get("0.weight").unwrap().to_f64_vec(),
        &start.get("0.weight").unwrap().to_f64_vec(),
        1e-5,
    );
    let [first, second] = &refitted.layers[..] else { panic!("{:?}", refitted.layers) };
    assert!(first.error_before < 1e-9 && second.error < 0.9 * second.error_before, "{second:?}");
    assert!(second.slope < 1e-6 && refitted.kept.is_empty(), "{second:?}");
}

#[test]
fn least_squares_of_convolutions_miss_less_than_merging_and_leave_the_first_layer() {
    for spec in ["convnet:4-6,dense=5,in=1x8x8,classes=3", "resnet8:width=0.25,in=1x8x8,classes=3"] {
        let net = Net::new(spec);
        let (a, b) = (net.init(9), net.init(10));
        let pairs: Vec<Clusters> =
            net.sizes().into_iter().map(|size| Clusters::by_place(size, &[])).collect();
        let (_, refitted) = net.fit(&net, &pairs, [&a, &b]);
        assert!(refitted.layers[0].error_before < 1e-9, "{:?}", refitted.layers[0]);
        for fit in &refitted.layers[1..] {
            assert!(fit.error < fit.error_before && fit.slope < 1e-6, "{spec} {fit:?}");
        }
        let is_norm = |name: &String| name.contains("bn") || name.contains("shortcut.1");
        assert!(refitted.kept.iter().all(is_norm), "{:?}", refitted.kept);
    }
}

#[test]
fn the_least_alike_pairs_stay_apart_within_the_budget() {
    let net = Net::new("mlp:6-12-8-3");
    let (a, b) = (net.init(11), net.init(12));
    let data = net.data(300);
    let found =
        partial::similarities(&Cpu::new(), &net.group, &net.model, [&a, &b], &data, &mut |_, _| {}).unwrap();
    let kept = |chosen: &partial::Chosen| -> f64 {
        found.iter().zip(&chosen.clusters).map(|(own, clusters)| own.kept(clusters)).sum()
    };
    let mut before = 0.0;
    for share in [0.0, 0.2, 0.5, 1.0] {
        let chosen = partial::pleas(&found, &net.group, &net.model, share).unwrap();
        let widths: Vec<usize> = chosen.clusters.iter().map(Clusters::width).collect();
        assert_eq!(chosen.model.spec(), format!("mlp:6-{}-{}-3", widths[0], widths[1]));
        if let Some(budget) = chosen.budget {
            assert!(budget.spent <= budget.allowed + 1e-9 && budget.value <= budget.bound, "{budget:?}");
        }
        assert!(kept(&chosen) > before, "{share}");
        before = kept(&chosen);
    }
    assert!((before - 2.0).abs() < 1e-9, "{before}");
}

#[test]
fn widths_that_no_specification_has_are_refused() {
    let net = Net::new("resnet8:width=0.25,in=1x8x8,classes=3");
    let half = widths::by_share(&net.model, &net.group, 0.6).unwrap();
    assert_eq!(half.model.spec(), "resnet8:width=0.375,in=1x8x8,classes=3");
    let little = widths::by_share(&net.model, &net.group, 0.1).unwrap_err().to_string();
    assert!(little.contains("smallest step"), "{little}");
    let gpt = Model::parse("gpt:layers=1,width=8,heads=2,context=4,vocab=5").unwrap();
    let group = infer(graphs(&gpt, 2).last().unwrap());
    let none = widths::by_share(&gpt, &group, 0.5).unwrap_err().to_string();
    assert!(none.contains("no specification"), "{none}");
    for share in [-0.1, 1.5, f64::NAN] {
        let error = widths::by_share(&net.model, &net.group, share).unwrap_err();
        assert!(matches!(error, SymmetryError::NotAShare { .. }), "{error}");
    }
}

#[test]
fn activations_that_are_not_finite_are_refused() {
    let net = Net::new("mlp:6-5-3");
    let (a, mut b) = (net.init(1), net.init(2));
    *b.get_mut("0.bias").unwrap() = Tensor::full([5], f32::INFINITY);
    let pair = [&a, &b];
    let found =
        partial::similarities(&Cpu::new(), &net.group, &net.model, pair, &net.data(20), &mut |_, _| {});
    assert!(matches!(found, Err(SymmetryError::Activations { .. })), "{found:?}");
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let (net, wide) = (Net::new("mlp:12-20-16-4"), Net::new("mlp:12-22-16-4"));
    let (a, b) = (net.init(13), net.init(14));
    let run = || {
        let zipped = net.zip([&a, &b], Options::default());
        let clusters = [Clusters::by_place(20, &[3, 7]), Clusters::by_place(16, &[])];
        (zipped, net.fit(&wide, &clusters, [&a, &b]))
    };
    assert_eq!(parallel::with_threads(1, run).unwrap(), parallel::with_threads(4, run).unwrap());
}
