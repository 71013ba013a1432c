use std::sync::atomic::{AtomicBool, Ordering};

use cpu::Cpu;
use faer::{Mat, Scale};
use graph::Reference;
use models::Init;
use tensor::parallel;

use super::*;
use crate::{Folding, LinearGroup, Matrix, infer_folded, matching::circuit::nearest, matrix::exponential};

const VIT: &str = "vit:layers=1,width=6,heads=2,hidden=5,patch=2,in=1x4x4,classes=3";
const LLAMA: &str = "llama:layers=1,width=6,heads=4,key_heads=2,depth=4,hidden=4,context=3,vocab=7";

const OPTIONS: Options = Options { epochs: 20, batch: 40, judged: 80, rate: 0.01, key: Key::new(0) };

/// Normal images, in the class of the largest of their first three pixels.
fn images(count: usize) -> Dataset {
    let x = Tensor::from_fn([count, 16], |i| Key::new(5).normal(i as u64) as f32);
    let of = x.as_slice::<f32>().expect("just made").to_vec();
    let class = |i: usize| {
        let first = &of[i * 16..][..3];
        (0..3).max_by(|&one, &other| first[one].total_cmp(&first[other])).expect("three") as i32
    };
    Dataset::new("normal", 3, x, Tensor::from_fn([count], class)).expect("a data set")
}

fn network(spec: &str) -> (Model, Folding) {
    let model = Model::parse(spec).expect("a specification");
    let folding = infer_folded(&model.forward(2, DType::F64));
    (model, folding)
}

/// Random parameters with gains folded.
fn params(model: &Model, folding: &Folding, seed: u64) -> Params {
    let params = model.init(Init::PyTorch, Key::new(seed));
    folding.fold(&params).expect("gains of 1")
}

/// A small step of each latent matrix away from the identity, permutations included.
fn nearby(group: &Group, latents: &[Latent], scale: f64) -> Element {
    let disturbed = latents.iter().enumerate().map(|(number, latent)| {
        let (still, key) = (latent.still().to_f64_vec(), Key::new(3).fold(number as u64));
        let n = latent.size();
        Tensor::from_fn([n, n], |at| still[at] + scale * key.normal(at as u64))
    });
    latents::element(group, latents, &disturbed.collect::<Vec<_>>()).expect("matrices of the group")
}

/// The loss between A and B moved by an element, in `f64`, and its slopes by the parameters.
fn loss(model: &Model, [a, moved]: [&Params; 2]) -> (f64, Params) {
    let count = model.parameters().len();
    let loss = loss_between(model, 2, DType::F64);
    let graph = transform::value_and_grad(&loss, 0, &(count..2 * count).collect::<Vec<_>>());
    let data = |input: &graph::Input| {
        let ty = graph.ty(input.val);
        let key = Key::new(11).child(&input.name);
        match &*input.name {
            "lambda" => Tensor::scalar(0.45),
            _ if ty.dtype.is_float() => {
                Tensor::from_fn(ty.shape.clone(), |i| key.normal(i as u64)).convert(ty.dtype)
            }
            _ => Tensor::from_fn(ty.shape.clone(), |i| (i % 3) as i32).convert(ty.dtype),
        }
    };
    let data: Vec<Tensor> = graph.inputs()[2 * count..].iter().map(data).collect();
    let arguments = trained(model, a).into_iter().chain(trained(model, moved)).chain(&data);
    let mut executable = Reference.compile(&graph, &[]).expect("a small graph");
    let mut results = executable.run(arguments.map(Argument::Borrowed).collect()).expect("its arguments");
    let slopes = results.split_off(1);
    (results[0].to_f64_vec()[0], named(model, slopes.into_iter()))
}

/// A direction in which a group's matrices can move from the identity.
fn tangent(group: &LinearGroup, n: usize, key: Key) -> Mat<f64> {
    let normal = Mat::from_fn(n, n, |row, column| key.normal((row * n + column) as u64));
    let turn = &normal - normal.transpose();
    let off_ones = Mat::from_fn(n, n, |row, column| f64::from(u8::from(row == column)) - 1.0 / n as f64);
    match group {
        LinearGroup::General | LinearGroup::Units(_) => nearest(group, &normal).expect("a projection"),
        LinearGroup::Orthogonal => turn,
        LinearGroup::OrthogonalAroundOnes => &off_ones * turn * &off_ones,
    }
}

#[test]
fn slopes_of_rotations_and_matrices_are_those_of_the_loss() {
    for spec in [VIT, LLAMA] {
        let (model, folding) = network(spec);
        let group = &folding.folded;
        let [a, b] = [1, 2].map(|seed| in_double("", &params(&model, &folding, seed)).expect("finite"));
        let latents = latents::latents(group);
        let at = nearby(group, &latents, 0.1);
        assert!(at.permutations().iter().flatten().zip(0..).any(|(slot, place)| *slot != place), "{spec}");
        let moved = group.act(&at, &b).expect("of the group");
        let slopes = latents::slopes(group, &latents, &at, [&loss(&model, [&a, &moved]).1, &moved]);
        let mut compared = 0;
        for (position, generator) in group.generators().iter().enumerate() {
            let Some(mixing) = &generator.mixing else { continue };
            for copy in 0..generator.copies {
                let number = latents.iter().position(|latent| latent.is(position, copy)).expect("a latent");
                let slope = slopes[number].to_f64_vec();
                let own = &at.matrices()[position][copy];
                // Along a curve of the group the loss changes as the slope says.
                let way = tangent(&mixing.group, generator.size, Key::new(5).fold(number as u64));
                let along = |step: f64| {
                    let mut matrices = at.matrices().to_vec();
                    matrices[position][copy] =
                        Matrix::from_dense(&exponential(&way * Scale(step))).times(own);
                    let element = group.with_matrices(at.clone(), matrices).expect("of the group");
                    loss(&model, [&a, &group.act(&element, &b).expect("of the group")]).0
                };
                let found = (along(1e-4) - along(-1e-4)) / 2e-4;
                let direction = Matrix::from_dense(&way).times(own);
                let told: f64 = slope.iter().zip(direction.entries()).map(|(x, y)| x * y).sum();
                assert!((found - told).abs() < 1e-6, "{spec}, {}: {told} instead of {found}", generator.name);
                compared += 1;
            }
        }
        assert_eq!(compared, 5, "{spec}");
    }
}

/// The same examples in the classes that a network puts them into.
fn taught(model: &Model, teacher: &Params, data: &Dataset) -> Dataset {
    let x = data.x();
    let graph = model.forward(data.len(), DType::F32);
    let arguments = teacher.values().take(model.parameters().len()).chain([&x]);
    let mut executable = Reference.compile(&graph, &[]).expect("a small graph");
    let scores =
        executable.run(arguments.map(Argument::Borrowed).collect()).expect("its arguments")[0].to_f64_vec();
    let class = |i: usize| {
        let own = &scores[i * 3..][..3];
        (0..3).max_by(|&one, &other| own[one].total_cmp(&own[other])).expect("three") as i32
    };
    Dataset::new("taught", 3, x, Tensor::from_fn([data.len()], class)).expect("a data set")
}

/// A network, a moved copy of it, the element that moves it back, and that element disturbed.
fn planted(spec: &str) -> (Model, Group, [Params; 2], [Element; 2]) {
    let (model, folding) = network(spec);
    let group = folding.folded.clone();
    let a = params(&model, &folding, 1);
    let strong = |(name, tensor): (&str, &Tensor)| {
        let factor = if name.starts_with("norm") || name.contains(".norm") { 1.0 } else { 3.0 };
        let values = tensor.to_f64_vec();
        Tensor::from_fn(tensor.shape().clone(), |i| (factor * values[i]) as f32)
    };
    let a = a.with_values(a.iter().map(strong).collect());
    let there = nearby(&group, &latents::latents(&group), 0.3);
    let b = group.act(&there, &a).expect("of the group");
    let back = group.invert(&there).expect("of the group");
    let off = nearby(&group, &latents::latents(&group), 0.3);
    let start = group.compose(&off, &back).expect("of the group");
    (model, group, [a, b], [back, start])
}

fn searched(spec: &str, options: &Options) -> (Learned, f64) {
    let (model, group, [a, b], [back, start]) = planted(spec);
    let data = taught(&model, &a, &images(400));
    let search = |start: &Element, options: &Options| {
        let task = Task { group: &group, model: &model, networks: [&a, &b], start, data: &data };
        learned(&Cpu::new(), &task, options, None, &mut |_, _, _| {}).expect("a search")
    };
    let answer = search(&back, &Options { epochs: 1, ..*options }).improvements[0].objective;
    (search(&start, options), answer)
}

#[test]
fn a_disturbed_start_is_improved_towards_what_was_planted() {
    let (found, answer) = searched(VIT, &OPTIONS);
    let start = found.improvements[0].objective;
    assert!(found.improvements.is_sorted_by(|earlier, later| earlier.objective > later.objective));
    assert!(start > answer, "the start is no worse than the answer: {start}, {answer}");
    assert!(found.loss() - answer < 0.8 * (start - answer), "{start} → {}, planted {answer}", found.loss());
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let options = Options { epochs: 2, ..OPTIONS };
    let with = |threads| parallel::with_threads(threads, || searched(VIT, &options).0).expect("threads");
    assert_eq!(with(1), with(4));
}

#[test]
fn searches_for_nothing_are_refused() {
    let (model, group, [a, b], [start, _]) = planted(VIT);
    let data = images(40);
    let refused = |options: Options| {
        let task = Task { group: &group, model: &model, networks: [&a, &b], start: &start, data: &data };
        let found = learned(&Cpu::new(), &task, &options, None, &mut |_, _, _| {});
        found.expect_err("nothing to do")
    };
    assert!(matches!(refused(Options { epochs: 0, ..OPTIONS }), SymmetryError::Zero { .. }));
    assert!(matches!(refused(Options { batch: 0, ..OPTIONS }), SymmetryError::Zero { .. }));
    assert!(matches!(refused(Options { rate: f64::NAN, ..OPTIONS }), SymmetryError::OutOfRange { .. }));
}

#[test]
fn a_search_that_was_stopped_twice_goes_on_to_the_same_bits() {
    let (model, group, [a, b], [_, start]) = planted(VIT);
    let (data, options) = (taught(&model, &a, &images(400)), Options { epochs: 4, ..OPTIONS });
    let task = Task { group: &group, model: &model, networks: [&a, &b], start: &start, data: &data };
    let whole = learned(&Cpu::new(), &task, &options, None, &mut |_, _, _| {}).expect("a search");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("new").join("search.safetensors");
    let until = |last: usize, task: &Task<'_>, options: &Options| {
        let stop = AtomicBool::new(last == 0);
        let mut begins = None;
        let unfinished = Some(Unfinished { file: &file, stop: &stop });
        let found = learned(&Cpu::new(), task, options, unfinished, &mut |step, _, _| {
            begins.get_or_insert(step);
            stop.fetch_or(step == last, Ordering::Relaxed);
        });
        (found, begins)
    };
    // Stopped at once, between two judgements, and behind one in another pass over the data.
    for (last, first) in [(0, None), (7, Some(1)), (27, Some(8))] {
        let (stopped, begins) = until(last, &task, &options);
        let stopped = stopped.expect_err("a stop was asked for");
        assert!(matches!(stopped, SymmetryError::Interrupted { step, steps: 32, .. } if step == last));
        assert_eq!(begins, first);
    }
    let other = until(usize::MAX, &task, &Options { rate: 0.02, ..options }).0.expect_err("another search");
    assert!(matches!(other, SymmetryError::OtherSearch { .. }), "{other}");
    let swapped = Task { networks: [&b, &a], ..task };
    assert!(matches!(until(usize::MAX, &swapped, &options).0, Err(SymmetryError::OtherSearch { .. })));
    let (resumed, begins) = until(usize::MAX, &task, &options);
    assert_eq!((resumed.expect("the rest"), begins), (whole.clone(), Some(28)));
    // Where the result was lost, it is told again at once.
    let (again, begins) = until(usize::MAX, &task, &options);
    assert_eq!((again.expect("the end"), begins), (whole, None));
    let unfinished = Unfinished { file: &file, stop: &AtomicBool::new(false) };
    unfinished.remove().expect("a file to remove");
    assert!(!file.exists() && unfinished.remove().is_ok());
}

#[test]
fn a_damaged_file_of_a_search_is_refused() {
    let (model, group, [a, b], [_, start]) = planted(VIT);
    let data = images(80);
    let task = Task { group: &group, model: &model, networks: [&a, &b], start: &start, data: &data };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("search.safetensors");
    let go_on = |stop: bool| {
        let stop = AtomicBool::new(stop);
        let unfinished = Some(Unfinished { file: &file, stop: &stop });
        learned(&Cpu::new(), &task, &OPTIONS, unfinished, &mut |_, _, _| {}).expect_err("no search")
    };
    assert!(matches!(go_on(true), SymmetryError::Interrupted { step: 0, .. }));
    let whole = std::fs::read(&file).expect("a file");
    std::fs::write(&file, &whole[..whole.len() - 8]).expect("a file");
    assert!(matches!(go_on(false), SymmetryError::Weights(_)));
    let loaded = models::weights::Checkpoint::default();
    models::weights::save(&file, &loaded.params, &loaded.metadata).expect("a file");
    assert!(matches!(go_on(false), SymmetryError::OtherSearch { .. }));
}
