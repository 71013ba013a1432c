//! The networks, each at a point with a direction.

use std::{collections::BTreeMap, path::Path};

use isoloss::{
    graph::{Builder, Graph, Role},
    models::{Init, Loss, Mode, Model, Params, weights},
    tensor::{DType, Key, Tensor},
};

use crate::{BenchError, Bound, Part};

/// What a network is timed for, and what is to be reached.
pub(super) struct Network {
    /// Its name for people and peers.
    pub(super) part: Part,
    pub(super) spec: &'static str,
    pub(super) batch: usize,
    pub(super) gradient: Bounds,
    pub(super) product: Bounds,
    /// Seconds for building and compiling everything that a product needs.
    pub(super) compile_seconds: Option<f64>,
    /// Whether two threads are compared with one.
    pub(super) scales: bool,
}

/// What our time may be of each peer's.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) torch: f64,
    pub(super) jax: Option<f64>,
}

const fn bounds(torch: f64, jax: Option<f64>) -> Bounds {
    Bounds { torch, jax }
}

impl Bounds {
    /// The bound for the peer of this name.
    pub(super) fn of(self, peer: &str) -> Option<Bound> {
        if peer == super::TORCH { Some(Bound::at_most(self.torch)) } else { self.jax.map(Bound::at_most) }
    }
}

/// All networks, in the order of the targets.
pub(super) const NETWORKS: [Network; 5] = [
    Network {
        part: Part::Mlp,
        spec: "mlp:784-512-512-512-10",
        batch: 500,
        gradient: bounds(0.55, Some(0.95)),
        product: bounds(0.5, Some(0.95)),
        compile_seconds: None,
        scales: false,
    },
    Network {
        part: Part::Resnet20,
        spec: "resnet20",
        batch: 128,
        gradient: bounds(0.85, Some(0.35)),
        product: bounds(0.6, Some(0.35)),
        compile_seconds: Some(0.5),
        scales: true,
    },
    Network {
        part: Part::Vgg16,
        spec: "vgg16",
        batch: 64,
        gradient: bounds(0.95, None),
        product: bounds(0.75, None),
        compile_seconds: None,
        scales: false,
    },
    Network {
        part: Part::Gpt,
        spec: "gpt",
        batch: 16,
        gradient: bounds(0.6, Some(1.0)),
        product: bounds(0.5, Some(1.0)),
        compile_seconds: None,
        scales: false,
    },
    Network {
        part: Part::Lstm,
        spec: "lstm",
        batch: 64,
        gradient: bounds(0.9, None),
        product: bounds(0.5, None),
        compile_seconds: Some(1.5),
        scales: false,
    },
];

/// A network's mean loss in training, at a point, with a direction.
pub(super) struct Problem {
    pub(super) model: Model,
    /// Its only output is the loss.
    pub(super) objective: Graph,
    /// The positions of the parameters among the inputs.
    pub(super) wrt: Vec<usize>,
    /// A tensor for each input.
    pub(super) point: Vec<Tensor>,
    /// A tensor for each parameter.
    pub(super) direction: Vec<Tensor>,
}

impl Problem {
    pub(super) fn new(spec: &str, batch: usize, key: Key) -> Result<Self, BenchError> {
        let model = Model::parse(spec)?;
        let objective =
            loss_alone(&model.objective_in(Mode::Training, batch, DType::F32, Loss::CrossEntropy));
        let params = model.init(Init::PyTorch, key.child("parameters"));
        let inputs = objective.inputs().iter();
        let point: Vec<Tensor> = inputs
            .map(|input| {
                let ty = objective.ty(input.val);
                let (key, classes) = (key.child(&input.name), model.classes().unwrap_or(1) as u64);
                match (params.get(&input.name), ty.dtype) {
                    (Some(parameter), _) => parameter.clone(),
                    (None, DType::I32) => {
                        Tensor::from_fn(ty.shape.clone(), |i| key.below(i as u64, classes) as i32)
                    }
                    (None, _) => Tensor::from_fn(ty.shape.clone(), |i| key.normal(i as u64) as f32),
                }
            })
            .collect();
        let wrt: Vec<usize> = objective.inputs_with(Role::Parameter).collect();
        let direction = wrt.iter().map(|&position| {
            let key = key.child("direction").child(&objective.inputs()[position].name);
            Tensor::from_fn(point[position].shape().clone(), |i| key.normal(i as u64) as f32)
        });
        Ok(Self { direction: direction.collect(), model, objective, wrt, point })
    }

    /// The same loss of another number of examples.
    pub(super) fn objective_for(&self, batch: usize) -> Graph {
        loss_alone(&self.model.objective_in(Mode::Training, batch, DType::F32, Loss::CrossEntropy))
    }

    /// Writes what the peers read: parameters as `p.NAME`, the direction as `v.NAME`, `x` and `labels`, all as floats.
    pub(super) fn write(&self, path: &Path) -> Result<(), BenchError> {
        let name = |position: usize| &self.objective.inputs()[position].name;
        let parameters =
            self.wrt.iter().map(|&position| (format!("p.{}", name(position)), &self.point[position]));
        let direction = self.wrt.iter().zip(&self.direction);
        let direction = direction.map(|(&position, tensor)| (format!("v.{}", name(position)), tensor));
        let data = self
            .objective
            .inputs_with(Role::Data)
            .map(|position| (name(position).clone(), &self.point[position]));
        let pairs = parameters.chain(direction).chain(data);
        let params = Params::from_pairs(pairs.map(|(name, tensor)| (name, tensor.convert(DType::F32))));
        Ok(weights::save(path, &params, &BTreeMap::new())?)
    }

    /// The inner product of a result, a tensor for each parameter, with the direction.
    pub(super) fn along(&self, result: &[Tensor]) -> f64 {
        let dot = |(one, other): (&Tensor, &Tensor)| -> f64 {
            one.to_f64_vec().into_iter().zip(other.to_f64_vec()).map(|(x, y)| x * y).sum()
        };
        result.iter().zip(&self.direction).map(dot).sum()
    }
}

/// The graph with its first output alone.
fn loss_alone(objective: &Graph) -> Graph {
    let mut b = Builder::new(objective.name());
    let values = b.copy(objective);
    let loss = &objective.outputs()[0];
    b.output(loss.name.clone(), values[loss.val.position()]);
    b.finish()
}
