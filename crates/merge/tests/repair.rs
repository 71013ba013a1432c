//! Renormalising networks that were merged.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::sync::LazyLock;

use cpu::Cpu;
use data::Dataset;
use evaluate::reestimate;
use graph::Graph;
use isoloss_merge::{
    average,
    repair::{Ends, JointEnds, Repair, Repaired},
};
use models::{Init, Model, Params};
use symmetry::{
    Group, certified, infer,
    matching::{
        partial::{self, Clusters, United},
        transport::{self, Side},
    },
    sites::Correction,
};
use tensor::{Key, Tensor};

static CPU: LazyLock<Cpu> = LazyLock::new(Cpu::default);

const NETWORKS: [&str; 6] = [
    "mlp:6-8-7-3",
    "mlp:6-8-7-3,act=gelu,norm=layer",
    "convnet:4-6,in=1x8x8",
    "resnet8:norm=none,in=1x8x8",
    "resnet8:norm=layer,in=1x8x8",
    "resnet8:norm=layer,in=1x8x8,shortcut=padding",
];

/// One chunk of examples: moments of the chunk are those of the data.
fn examples(model: &Model) -> Dataset {
    let (count, features) = (60, model.input_features());
    if features == 64 {
        return data::load("digits").unwrap().train.take(count);
    }
    let x = Tensor::from_fn([count, features], |at| Key::new(5).normal(at as u64) as f32);
    let classes = model.classes().unwrap();
    Dataset::new("random", classes, x, Tensor::from_fn([count], |at| (at % classes) as i32)).unwrap()
}

/// Random weights, with gains and biases that are not ones and zeros.
fn network(model: &Model, seed: u64) -> Params {
    let key = Key::new(seed);
    let start = model.init(Init::PyTorch, key);
    let values = start.iter().enumerate().map(|(number, (_, tensor))| {
        let (key, old) = (key.child(&number.to_string()), tensor.to_f64_vec());
        let size = if tensor.shape().rank() == 1 { 0.2 } else { 0.0 };
        Tensor::from_fn(tensor.shape().clone(), |at| (old[at] + size * key.uniform(at as u64)) as f32)
    });
    start.with_values(values.collect())
}

struct Case {
    model: Model,
    group: Group,
    data: Dataset,
    networks: [Params; 2],
}

impl Case {
    fn new(spec: &str) -> Self {
        let model = Model::parse(spec).unwrap();
        let graphs = symmetry::graphs(&model, 2);
        let all: Vec<&Graph> = graphs.iter().collect();
        let group = infer(graphs.last().unwrap());
        let group = certified(&*CPU, &all, &group, Key::new(0), 1).unwrap().group;
        let (data, networks) = (examples(&model), [network(&model, 1), network(&model, 2)]);
        Self { model, group, data, networks }
    }

    fn repair(&self) -> Repair {
        Repair::new(&*CPU, &self.model, &self.group, &self.data, 1000, Key::new(3)).unwrap()
    }

    fn ends(&self, repair: &mut Repair) -> Ends {
        repair.ends(&self.networks.each_ref(), &mut |_, _| {}).unwrap()
    }

    fn joint_ends(&self, repair: &mut Repair) -> JointEnds {
        repair.joint_ends(&self.networks.each_ref(), &mut |_, _| {}).unwrap()
    }

    /// With running statistics of these data, where there are some.
    fn settled(&self, params: &Params) -> Params {
        reestimate(&*CPU, &self.model, params, &self.data).unwrap()
    }

    fn merged(&self) -> Params {
        average(&self.networks.each_ref()).unwrap()
    }

    /// The largest and smallest share of their variance that the sites have before and after.
    fn shares(
        &self,
        repair: &mut Repair,
        ends: &Ends,
        merged: &Params,
        repaired: &Repaired,
    ) -> [[f64; 2]; 2] {
        let all = repair.collapse(merged, repaired, ends, &[0.5; 2], &mut |_, _| {}).unwrap();
        all.map(|sites| {
            let ratios = || sites.iter().map(|site| site.ratio);
            [ratios().fold(f64::INFINITY, f64::min), ratios().fold(0.0, f64::max)]
        })
    }
}

#[test]
fn every_site_has_the_mean_moments_of_the_networks() {
    for spec in NETWORKS {
        let case = Case::new(spec);
        let mut repair = case.repair();
        assert!(repair.refused().is_empty(), "{spec}: {:?}", repair.refused());
        let (ends, merged) = (case.ends(&mut repair), case.merged());
        let repaired = repair.measured(&merged, &ends, &[0.5; 2]).unwrap();
        let [before, after] = case.shares(&mut repair, &ends, &merged, &repaired);
        let is_off = before[0] < 0.9 || before[1] > 1.1;
        assert!(is_off && after[0] > 0.999 && after[1] < 1.001, "{spec}: {before:?} {after:?}");
        // Nothing more is to be done, to the means either, but where what varies is larger than it stands for.
        if !repair.sites().iter().any(|site| site.is_juncture) {
            for again in repair.measured(&repaired.params, &ends, &[0.5; 2]).unwrap().corrections {
                assert!(again.scale.iter().all(|scale| (scale - 1.0).abs() < 1e-3), "{spec}: {again:?}");
                assert!(again.shift.iter().all(|shift| shift.abs() < 1e-3), "{spec}: {again:?}");
            }
        }
    }
}

#[test]
fn a_network_merged_with_itself_stays_as_it_is() {
    for spec in NETWORKS {
        let case = Case::new(spec);
        let mut repair = case.repair();
        let own = &case.networks[0];
        let ends = repair.joint_ends(&[own, own], &mut |_, _| {}).unwrap();
        let measured = repair.measured(own, ends.ends(), &[0.25, 0.75]).unwrap();
        let closed = repair.closed(own, &ends, &[0.25, 0.75]).unwrap();
        for repaired in [measured, closed] {
            for (name, tensor) in repaired.params.iter() {
                for (found, old) in tensor.to_f64_vec().into_iter().zip(own.get(name).unwrap().to_f64_vec()) {
                    assert!((found - old).abs() < 1e-4 * (1.0 + old.abs()), "{spec} {name}: {found} {old}");
                }
            }
        }
    }
}

#[test]
fn the_closed_form_is_exact_where_nothing_stands_before() {
    let case = Case::new("mlp:6-8-3");
    let mut repair = case.repair();
    let ends = case.joint_ends(&mut repair);
    for weights in [[0.5, 0.5], [0.2, 0.8]] {
        let merged = isoloss_merge::interpolate(&case.networks[0], &case.networks[1], weights[1]).unwrap();
        let measured = repair.measured(&merged, ends.ends(), &weights).unwrap().corrections;
        let closed = repair.closed(&merged, &ends, &weights).unwrap().corrections;
        for (measured, closed) in measured[0].scale.iter().zip(&closed[0].scale) {
            assert!((measured / closed - 1.0).abs() < 1e-5, "{measured} {closed}");
        }
    }
    // Behind the first layer it is nearer to the goal than nothing is.
    let case = Case::new("mlp:6-64-64-64-3");
    let mut repair = case.repair();
    let (ends, merged) = (case.joint_ends(&mut repair), case.merged());
    let closed = repair.closed(&merged, &ends, &[0.5; 2]).unwrap();
    let [before, after] = repair.collapse(&merged, &closed, ends.ends(), &[0.5; 2], &mut |_, _| {}).unwrap();
    for (before, after) in before.iter().zip(&after) {
        assert!((after.ratio - 1.0).abs() < 0.5 * (before.ratio - 1.0).abs(), "{before:?} {after:?}");
    }
}

#[test]
fn batch_normalisation_is_corrected_with_the_moments_that_it_will_have() {
    let case = Case::new("resnet8:norm=batch,in=1x8x8");
    let networks = case.networks.each_ref().map(|params| case.settled(params));
    let case = Case { networks, ..Case::new("resnet8:norm=batch,in=1x8x8") };
    let mut repair = case.repair();
    let (ends, merged) = (case.ends(&mut repair), case.merged());
    let mut repaired = repair.measured(&merged, &ends, &[0.5; 2]).unwrap();
    repaired.params = case.settled(&repaired.params);
    let [before, after] = case.shares(&mut repair, &ends, &case.settled(&merged), &repaired);
    // Running variances are unbiased, and an epsilon is added to them.
    assert!(before[0] < 0.95 && after[0] > 0.98 && after[1] < 1.01, "{before:?} {after:?}");
}

#[test]
fn three_networks_have_their_mean() {
    let case = Case::new("mlp:6-8-7-3");
    let third = network(&case.model, 9);
    let networks = [&case.networks[0], &case.networks[1], &third];
    let mut repair = case.repair();
    let mut passes = [0; 2];
    let ends = repair.ends(&networks, &mut |_, _| passes[0] += 1).unwrap();
    let joint = repair.joint_ends(&networks, &mut |_, _| passes[1] += 1).unwrap();
    assert_eq!((&ends, passes), (joint.ends(), [2, 3]));
    let weights = [1.0 / 3.0; 3];
    let merged = average(&networks).unwrap();
    let repaired = repair.measured(&merged, &ends, &weights).unwrap();
    let [_, full] = repair.collapse(&merged, &repaired, &ends, &weights, &mut |_, _| {}).unwrap();
    assert!(full.iter().all(|site| (site.ratio - 1.0).abs() < 1e-3), "{full:?}");
    let closed = repair.closed(&merged, &joint, &weights).unwrap().corrections;
    for (measured, closed) in repaired.corrections[0].scale.iter().zip(&closed[0].scale) {
        assert!((measured / closed - 1.0).abs() < 1e-5, "{measured} {closed}");
    }
}

impl Case {
    fn sides(&self) -> Vec<Vec<Side>> {
        transport::sides(&*CPU, &symmetry::graphs(&self.model, 4)[0], &self.group.permutations(), Key::new(0))
            .unwrap()
    }

    fn sizes(&self) -> Vec<usize> {
        self.group.permutations().generators().iter().map(|generator| generator.size).collect()
    }
}

#[test]
fn clusters_of_pairs_have_the_moments_of_pairs() {
    for spec in [
        "mlp:6-8-7-3",
        "convnet:4-6,in=1x8x8",
        "resnet8:norm=none,in=1x8x8",
        "resnet8:norm=layer,in=1x8x8",
        "resnet8:norm=batch,in=1x8x8",
    ] {
        let case = Case::new(spec);
        let permutations = case.group.permutations();
        let element = permutations.random(Key::new(7));
        let matched = permutations.act(&element, &case.networks[1]).unwrap();
        let pairs = |(size, from): (usize, &Vec<u32>)| {
            let pair = |place: usize| vec![place, size + from[place] as usize];
            Clusters::new(size, (0..size).map(pair).collect())
        };
        let clusters: Vec<Clusters> =
            case.sizes().into_iter().zip(element.permutations()).map(pairs).collect();
        let united = United::new([&case.group; 2], &case.sides(), &clusters).unwrap();
        let mut repair = case.repair();
        let ends = case.ends(&mut repair);
        let own = repair.united(&repair, &ends, &united).unwrap();
        let places: Vec<Clusters> =
            case.sizes().into_iter().map(|size| Clusters::by_place(size, &[])).collect();
        let places = United::new([&case.group; 2], &case.sides(), &places).unwrap();
        assert_ne!(repair.united(&repair, &ends, &places).unwrap(), own, "other clusters, other moments");
        let expected = repair.ends(&[&case.networks[0], &matched], &mut |_, _| {}).unwrap();
        let merged = average(&[&case.networks[0], &matched]).unwrap();
        let [own, expected] = [(own, &[1.0][..]), (expected, &[0.5; 2])]
            .map(|(ends, weights)| repair.measured(&merged, &ends, weights).unwrap().corrections);
        for (own, expected) in own.iter().zip(&expected) {
            let numbers = |own: &Correction| [own.scale.clone(), own.shift.clone()].concat();
            for (own, expected) in numbers(own).into_iter().zip(numbers(expected)) {
                assert!((own - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{spec}: {own} {expected}");
            }
        }
    }
}

#[test]
fn units_apart_have_what_they_had() {
    for (spec, wider) in [
        ("mlp:6-8-7-3", "mlp:6-16-14-3"),
        ("convnet:4-6,in=1x8x8", "convnet:8-12,in=1x8x8"),
        ("convnet:4-6,in=1x8x8,norm=batch", "convnet:8-12,in=1x8x8,norm=batch"),
        ("resnet8:norm=none,in=1x8x8,width=0.25", "resnet8:norm=none,in=1x8x8,width=0.5"),
        ("resnet8:norm=batch,in=1x8x8,width=0.25", "resnet8:norm=batch,in=1x8x8,width=0.5"),
    ] {
        let (case, wide) = (Case::new(spec), Case::new(wider));
        let case = Case { networks: case.networks.each_ref().map(|params| case.settled(params)), ..case };
        // Running variances are unbiased, and those of sixty examples are told from biased ones.
        let tolerance = if case.model.buffers().is_empty() { 1e-4 } else { 0.02 };
        let apart = |size: usize| Clusters::by_place(size, &(0..size).collect::<Vec<_>>());
        let clusters: Vec<Clusters> = case.sizes().into_iter().map(apart).collect();
        let (groups, sides) = ([&wide.group, &case.group], case.sides());
        let merged = partial::merged(groups, &sides, &clusters, case.networks.each_ref()).unwrap();
        let merged = wide.settled(&merged);
        let united = United::new(groups, &sides, &clusters).unwrap();
        let (mut narrow, mut repair) = (case.repair(), wide.repair());
        let own = case.ends(&mut narrow);
        let ends = repair.united(&narrow, &own, &united).unwrap();
        for correction in repair.measured(&merged, &ends, &[1.0]).unwrap().corrections {
            assert!(
                correction.scale.iter().all(|scale| (scale - 1.0).abs() < tolerance),
                "{spec}: {correction:?}"
            );
            assert!(correction.shift.iter().all(|shift| shift.abs() < tolerance), "{spec}: {correction:?}");
        }
        // What is not the same network is refused.
        let other = Case::new("mlp:6-8-7-5-3");
        let error = other.repair().united(&narrow, &own, &united).unwrap_err();
        assert!(error.to_string().starts_with("other values can be renormalised"), "{error}");
    }
}

#[test]
fn what_cannot_be_renormalised_is_refused() {
    let data = data::load("sums").unwrap().train;
    for spec in ["lstm:vocab=16,hidden=3,steps=3", "lstm:vocab=16,hidden=3,steps=8"] {
        let model = Model::parse(spec).unwrap();
        let group = infer(&model.forward(2, tensor::DType::F64));
        let error = Repair::new(&*CPU, &model, &group, &data, 1000, Key::new(0)).err().unwrap().to_string();
        assert!(error.starts_with("nothing can be renormalised in lstm:"), "{error}");
    }
    let case = Case::new("mlp:6-8-7-3");
    let mut repair = case.repair();
    let ends = case.ends(&mut repair);
    for weights in [&[0.5][..], &[0.5, 0.6], &[f64::NAN, 1.0]] {
        let error = repair.measured(&case.merged(), &ends, weights).unwrap_err().to_string();
        assert!(error.contains("one finite weight for each, with the sum 1"), "{error}");
    }
    assert!(
        repair.ends(&[], &mut |_, _| {}).unwrap_err().to_string().starts_with("cannot average no networks")
    );
}
