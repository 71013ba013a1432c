//! Wavelengths of rotary positions.

use graph::composite::rotary_rates;

use crate::{named::Named, positive::Positive};

/// The wavelengths of rotary positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rope {
    /// Of which they are powers.
    pub(crate) base: Positive,
    pub(crate) scaling: Scaling,
    /// By which they are longer.
    pub(crate) factor: Positive,
    /// Wavelengths longer than the trained context by this are all longer by the factor.
    pub(crate) low: Positive,
    /// Those shorter than the trained context by this stay.
    pub(crate) high: Positive,
    /// Tokens of the context in the first training.
    pub(crate) trained: usize,
}

/// Which wavelengths are changed for longer contexts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scaling {
    /// None.
    #[default]
    None,
    /// All: position interpolation (Chen and others 2023, arXiv:2306.15595).
    Linear,
    /// Long ones, with a gradual passage: as Llama 3.1 has it.
    Llama3,
}

impl Named for Scaling {
    const KIND: &'static str = "scaling of positions";
    const MEMBERS: &'static [Self] = &[Self::None, Self::Linear, Self::Llama3];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Linear => "linear",
            Self::Llama3 => "llama3",
        }
    }
}

impl Rope {
    /// No scaling; factors and context are those of Llama 3.1.
    pub(crate) const fn new(base: f64) -> Self {
        Self {
            base: Positive::new(base),
            scaling: Scaling::None,
            factor: Positive::new(8.0),
            low: Positive::new(1.0),
            high: Positive::new(4.0),
            trained: 8192,
        }
    }

    /// The angles from one position to the next, for heads of this depth.
    pub(crate) fn rates(&self, depth: usize) -> Vec<f64> {
        rotary_rates(depth, self.base.get()).into_iter().map(|rate| self.scaled(rate)).collect()
    }

    fn scaled(&self, rate: f64) -> f64 {
        let longer = rate / self.factor.get();
        match self.scaling {
            Scaling::None => rate,
            Scaling::Linear => longer,
            Scaling::Llama3 => {
                let (low, high) = (self.low.get(), self.high.get());
                // How often the wave fits into the trained context.
                let waves = self.trained as f64 * rate / std::f64::consts::TAU;
                let kept = ((waves - low) / (high - low)).clamp(0.0, 1.0);
                longer + kept * (rate - longer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_waves_stay_and_long_ones_grow() {
        let rope = Rope { scaling: Scaling::Llama3, trained: 128, ..Rope::new(1e4) };
        let rates = rope.rates(8);
        assert_eq!(rates[0].to_bits(), 1f64.to_bits());
        assert!(rates[1] < 0.1 && rates[1] > 0.0125, "{rates:?}");
        assert!((rates[3] - 0.001 / 8.0).abs() < 1e-18, "{rates:?}");
    }
}
