//! Optimisers: a method and its base learning rate.

use std::{fmt, str::FromStr};

use graph::{Builder, Val};

use crate::{
    Adagrad, Adam, Lion, Moment, OptimError, RmsProp, Sgd, Sophia, Update,
    number::Range,
    rule::Rule,
    spec::{Printer, Spec},
};

/// How gradients change parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Stochastic gradient descent; see [`Sgd`].
    Sgd(Sgd),
    /// Adam or AdamW; see [`Adam`].
    Adam(Adam),
    /// AdaGrad; see [`Adagrad`].
    Adagrad(Adagrad),
    /// RMSProp; see [`RmsProp`].
    RmsProp(RmsProp),
    /// Lion; see [`Lion`].
    Lion(Lion),
    /// Sophia; see [`Sophia`].
    Sophia(Sophia),
}

impl Method {
    const NAMES: [&str; 7] = ["sgd", "adam", "adamw", "adagrad", "rmsprop", "lion", "sophia"];

    fn rule(&self) -> &dyn Rule {
        match self {
            Self::Sgd(rule) => rule,
            Self::Adam(rule) => rule,
            Self::Adagrad(rule) => rule,
            Self::RmsProp(rule) => rule,
            Self::Lion(rule) => rule,
            Self::Sophia(rule) => rule,
        }
    }

    fn read(spec: &Spec<'_>) -> Result<Self, OptimError> {
        let options: &[&'static str] = match spec.name() {
            "sgd" => &Sgd::OPTIONS,
            "adam" | "adamw" => &Adam::OPTIONS,
            "adagrad" => &Adagrad::OPTIONS,
            "rmsprop" => &RmsProp::OPTIONS,
            "lion" => &Lion::OPTIONS,
            "sophia" => &Sophia::OPTIONS,
            found => {
                let (what, known) = ("optimiser".to_owned(), Self::NAMES.to_vec());
                return Err(OptimError::Unknown { what, found: found.to_owned(), known });
            }
        };
        spec.check_options(options)?;
        match spec.name() {
            "sgd" => Sgd::read(spec).map(Self::Sgd),
            "adam" => Adam::read(spec, Adam::ADAM).map(Self::Adam),
            "adamw" => Adam::read(spec, Adam::ADAMW).map(Self::Adam),
            "adagrad" => Adagrad::read(spec).map(Self::Adagrad),
            "rmsprop" => RmsProp::read(spec).map(Self::RmsProp),
            "lion" => Lion::read(spec).map(Self::Lion),
            _ => Sophia::read(spec).map(Self::Sophia),
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
/// | `adagrad:lr=0.01` | `lr_decay`, `weight_decay`, `initial`, `epsilon`; see [`Adagrad`] |
/// | `rmsprop:lr=0.01,alpha=0.99,momentum=0.9,centered` | `alpha`, `epsilon`, `momentum`, `centered`, `weight_decay`; see [`RmsProp`] |
/// | `lion:lr=0.0001` | `beta1`, `beta2`, `weight_decay`; see [`Lion`] |
/// | `sophia:lr=0.0001,every=10` | `beta1`, `beta2`, `gamma`, `epsilon`, `weight_decay`, `every`; see [`Sophia`] |
///
/// Options that are left out have PyTorch's defaults, those of Lion and Sophia the defaults of their papers and published
/// code; `lr` is then 0.001 for `sgd`, `adam` and `adamw`, 0.01 for `adagrad` and `rmsprop`, 0.0001 for `lion` and `sophia`.
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

    /// Names of the tensors that the method keeps for each parameter, in the parameter's shape and type, as `velocity`, or
    /// `mean` and `mean_square`.
    #[must_use]
    pub fn slots(&self) -> &'static [&'static str] {
        self.method.rule().slots()
    }

    /// What each of these tensors is made of.
    #[must_use]
    pub fn moments(&self) -> &'static [Moment] {
        self.method.rule().moments()
    }

    /// What all elements of these tensors are before the first step.
    #[must_use]
    pub fn start(&self) -> f64 {
        self.method.rule().start()
    }

    /// The number of steps from one estimate of the curvature to the next, for a method that needs them: steps 1, 1 + n,
    /// 1 + 2n, … are given one. See [`Sophia`] for what is to be estimated.
    #[must_use]
    pub fn curvature_every(&self) -> Option<u64> {
        self.method.rule().curvature_every()
    }

    /// Names of the scalars that change from step to step.
    #[must_use]
    pub fn hyper_names(&self) -> &'static [&'static str] {
        self.method.rule().hyper_names()
    }

    /// The scalars of one step, in the order of [`Optimizer::hyper_names`]. Steps count from 1; `rate` is the
    /// learning rate of this step.
    #[must_use]
    pub fn hyper(&self, step: u64, rate: f64) -> Vec<f64> {
        self.method.rule().hyper(step, rate)
    }

    /// Emits the update of one parameter: its new value and its new state. `hyper`: one scalar for each of
    /// [`Optimizer::hyper_names`], of the parameter's element type.
    ///
    /// # Panics
    /// Where the numbers of scalars or of state tensors, or any types, differ from that.
    #[track_caller]
    pub fn emit(&self, b: &mut Builder, hyper: &[Val], update: Update<'_>) -> (Val, Vec<Val>) {
        assert_eq!(hyper.len(), self.hyper_names().len(), "one scalar for each name");
        assert_eq!(update.state.len(), self.slots().len(), "one state tensor for each slot");
        let shape = b.shape(update.parameter).clone();
        let hyper: Vec<Val> = hyper.iter().map(|&scalar| b.broadcast(scalar, &shape, &[])).collect();
        self.method.rule().emit(b, &hyper, update)
    }
}

impl FromStr for Optimizer {
    type Err = OptimError;

    fn from_str(text: &str) -> Result<Self, OptimError> {
        let spec = Spec::split(text)?;
        let method = Method::read(&spec)?;
        let default = method.rule().default_rate();
        Ok(Self { rate: spec.number("lr", default, Range::POSITIVE)?, method })
    }
}

/// The canonical text form: the learning rate, and the options that differ from their defaults.
impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.method.rule();
        let mut printer = Printer::new(rule.name());
        printer.number("lr", self.rate);
        rule.print(&mut printer);
        f.write_str(&printer.finish())
    }
}
