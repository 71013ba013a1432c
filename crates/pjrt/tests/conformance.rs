//! Every primitive through a plugin, against the reference evaluator. Without a plugin it says so and tests nothing.
#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stderr, reason = "what is skipped must be seen")]

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use graph::{
    Argument, Builder, Donation, Executable, Executor, Graph, Held, Placed, Prim, Reference, Ty, Value,
    ops::{Direction, Window},
    team,
};
use isoloss_pjrt::{Devices, Settings};
use tensor::{DType, Key, Tensor};
use testkit::random::{Drawn, Numbers, agree, random_graph};
use transform::{Linearisation, Linearised, ParallelLinearisation, RESIDUAL_BUDGET_BYTES, hvp, shards};

/// The plugins named by `ISOLOSS_PJRT_PLUGIN`, separated by colons.
fn plugins() -> Vec<PathBuf> {
    let plugins: Vec<PathBuf> = std::env::var_os("ISOLOSS_PJRT_PLUGIN")
        .map(|paths| std::env::split_paths(&paths).collect())
        .unwrap_or_default();
    if plugins.is_empty() {
        eprintln!("SKIPPED: set ISOLOSS_PJRT_PLUGIN to a PJRT plugin to run this test (docs/devices.md)");
    }
    plugins
}

fn devices(path: &Path) -> Devices {
    Devices::open(path, Settings { cpu_devices: Some(4), ..Settings::default() }).unwrap()
}

/// The largest difference between tensors of one type, relative to the largest element.
fn apart(found: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(Ty::of(found), Ty::of(expected));
    let (found, expected) = (found.to_f64_vec(), expected.to_f64_vec());
    let scale = expected.iter().filter(|x| x.is_finite()).fold(1.0f64, |most, x| most.max(x.abs()));
    let difference =
        |(x, y): (&f64, &f64)| if x == y || (x.is_nan() && y.is_nan()) { 0.0 } else { (x - y).abs() };
    found
        .iter()
        .zip(&expected)
        .map(difference)
        .map(|x| if x.is_nan() { f64::INFINITY } else { x })
        .fold(0.0, f64::max)
        / scale
}

fn run(executor: &dyn Executor, graph: &Graph, point: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let mut executable = executor.compile(graph, &[]).map_err(|error| error.to_string())?;
    executable.run(point.iter().map(Argument::Borrowed).collect()).map_err(|error| error.to_string())
}

#[test]
fn every_primitive_means_the_same_on_every_plugin() {
    for path in plugins() {
        let executor = devices(&path).executor(0).unwrap();
        let mut faults = Vec::new();
        for (number, case) in Prim::cases().iter().enumerate() {
            let graph = testkit::laws::case_graph(case);
            let point = testkit::sample::operands(case, Key::new(7).fold(number as u64));
            let expected = Reference::evaluate(&graph, &point.iter().collect::<Vec<_>>()).unwrap();
            match run(&executor, &graph, &point) {
                Err(error) => faults.push(format!("{}: {error}", case.name)),
                Ok(found) => {
                    let apart = found.iter().zip(&expected).map(|(x, y)| apart(x, y)).fold(0.0, f64::max);
                    if apart > 1e-9 {
                        faults.push(format!("{}: {apart:.1e} apart", case.name));
                    }
                }
            }
        }
        assert!(faults.is_empty(), "{}:\n{}", path.display(), faults.join("\n"));
    }
}

#[test]
fn random_graphs_mean_the_same_on_every_plugin() {
    let kinds = [
        (DType::F32, Numbers::Integers, 0.0),
        (DType::F64, Numbers::Integers, 0.0),
        (DType::F32, Numbers::Smooth, 2e-4),
        (DType::F64, Numbers::Smooth, 1e-11),
    ];
    for path in plugins() {
        let executor = devices(&path).executor(0).unwrap();
        for seed in 0..12 {
            for (dtype, numbers, tolerance) in kinds {
                let case = random_graph(&mut Drawn::new(Key::new(seed)), dtype, numbers, 40);
                if let Err(fault) = agree(&executor, &case, tolerance) {
                    panic!("{}, seed {seed}, {dtype}, {numbers:?}: {fault}", path.display());
                }
            }
        }
    }
}

/// What StableHLO leaves open or has otherwise.
fn edges() -> Graph {
    let mut b = Builder::new("edges");
    let x = b.data("x", Ty::f32([2, 4]));
    let indices = b.data("indices", Ty::i32([6]));
    let matrix = b.data("matrix", Ty::f32([3, 2, 2]));
    let read = b.gather(x, indices, 1, 0);
    let added = b.scatter_add(read, indices, 1, 0, 4);
    let windows = [Window::POINT, Window::sliding(3, 1, 1)];
    let places = b.window_argmax(x, &windows);
    let largest = b.window_gather(x, places, &windows);
    let one = b.scalar(DType::I32, 1.0);
    let shape = b.ty(places).shape.clone();
    let ones = b.broadcast(one, &shape, &[]);
    let elsewhere = b.subtract(places, ones);
    let outside = b.window_gather(x, elsewhere, &windows);
    let spread = b.window_scatter(outside, places, &windows, &[2, 4].into());
    let cut = b.window_argmax(x, &[Window::POINT, Window { low: -1, high: -1, ..Window::sliding(2, 1, 0) }]);
    let most = b.reduce_max(x, &[1]);
    let whole = b.convert(x, DType::I32);
    let truth = b.convert(x, DType::Bool);
    let order = b.compare(Direction::Lt, truth, truth);
    let factor = b.cholesky(matrix);
    let outputs = [read, added, places, largest, outside, spread, cut, most, whole, truth, order, factor];
    for (number, output) in outputs.into_iter().enumerate() {
        b.output(format!("{number}"), output);
    }
    b.finish()
}

#[test]
fn indices_out_of_range_ties_nan_and_indefinite_matrices_mean_the_same_on_every_plugin() {
    let (nan, infinity) = (f32::NAN, f32::INFINITY);
    let graph = edges();
    let points = [
        [1.0, 3.0, 3.0, 2.0, -infinity, -infinity, -infinity, -infinity],
        [nan, 1.0, infinity, 2.0, 5e9, -5e9, nan, nan],
        [-0.0, 0.0, -1.5, 1.5, 1e-30, -7.9, infinity, -infinity],
    ];
    // Positive definite, indefinite, and singular with the zero in the last pivot.
    let matrices = [4.0, 9.0, 2.0, 5.0, 1.0, 0.0, 2.0, 1.0, 1.0, 0.0, 1.0, 1.0f32];
    let indices = Tensor::new([6], vec![0, 3, 4, -1, i32::MAX, 3]).unwrap();
    for path in plugins() {
        let executor = devices(&path).executor(0).unwrap();
        for point in &points {
            let x = Tensor::new([2, 4], point.to_vec()).unwrap();
            let arguments = [x, indices.clone(), Tensor::new([3, 2, 2], matrices.to_vec()).unwrap()];
            let expected = Reference::evaluate(&graph, &arguments.iter().collect::<Vec<_>>()).unwrap();
            let found = run(&executor, &graph, &arguments).unwrap();
            for (output, (found, expected)) in graph.outputs().iter().zip(found.iter().zip(&expected)) {
                let apart = apart(found, expected);
                assert!(
                    apart < 1e-6,
                    "{}: {}: {found:?} instead of {expected:?}",
                    path.display(),
                    output.name
                );
            }
        }
    }
}

#[test]
fn random_bits_are_those_of_every_executor() {
    let mut b = Builder::new("bits");
    let (key, counter) = (b.data("key", Ty::i32([2])), b.data("counter", Ty::i32([])));
    let bits = b.random_bits(key, counter, &[5, 7].into());
    b.output("bits", bits);
    let graph = b.finish();
    let arguments = [Tensor::new([2], vec![-5, i32::MIN]).unwrap(), Tensor::scalar(-1)];
    for path in plugins() {
        let executor = devices(&path).executor(0).unwrap();
        let expected = Reference::evaluate(&graph, &arguments.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(run(&executor, &graph, &arguments).unwrap(), expected);
    }
}

/// The sum of two vectors.
fn sum_of_two() -> Graph {
    let mut b = Builder::new("sum");
    let (x, y) = (b.data("x", Ty::f32([3])), b.data("y", Ty::f32([3])));
    let sum = b.add(x, y);
    b.output("sum", sum);
    b.finish()
}

fn held(executable: &dyn Executable, tensor: &Tensor) -> Value {
    match executable.hold(tensor).unwrap() {
        Held::Value(value) => value,
        Held::Tensor(_) => panic!("a device has memory of its own"),
    }
}

#[test]
fn donated_values_stay_on_the_device_and_kept_ones_stay_whole() {
    let graph = sum_of_two();
    let ones = Tensor::full([3], 1f32);
    for path in plugins() {
        for device in 0..2 {
            let executor = devices(&path).executor(device).unwrap();
            let mut update = executor.compile(&graph, &[Donation { input: 0, output: 0 }]).unwrap();
            let mut x = held(&*update, &ones);
            let y = held(&*update, &ones);
            for _ in 0..4 {
                let arguments = vec![Placed::Donated(x), Placed::Borrowed(&y)];
                x = update.run_placed(arguments).unwrap().remove(0);
            }
            assert!(matches!(x, Value::Resident(_)));
            let borrowed =
                update.run_placed(vec![Placed::Borrowed(&x), Placed::Tensor(&ones)]).unwrap().remove(0);
            assert_eq!(borrowed.into_tensor().unwrap(), Tensor::full([3], 6f32));
            assert_eq!(x.into_tensor().unwrap(), Tensor::full([3], 5f32));
            assert_eq!(y.into_tensor().unwrap(), ones);
        }
    }
}

#[test]
fn what_one_device_of_a_team_computes_another_can_take() {
    let graph = sum_of_two();
    let ones = Tensor::full([3], 1f32);
    for path in plugins() {
        let executor = devices(&path).team(&[1, 0]).unwrap();
        let team = team(&executor);
        assert_eq!(team.len(), 2);
        let mut programs: Vec<_> = team.iter().map(|member| member.compile(&graph, &[]).unwrap()).collect();
        let first = programs[0].run_placed(vec![Placed::Tensor(&ones), Placed::Tensor(&ones)]).unwrap();
        let second =
            programs[1].run_placed(vec![Placed::Borrowed(&first[0]), Placed::Tensor(&ones)]).unwrap();
        let third = programs[0].run_placed(vec![Placed::Borrowed(&second[0]), Placed::Borrowed(&first[0])]);
        assert_eq!(*third.unwrap()[0].tensor().unwrap(), Tensor::full([3], 5f32));
        let apart = devices(&path).executor(0).unwrap();
        let mut elsewhere = apart.compile(&graph, &[]).unwrap();
        let sum = elsewhere.run_placed(vec![Placed::Borrowed(&first[0]), Placed::Borrowed(&second[0])]);
        assert_eq!(*sum.unwrap()[0].tensor().unwrap(), Tensor::full([3], 5f32));
        assert!(devices(&path).team(&[0, 4]).is_err() && devices(&path).team(&[]).is_err());
    }
}

#[test]
fn products_that_devices_share_have_the_bits_of_one_device_that_takes_all_shards() {
    let (sizes, count) = ([4, 6, 5, 3], 10);
    let whole = testkit::network::relu_network_for(&sizes, count);
    let point = testkit::network::point(&whole, Key::new(1));
    let (weights, data) = point.split_at(3);
    let tangents: Vec<Tensor> =
        weights.iter().map(|x| testkit::sample::normal(&Ty::of(x), Key::new(2))).collect();
    let tangents: Vec<&Tensor> = tangents.iter().collect();
    let all: Vec<&Tensor> = point.iter().chain(tangents.iter().copied()).collect();
    let expected = Reference::evaluate(&hvp(&whole, 0, &[0, 1, 2]), &all).unwrap();
    let ranges = shards(count, 4);
    let rows = |range: &Range<usize>| -> Vec<Tensor> {
        data.iter().map(|tensor| tensor.parts(range.clone()).unwrap()).collect()
    };
    let parts: Vec<Vec<Tensor>> = ranges.iter().map(rows).collect();
    let points: Vec<Vec<&Tensor>> = parts.iter().map(|part| weights.iter().chain(part).collect()).collect();
    let halves = |range: &Range<usize>| {
        let graph = testkit::network::relu_network_for(&sizes, range.len());
        let share = range.len() as f64 / count as f64;
        (Linearised::hvp(&graph, 0, &[0, 1, 2], RESIDUAL_BUDGET_BYTES), share)
    };
    for path in plugins() {
        let product = |numbers: &[usize]| {
            let executor = devices(&path).team(numbers).unwrap();
            let halves = ranges.iter().map(halves).collect();
            let mut product = ParallelLinearisation::compile(&executor, halves).unwrap();
            product.at(&points).unwrap().apply(&tangents).unwrap()
        };
        let alone = product(&[0]);
        for numbers in [&[0, 1][..], &[2, 1, 3], &[0, 1, 2, 3], &[0, 0, 0, 0]] {
            assert_eq!(product(numbers), alone, "{numbers:?} of {}", path.display());
        }
        for (found, expected) in alone.iter().zip(&expected[expected.len() - 3..]) {
            assert!(apart(found, expected) < 1e-12);
        }
    }
}

#[test]
fn arguments_of_another_type_are_refused() {
    let mut b = Builder::new("same size");
    let x = b.data("x", Ty::f32([4]));
    b.output("x", x);
    let graph = b.finish();
    for path in plugins() {
        let executor = devices(&path).executor(0).unwrap();
        for wrong in [Tensor::full([2, 2], 1f32), Tensor::full([4], 1i32)] {
            let error = run(&executor, &graph, &[wrong]).unwrap_err();
            assert!(error.contains("expected f32[4]"), "{error}");
        }
    }
}

#[test]
fn compiled_programs_are_kept_on_the_disk_and_damaged_ones_made_again() {
    let mut b = Builder::new("kept");
    let x = b.data("x", Ty::f32([4]));
    let result = b.exp(x);
    b.output("result", result);
    let graph = b.finish();
    let point = [Tensor::full([4], 0f32)];
    for path in plugins() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Some(folder.path().to_owned());
        let open = || {
            let settings = Settings { cpu_devices: Some(1), cache: cache.clone(), ..Settings::default() };
            Devices::open(&path, settings).unwrap().executor(0).unwrap()
        };
        let files =
            || std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
        let expected = run(&open(), &graph, &point).unwrap();
        assert_eq!(files().len(), 1);
        assert_eq!(run(&open(), &graph, &point).unwrap(), expected);
        std::fs::write(&files()[0], b"damaged").unwrap();
        assert_eq!(run(&open(), &graph, &point).unwrap(), expected);
    }
}

#[test]
fn products_at_a_point_that_stays_on_the_device_are_those_of_the_reference() {
    let graph = testkit::network::relu_network(&[4, 6, 5, 3]);
    let point = testkit::network::point(&graph, Key::new(1));
    let halves = Linearised::hvp(&graph, 0, &[0, 1, 2], RESIDUAL_BUDGET_BYTES);
    let whole = hvp(&graph, 0, &[0, 1, 2]);
    for path in plugins() {
        let executor = devices(&path).executor(0).unwrap();
        let mut product = Linearisation::compile_for(&executor, halves.clone(), 8).unwrap();
        let mut product = product.at(&point.iter().collect::<Vec<_>>()).unwrap();
        for seed in 0..2 {
            let tangents: Vec<Tensor> =
                point[..3].iter().map(|x| testkit::sample::normal(&Ty::of(x), Key::new(seed))).collect();
            let all: Vec<&Tensor> = point.iter().chain(&tangents).collect();
            let expected = Reference::evaluate(&whole, &all).unwrap();
            let expected = &expected[expected.len() - 3..];
            let borrowed: Vec<&Tensor> = tangents.iter().collect();
            let found = product.apply(&borrowed).unwrap().to_vec();
            let placed = product.apply_placed(tangents.iter().map(Placed::Tensor).collect()).unwrap();
            for ((found, placed), expected) in found.iter().zip(&placed).zip(expected) {
                assert!(apart(found, expected) < 1e-12);
                assert_eq!(&*placed.tensor().unwrap(), found);
            }
        }
        assert!(product.apply(&[&point[0]]).is_err());
    }
}
