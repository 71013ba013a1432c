//! Gradients and the states of optimisers move as derivatives and training say.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{linear, network};
use cpu::Cpu;
use graph::{Argument, Builder, Executor, Graph, Role, Ty, Val};
use isoloss_symmetry::{Element, Factors, Group, LinearGroup, SymmetryError, Undefined, infer, translations};
use models::{Mode, Model, Params};
use optim::{Optimizer, Update};
use tensor::{DType, Key, Tensor};
use transform::grad;

/// A network's loss, and its exact group.
struct Problem {
    objective: Graph,
    group: Group,
    params: Params,
    data: Vec<Tensor>,
}

impl Problem {
    fn of_model(spec: &str) -> Self {
        let model = Model::parse(spec).unwrap();
        let mode = if model.buffers().is_empty() { Mode::Evaluation } else { Mode::Training };
        let group = infer(&model.forward_in(mode, 3, DType::F64)).exact();
        Self::new(model.objective_in(mode, 3, DType::F64, model.loss()), group)
    }

    /// The mean squared output of a network.
    fn of_network(graph: &Graph) -> Self {
        let mut b = Builder::new("objective");
        let inputs = b.copy_inputs(graph);
        let values = b.inline(graph, &inputs);
        let output = values[graph.outputs()[0].val.position()];
        let square = b.multiply(output, output);
        let axes: Vec<usize> = (0..b.shape(square).rank()).collect();
        let loss = b.mean(square, &axes);
        b.output("loss", loss);
        Self::new(b.finish(), infer(graph).exact())
    }

    fn new(objective: Graph, group: Group) -> Self {
        let tensor = |input: &graph::Input| {
            let (ty, key) = (objective.ty(input.val), Key::new(5).child(&input.name));
            let number = |i: usize| match (input.role, ty.dtype.is_float()) {
                (_, false) => (i % 3) as f64,
                (Role::State, _) => 0.5 + key.normal(i as u64).abs(),
                _ => 0.5 * key.normal(i as u64),
            };
            Tensor::from_fn(ty.shape.clone(), number).convert(ty.dtype)
        };
        let (data, params): (Vec<_>, Vec<_>) =
            objective.inputs().iter().partition(|input| input.role == Role::Data);
        let params = Params::from_pairs(params.iter().map(|input| (input.name.clone(), tensor(input))));
        let data = data.into_iter().map(tensor).collect();
        Self { objective, group, params, data }
    }

    /// The gradient at parameters.
    fn gradient(&self, params: &Params) -> Params {
        let wrt: Vec<usize> = self.objective.inputs_with(Role::Parameter).collect();
        let mut executable = Cpu::new().compile(&grad(&self.objective, 0, &wrt), &[]).unwrap();
        let mut data = self.data.iter();
        let arguments = self.objective.inputs().iter().map(|input| match input.role {
            Role::Data => Argument::from(data.next().unwrap()),
            _ => Argument::from(params.get(&input.name).unwrap()),
        });
        let outputs = executable.run(arguments.collect()).unwrap();
        let gradients = outputs[outputs.len() - wrt.len()..].iter().cloned();
        let names = wrt.iter().map(|&position| self.objective.inputs()[position].name.clone());
        Params::from_pairs(names.zip(gradients))
    }

    /// Elements with each kind of part alone, and one with all.
    fn elements(&self) -> Vec<(&'static str, Element)> {
        let (random, identity) = (self.group.random(Key::new(8)), self.group.identity());
        let none = || identity.factors().iter().zip(random.factors());
        let scales: Vec<Factors> = none()
            .map(|(none, own)| Factors { scales: own.scales.clone(), signs: none.signs.clone() })
            .collect();
        let signs: Vec<Factors> = none()
            .map(|(none, own)| Factors { scales: none.scales.clone(), signs: own.signs.clone() })
            .collect();
        let with = |factors| self.group.with_factors(identity.clone(), factors).unwrap();
        vec![
            ("permutations", self.group.element(random.permutations().to_vec()).unwrap()),
            ("scales", with(scales)),
            ("signs", with(signs)),
            ("matrices", self.group.with_matrices(identity.clone(), random.matrices().to_vec()).unwrap()),
            ("all", random),
        ]
    }

    fn element(&self, kind: &str) -> Element {
        let found = self.elements().into_iter().find(|(name, _)| *name == kind).unwrap().1;
        assert!(!found.is_identity(), "{kind}");
        found
    }
}

#[track_caller]
fn assert_close(one: &Params, other: &Params, what: &str) {
    for ((name, x), y) in one.iter().zip(other.values()) {
        let largest = x.to_f64_vec().iter().fold(1e-6, |most: f64, x| most.max(x.abs()));
        for (x, y) in x.to_f64_vec().iter().zip(y.to_f64_vec()) {
            assert!((x - y).abs() < 1e-9 * largest, "{what}: {name}: {x} {y}");
        }
    }
}

/// Words that are read and written by one embedding.
fn tied_embedding() -> Graph {
    network(4, |b, x| {
        let embedding = b.parameter("embedding", Ty::f64([3, 4]));
        let hidden = b.linear(x, embedding, None);
        let transposed = b.transpose(embedding, &[1, 0]);
        b.linear(hidden, transposed, None)
    })
}

/// A stream normalised without gains, which can be rotated.
fn normalised_stream() -> Graph {
    network(4, |b, x| {
        let stream = linear(b, x, "embed", 4, false);
        let hidden: Val = b.rms_norm(stream, None, 0.1);
        let hidden = linear(b, hidden, "open", 3, false);
        let hidden = b.tanh(hidden);
        let branch = linear(b, hidden, "write", 4, false);
        let stream = b.add(stream, branch);
        let stream = b.rms_norm(stream, None, 0.1);
        linear(b, stream, "read", 2, false)
    })
}

fn problems() -> Vec<(String, Problem)> {
    let specs = [
        "mlp:5-6-4-3",
        "mlp:5-6-4-3,act=tanh",
        "mlp:3-4-4-3,act=identity",
        "mlp:5-6-3,norm=batch",
        "resnet8:width=0.125,in=2x6x5",
        "convnet:3-4,dense=5,norm=batch,in=2x8x6",
        "gpt:layers=1,width=6,heads=2,context=3,vocab=5",
        "gpt:layers=1,width=8,heads=2,context=3,vocab=5,positions=rotary",
        "gpt:layers=1,width=6,heads=2,context=3,vocab=5,tied=on",
        "llama:layers=1,width=16,heads=6,key_heads=2,depth=4,hidden=5,context=3,vocab=5",
        "lstm:vocab=5,hidden=3,layers=2,steps=3",
    ];
    let models = specs.map(|spec| (spec.to_owned(), Problem::of_model(spec)));
    let networks = [("tied embedding", tied_embedding()), ("normalised stream", normalised_stream())];
    let networks = networks.map(|(name, graph)| (name.to_owned(), Problem::of_network(&graph)));
    models.into_iter().chain(networks).collect()
}

#[test]
fn the_gradient_at_the_moved_point_is_the_gradient_moved_by_the_dual() {
    let mut tried = std::collections::BTreeSet::new();
    for (name, problem) in problems() {
        let gradient = problem.gradient(&problem.params);
        for (kind, element) in problem.elements().into_iter().filter(|(_, element)| !element.is_identity()) {
            let there = problem.gradient(&problem.group.act(&element, &problem.params).unwrap());
            let moved = problem.group.act_on_gradient(&element, &gradient).unwrap();
            assert_close(&there, &moved, &format!("{kind} of {name}"));
            tried.insert(kind);
        }
    }
    assert_eq!(tried.len(), 5);
    let all = problems();
    let matrices = all.iter().flat_map(|(_, problem)| problem.group.generators());
    let kinds: std::collections::BTreeSet<_> =
        matrices.filter_map(|generator| Some(generator.mixing.as_ref()?.group.name())).collect();
    let expected = [LinearGroup::General, LinearGroup::Orthogonal, LinearGroup::Units(Vec::new())];
    assert!(expected.iter().all(|group| kinds.contains(group.name())), "{kinds:?}");
}

#[test]
fn translations_leave_gradients_as_they_are() {
    let spec = "gpt:layers=1,width=6,heads=2,context=3,vocab=5";
    let problem = Problem::of_model(spec);
    let gradient = problem.gradient(&problem.params);
    let families = translations(&Model::parse(spec).unwrap().forward(3, DType::F64)).families;
    let (following, constant): (Vec<_>, Vec<_>) =
        families.into_iter().partition(|family| family.compensation.is_some());
    assert!(!constant.is_empty() && !following.is_empty());
    for family in constant {
        let moved = family.act(&family.random(Key::new(9)), &problem.params).unwrap();
        assert_ne!(moved, problem.params);
        assert_close(&problem.gradient(&moved), &gradient, &family.name);
    }
}

#[test]
fn the_dual_keeps_inner_products_with_changes_of_parameters() {
    let problem = Problem::of_model("gpt:layers=1,width=6,heads=2,context=3,vocab=5");
    let gradient = problem.gradient(&problem.params);
    let inner = |one: &Params, other: &Params| -> f64 {
        let products = |(x, y): (&Tensor, &Tensor)| -> f64 {
            x.to_f64_vec().iter().zip(y.to_f64_vec()).map(|(x, y)| x * y).sum()
        };
        one.values().zip(other.values()).map(products).sum()
    };
    let element = problem.element("all");
    let moved = problem.group.act(&element, &problem.params).unwrap();
    let [here, there] = [
        inner(&gradient, &problem.params),
        inner(&problem.group.act_on_gradient(&element, &gradient).unwrap(), &moved),
    ];
    assert!((here - there).abs() < 1e-12, "{here} {there}");
}

/// One update of all parameters.
fn update(optimizer: &Optimizer, at: &Point, gradient: &Params, step: u64) -> Point {
    let mut next = at.clone();
    for (name, gradient) in gradient.iter() {
        let mut b = Builder::new("update");
        let ty = Ty::f64(gradient.shape().clone());
        let parameter = b.parameter("p", ty.clone());
        let state: Vec<Val> =
            optimizer.slots().iter().map(|slot| b.input(*slot, Role::State, ty.clone())).collect();
        let gradient_val = b.data("g", ty.clone());
        let hyper: Vec<Val> = optimizer.hyper_names().iter().map(|name| b.data(*name, Ty::f64([]))).collect();
        let update = Update { parameter, gradient: gradient_val, curvature: None, state: &state };
        let (p, state) = optimizer.emit(&mut b, &hyper, update);
        [p].into_iter().chain(state).enumerate().for_each(|(at, val)| b.output(at.to_string(), val));
        let own = |params: &Params| params.get(name).unwrap().clone();
        let mut arguments = vec![own(&at.params)];
        arguments.extend(at.state.iter().map(own));
        arguments.push(gradient.clone());
        arguments.extend(optimizer.hyper(step, optimizer.rate()).into_iter().map(Tensor::scalar));
        let mut executable = Cpu::new().compile(&b.finish(), &[]).unwrap();
        let outputs = executable.run(arguments.iter().map(Argument::from).collect()).unwrap();
        let targets = std::iter::once(&mut next.params).chain(&mut next.state);
        targets.zip(outputs).for_each(|(params, tensor)| *params.get_mut(name).unwrap() = tensor);
    }
    next
}

#[derive(Clone)]
struct Point {
    params: Params,
    state: Vec<Params>,
}

/// Steps `from..to`, counted from 1.
fn train(problem: &Problem, optimizer: &Optimizer, start: Point, steps: std::ops::Range<u64>) -> Point {
    steps.fold(start, |at, step| update(optimizer, &at, &problem.gradient(&at.params), step))
}

fn start(problem: &Problem, optimizer: &Optimizer) -> Point {
    let started =
        problem.params.values().map(|tensor| Tensor::from_fn(tensor.shape().clone(), |_| optimizer.start()));
    let started = problem.params.with_values(started.collect());
    Point { params: problem.params.clone(), state: vec![started; optimizer.slots().len()] }
}

fn moved(problem: &Problem, optimizer: &Optimizer, element: &Element, at: &Point) -> Point {
    let params = problem.group.act(element, &at.params).unwrap();
    let state = problem.group.act_on_state(element, optimizer, &at.state, Undefined::Keep).unwrap();
    assert_eq!(state.undefined, []);
    Point { params, state: state.slots }
}

#[test]
fn training_then_moving_is_moving_then_training() {
    let cases: [(&str, &[&str], &[&str]); 4] = [
        (
            "mlp:4-5-3,act=tanh",
            &[
                "sgd:lr=0.1,momentum=0.9,nesterov,weight_decay=0.01",
                "adam:lr=0.05",
                "adamw:lr=0.05",
                "adagrad:lr=0.05",
                "rmsprop:lr=0.02,momentum=0.9,centered",
                "lion:lr=0.01",
            ],
            &["permutations", "signs"],
        ),
        ("convnet:3-4,norm=batch,in=2x8x6", &["sgd:lr=0.1,momentum=0.9", "adam:lr=0.05"], &["permutations"]),
        (
            "gpt:layers=1,width=6,heads=2,context=3,vocab=5",
            &["sgd:lr=0.1,momentum=0.9", "adam:lr=0.02"],
            &["permutations"],
        ),
        ("lstm:vocab=5,hidden=6,layers=1,steps=3", &["adam:lr=0.02"], &["permutations", "signs"]),
    ];
    for (spec, optimizers, kinds) in cases {
        let problem = Problem::of_model(spec);
        for optimizer in optimizers {
            let optimizer: Optimizer = optimizer.parse().unwrap();
            let halfway = train(&problem, &optimizer, start(&problem, &optimizer), 1..5);
            let end = train(&problem, &optimizer, halfway.clone(), 5..9);
            for kind in kinds {
                let element = problem.element(kind);
                let expected = moved(&problem, &optimizer, &element, &end);
                let started = moved(&problem, &optimizer, &element, &halfway);
                let found = train(&problem, &optimizer, started, 5..9);
                let what = format!("{optimizer} on {spec}, {kind}");
                assert_close(&expected.params, &found.params, &what);
                expected
                    .state
                    .iter()
                    .zip(&found.state)
                    .for_each(|(one, other)| assert_close(one, other, &what));
            }
        }
    }
}

#[test]
fn momentum_is_rotated_with_the_stream() {
    for graph in [tied_embedding(), normalised_stream()] {
        let problem = Problem::of_network(&graph);
        let optimizer: Optimizer = "sgd:lr=0.1,momentum=0.9".parse().unwrap();
        let halfway = train(&problem, &optimizer, start(&problem, &optimizer), 1..5);
        let element = problem.element("all");
        let expected =
            moved(&problem, &optimizer, &element, &train(&problem, &optimizer, halfway.clone(), 5..9));
        let found = train(&problem, &optimizer, moved(&problem, &optimizer, &element, &halfway), 5..9);
        assert_close(&expected.params, &found.params, "parameters");
        assert_close(&expected.state[0], &found.state[0], "velocity");
        // A velocity that stays behind is noticed.
        let behind =
            Point { state: halfway.state.clone(), ..moved(&problem, &optimizer, &element, &halfway) };
        let other = train(&problem, &optimizer, behind, 5..9);
        let name = other.params.names().next().unwrap();
        let [one, other] = [&expected, &other].map(|point| point.params.get(name).unwrap().to_f64_vec());
        assert!(one.iter().zip(&other).any(|(x, y)| (x - y).abs() > 1e-3));
    }
}

#[test]
fn squares_of_gradients_move_with_the_squares_of_factors() {
    let problem = Problem::of_model("mlp:5-6-4-3,norm=batch");
    let optimizer: Optimizer = "adam".parse().unwrap();
    let squared = |params: &Params| {
        let square = |tensor: &Tensor| {
            let values = tensor.to_f64_vec();
            Tensor::from_fn(tensor.shape().clone(), |i| values[i] * values[i])
        };
        params.with_values(params.values().map(square).collect())
    };
    let gradient = problem.gradient(&problem.params);
    let element = problem.element("all");
    let there = problem.gradient(&problem.group.act(&element, &problem.params).unwrap());
    let state = [gradient.clone(), squared(&gradient)];
    let moved = problem.group.act_on_state(&element, &optimizer, &state, Undefined::Reset).unwrap();
    assert_close(&there, &moved.slots[0], "mean");
    assert_close(&squared(&there), &moved.slots[1], "mean square");
    assert_eq!(moved.undefined, []);
}

#[test]
fn what_has_no_image_is_kept_or_reset_and_named() {
    let problem = Problem::of_network(&normalised_stream());
    let optimizer: Optimizer = "adagrad:initial=0.25".parse().unwrap();
    let element = problem.element("matrices");
    let sums = problem.params.with_values(
        problem.params.values().map(|tensor| Tensor::from_fn(tensor.shape().clone(), |i| i as f64)).collect(),
    );
    let act = |undefined| {
        problem.group.act_on_state(&element, &optimizer, std::slice::from_ref(&sums), undefined).unwrap()
    };
    let (kept, reset) = (act(Undefined::Keep), act(Undefined::Reset));
    assert_eq!(kept.slots[0], sums);
    let undefined: Vec<(&str, &str)> =
        reset.undefined.iter().map(|undefined| (undefined.slot, undefined.parameter.as_str())).collect();
    let names: Vec<&str> = sums.names().collect();
    assert_eq!(names, ["embed.weight", "open.weight", "write.weight", "read.weight"]);
    assert_eq!(undefined, names.iter().map(|name| ("sum", *name)).collect::<Vec<_>>());
    assert_eq!(kept.undefined, reset.undefined);
    assert!(reset.slots[0].values().all(|tensor| tensor.to_f64_vec().iter().all(|x| *x == 0.25)));
    let error = problem.group.act_on_state(&element, &optimizer, &[], Undefined::Keep).unwrap_err();
    assert!(matches!(error, SymmetryError::OptimizerState { found: 0, .. }), "{error}");
}
