//! Optimisers: a method and its base learning rate.

use std::{fmt, str::FromStr};

use graph::{Builder, Val};

use crate::{
    Adam, OptimError, Sgd,
    adam::DecayOf,
    number::Range,
    spec::{Printer, Spec},
};

/// How gradients change parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Stochastic gradient descent; see [`Sgd`].
    Sgd(Sgd),
    /// Adam with an L2 penalty; see [`Adam`].
    Adam(Adam),
    /// Adam with decoupled weight decay; see [`Adam`].
    AdamW(Adam),
}

impl Method {
    const NAMES: [&str; 3] = ["sgd", "adam", "adamw"];

    const fn name(&self) -> &'static str {
        match self {
            Self::Sgd(_) => "sgd",
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adamw",
        }
    }

    fn read(spec: &Spec<'_>) -> Result<Self, OptimError> {
        match spec.name() {
            "sgd" => {
                spec.check_options(&Sgd::OPTIONS)?;
                Sgd::read(spec).map(Self::Sgd)
            }
            "adam" => {
                spec.check_options(&Adam::OPTIONS)?;
                Adam::read(spec, Adam::ADAM).map(Self::Adam)
            }
            "adamw" => {
                spec.check_options(&Adam::OPTIONS)?;
                Adam::read(spec, Adam::ADAMW).map(Self::AdamW)
            }
            found => Err(OptimError::Unknown {
                what: "optimiser".to_owned(),
                found: found.to_owned(),
                known: Self::NAMES.to_vec(),
            }),
        }
    }
}

/// A method with its base learning rate. Values are checked when it is read, so every optimiser is possible.
///
/// | text form | options beside `lr` |
/// |---|---|
/// | `sgd:lr=0.1,momentum=0.9,nesterov,weight_decay=0.0005` | `momentum`, `nesterov`, `weight_decay`; see [`Sgd`] |
/// | `adam:lr=0.001` | `beta1`, `beta2`, `epsilon`, `weight_decay`; see [`Adam`] |
/// | `adamw:lr=0.001,weight_decay=0.01` | the same |
///
/// Options that are left out have PyTorch's defaults; `lr` is then 0.001.
///
/// ```
/// let optimizer: isoloss_optim::Optimizer = "sgd:lr=0.1,momentum=0.9".parse()?;
/// assert_eq!(optimizer.rate(), 0.1);
/// assert_eq!(optimizer.slots(), ["velocity"]);
/// let error = "adam:lr=0".parse::<isoloss_optim::Optimizer>().unwrap_err();
/// assert_eq!(error.to_string(), "adam:lr=0: lr should be a number above 0, found '0'");
/// # Ok::<(), isoloss_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimizer {
    rate: f64,
    method: Method,
}

/// PyTorch's default learning rate, for all three methods.
const DEFAULT_RATE: f64 = 1e-3;

impl Optimizer {
    /// The base learning rate, which a schedule scales.
    #[must_use]
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Names of the tensors that the method keeps for each parameter, in the parameter's shape and type, zero at
    /// the start: none, `velocity`, or `mean` and `mean_square`.
    #[must_use]
    pub const fn slots(&self) -> &'static [&'static str] {
        match &self.method {
            Method::Sgd(sgd) => sgd.slots(),
            Method::Adam(_) | Method::AdamW(_) => &["mean", "mean_square"],
        }
    }

    /// Names of the scalars that change from step to step.
    #[must_use]
    pub const fn hyper_names(&self) -> &'static [&'static str] {
        match &self.method {
            Method::Sgd(_) => &["rate"],
            Method::Adam(_) => &["rate", "epsilon"],
            Method::AdamW(_) => &["rate", "epsilon", "kept"],
        }
    }

    /// The scalars of one step, in the order of [`Optimizer::hyper_names`]. Steps count from 1; `rate` is the
    /// learning rate of this step.
    #[must_use]
    pub fn hyper(&self, step: u64, rate: f64) -> Vec<f64> {
        match &self.method {
            Method::Sgd(_) => vec![rate],
            Method::Adam(adam) | Method::AdamW(adam) => {
                adam.hyper(step, rate)[..self.hyper_names().len()].to_vec()
            }
        }
    }

    /// Emits the update of one parameter: its new value and its new state.
    ///
    /// `hyper`: one scalar for each of [`Optimizer::hyper_names`], of the parameter's element type; `p`: the
    /// parameter; `g`: its gradient, of the same type; `state`: one tensor of that type for each of
    /// [`Optimizer::slots`].
    ///
    /// # Panics
    /// Where the numbers of scalars or of state tensors, or any types, differ from that.
    #[track_caller]
    pub fn emit(&self, b: &mut Builder, hyper: &[Val], p: Val, g: Val, state: &[Val]) -> (Val, Vec<Val>) {
        assert_eq!(hyper.len(), self.hyper_names().len(), "one scalar for each name");
        assert_eq!(state.len(), self.slots().len(), "one state tensor for each slot");
        let shape = b.shape(p).clone();
        let hyper: Vec<Val> = hyper.iter().map(|&scalar| b.broadcast(scalar, &shape, &[])).collect();
        match &self.method {
            Method::Sgd(sgd) => sgd.emit(b, hyper[0], p, g, state),
            Method::Adam(adam) => adam.emit(b, &hyper, p, g, [state[0], state[1]], DecayOf::Gradient),
            Method::AdamW(adam) => adam.emit(b, &hyper, p, g, [state[0], state[1]], DecayOf::Parameter),
        }
    }
}

impl FromStr for Optimizer {
    type Err = OptimError;

    fn from_str(text: &str) -> Result<Self, OptimError> {
        let spec = Spec::split(text)?;
        let method = Method::read(&spec)?;
        Ok(Self { rate: spec.number("lr", DEFAULT_RATE, Range::POSITIVE)?, method })
    }
}

/// The canonical text form: the learning rate, and the options that differ from their defaults.
impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = Printer::new(self.method.name());
        printer.number("lr", self.rate);
        match &self.method {
            Method::Sgd(sgd) => sgd.print(&mut printer),
            Method::Adam(adam) => adam.print(&mut printer, Adam::ADAM),
            Method::AdamW(adam) => adam.print(&mut printer, Adam::ADAMW),
        }
        f.write_str(&printer.finish())
    }
}
