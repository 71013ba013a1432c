//! Learning-rate schedules.

use std::{f64::consts::PI, fmt, str::FromStr};

use crate::{
    OptimError,
    number::Range,
    spec::{Printer, Spec},
};

/// How long a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Epochs.
    pub epochs: u64,
}

impl Horizon {
    /// Steps in all.
    #[must_use]
    pub const fn steps(self) -> u64 {
        self.steps_per_epoch * self.epochs
    }
}

/// What becomes of the base rate after the warm-up.
#[derive(Clone, Debug, PartialEq)]
pub enum Decay {
    /// It stays.
    Constant,
    /// It is multiplied by `gamma` after every `epochs` epochs (PyTorch's `StepLR`).
    Every {
        /// Epochs between two changes, from 1 up.
        epochs: u64,
        /// The factor, above 0; PyTorch's default is 0.1.
        gamma: f64,
    },
    /// It is multiplied by `gamma` when each of these numbers of epochs is done (PyTorch's `MultiStepLR`).
    Milestones {
        /// Numbers of epochs, increasing, from 1 up.
        epochs: Vec<u64>,
        /// The factor, above 0; PyTorch's default is 0.1.
        gamma: f64,
    },
    /// It is multiplied by `gamma` after every epoch (PyTorch's `ExponentialLR`).
    Exponential {
        /// The factor, above 0.
        gamma: f64,
    },
    /// It falls to `min` along a straight line, step by step, over what follows the warm-up.
    Linear {
        /// The rate that the step after the last would have, from 0 up; default 0, as in BERT's training (Devlin et
        /// al. 2018, arXiv:1810.04805, appendix A.2).
        min: f64,
    },
    /// It falls to `min` along half a cosine, step by step, over what follows the warm-up (Loshchilov and Hutter,
    /// *SGDR*, 2017, equation 5, without restarts).
    Cosine {
        /// The rate that the step after the last would have, from 0 up; default 0, PyTorch's.
        min: f64,
    },
}

/// A linear rise to the base rate, step by step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warmup {
    /// Its length in epochs, above 0; fractions are rounded to whole steps.
    pub epochs: f64,
    /// The rate of the first step, from 0 up; default 0, which is ours, because it needs no knowledge of the base
    /// rate.
    pub from: f64,
}

/// The learning rate as a function of the step.
///
/// | text form | see |
/// |---|---|
/// | `constant` | [`Decay::Constant`] |
/// | `step:every=30,gamma=0.1` | [`Decay::Every`] |
/// | `step:at=30/60/90,gamma=0.1` | [`Decay::Milestones`] |
/// | `exponential:gamma=0.95` | [`Decay::Exponential`] |
/// | `linear`, `linear:min=1e-5` | [`Decay::Linear`] |
/// | `cosine`, `cosine:min=1e-5` | [`Decay::Cosine`] |
///
/// Any of them takes `warmup=EPOCHS` and `warmup_from=RATE` (see [`Warmup`]), as `cosine:warmup=1,warmup_from=1e-6`.
/// Epochs count from the beginning of the training, warm-up included.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    decay: Decay,
    warmup: Option<Warmup>,
}

/// PyTorch's default factor of `StepLR` and `MultiStepLR`.
const DEFAULT_GAMMA: f64 = 0.1;

impl Schedule {
    const NAMES: [&str; 5] = ["constant", "step", "exponential", "linear", "cosine"];

    /// What follows the warm-up.
    #[must_use]
    pub const fn decay(&self) -> &Decay {
        &self.decay
    }

    /// The warm-up, if there is one.
    #[must_use]
    pub const fn warmup(&self) -> Option<Warmup> {
        self.warmup
    }

    /// Checks the schedule's own rates against the base rate.
    ///
    /// # Errors
    /// [`OptimError::Value`] where the start of the warm-up or the end of the line or the cosine is above the base rate.
    pub fn check(&self, base: f64) -> Result<(), OptimError> {
        let below = |option: &'static str, rate: f64| match rate <= base {
            true => Ok(()),
            false => Err(OptimError::Value {
                spec: self.to_string(),
                option,
                expected: format!("at most the base learning rate {base}"),
                found: rate.to_string(),
            }),
        };
        if let Decay::Linear { min } | Decay::Cosine { min } = self.decay {
            below("min", min)?;
        }
        self.warmup.map_or(Ok(()), |warmup| below("warmup_from", warmup.from))
    }

    /// The learning rate of step `step`, counted from 0, for the base rate `base`.
    #[must_use]
    pub fn rate(&self, base: f64, step: u64, horizon: Horizon) -> f64 {
        let warm_steps = self.warm_steps(horizon);
        match self.warmup {
            Some(warmup) if step < warm_steps => {
                warmup.from + (base - warmup.from) * (step as f64 / warm_steps as f64)
            }
            _ => self.decayed(base, step, warm_steps, horizon),
        }
    }

    fn warm_steps(&self, horizon: Horizon) -> u64 {
        self.warmup.map_or(0, |warmup| (warmup.epochs * horizon.steps_per_epoch as f64).round() as u64)
    }

    fn decayed(&self, base: f64, step: u64, warm_steps: u64, horizon: Horizon) -> f64 {
        let epoch = step / horizon.steps_per_epoch.max(1);
        let done = || {
            let steps = horizon.steps().saturating_sub(warm_steps).max(1);
            (step - warm_steps) as f64 / steps as f64
        };
        match &self.decay {
            Decay::Constant => base,
            Decay::Every { epochs, gamma } => base * gamma.powf((epoch / epochs) as f64),
            Decay::Milestones { epochs, gamma } => {
                let passed = epochs.iter().filter(|&&milestone| milestone <= epoch).count();
                base * gamma.powf(passed as f64)
            }
            Decay::Exponential { gamma } => base * gamma.powf(epoch as f64),
            Decay::Linear { min } => min + (base - min) * (1.0 - done()),
            Decay::Cosine { min } => min + (base - min) * 0.5 * (1.0 + (PI * done()).cos()),
        }
    }
}

impl FromStr for Schedule {
    type Err = OptimError;

    fn from_str(text: &str) -> Result<Self, OptimError> {
        let spec = Spec::split(text)?;
        let own: &[&'static str] = match spec.name() {
            "constant" => &[],
            "step" => &["every", "at", "gamma"],
            "exponential" => &["gamma"],
            "linear" | "cosine" => &["min"],
            found => {
                let (what, known) = ("schedule".to_owned(), Self::NAMES.to_vec());
                return Err(OptimError::Unknown { what, found: found.to_owned(), known });
            }
        };
        spec.check_options(&[own, &["warmup", "warmup_from"]].concat())?;
        Ok(Self { decay: read_decay(&spec)?, warmup: read_warmup(&spec)? })
    }
}

fn read_decay(spec: &Spec<'_>) -> Result<Decay, OptimError> {
    match spec.name() {
        "step" => read_steps(spec),
        "exponential" => read_exponential(spec),
        "linear" => Ok(Decay::Linear { min: spec.number("min", 0.0, Range::FROM_ZERO)? }),
        "cosine" => Ok(Decay::Cosine { min: spec.number("min", 0.0, Range::FROM_ZERO)? }),
        _ => Ok(Decay::Constant),
    }
}

fn read_exponential(spec: &Spec<'_>) -> Result<Decay, OptimError> {
    match spec.has("gamma") {
        true => Ok(Decay::Exponential { gamma: spec.number("gamma", DEFAULT_GAMMA, Range::POSITIVE)? }),
        false => Err(spec.needs("exponential", "gamma=FACTOR, as gamma=0.95")),
    }
}

fn read_steps(spec: &Spec<'_>) -> Result<Decay, OptimError> {
    let gamma = spec.number("gamma", DEFAULT_GAMMA, Range::POSITIVE)?;
    match (spec.text("every")?, spec.text("at")?) {
        (Some(every), None) => Ok(Decay::Every { epochs: spec.whole("every", "epochs", every)?, gamma }),
        (None, Some(at)) => Ok(Decay::Milestones { epochs: read_milestones(spec, at)?, gamma }),
        _ => Err(spec.needs("step", "one of every=EPOCHS and at=EPOCHS/EPOCHS/...")),
    }
}

fn read_milestones(spec: &Spec<'_>, text: &str) -> Result<Vec<u64>, OptimError> {
    let epochs =
        text.split('/').map(|part| spec.whole("at", "epochs", part)).collect::<Result<Vec<_>, _>>()?;
    match epochs.is_sorted_by(|earlier, later| earlier < later) {
        true => Ok(epochs),
        false => Err(spec.value("at", "increasing numbers of epochs joined by '/', as 30/60/90", text)),
    }
}

fn read_warmup(spec: &Spec<'_>) -> Result<Option<Warmup>, OptimError> {
    let from = spec.number("warmup_from", 0.0, Range::FROM_ZERO)?;
    match spec.has("warmup") {
        true => Ok(Some(Warmup { epochs: spec.number("warmup", 0.0, Range::POSITIVE)?, from })),
        false if spec.has("warmup_from") => Err(spec.needs("warmup_from", "warmup=EPOCHS")),
        false => Ok(None),
    }
}

/// The canonical text form: options that differ from their defaults.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = match &self.decay {
            Decay::Constant => Printer::new("constant"),
            Decay::Exponential { .. } => Printer::new("exponential"),
            Decay::Linear { .. } => Printer::new("linear"),
            Decay::Cosine { .. } => Printer::new("cosine"),
            Decay::Every { .. } | Decay::Milestones { .. } => Printer::new("step"),
        };
        match &self.decay {
            Decay::Constant => {}
            Decay::Exponential { gamma } => printer.number("gamma", *gamma),
            Decay::Linear { min } | Decay::Cosine { min } => printer.number_unless("min", *min, 0.0),
            Decay::Every { epochs, gamma } => {
                printer.option(&format!("every={epochs}"));
                printer.number_unless("gamma", *gamma, DEFAULT_GAMMA);
            }
            Decay::Milestones { epochs, gamma } => {
                let epochs: Vec<String> = epochs.iter().map(u64::to_string).collect();
                printer.option(&format!("at={}", epochs.join("/")));
                printer.number_unless("gamma", *gamma, DEFAULT_GAMMA);
            }
        }
        if let Some(warmup) = self.warmup {
            printer.number("warmup", warmup.epochs);
            printer.number_unless("warmup_from", warmup.from, 0.0);
        }
        f.write_str(&printer.finish())
    }
}
