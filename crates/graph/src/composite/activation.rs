//! Activation functions; `tanh` and `logistic` are primitives.

use crate::{Builder, Val, ops::Direction};

/// The slope of a leaky ReLU below 0 where nothing else is asked for: PyTorch's default for `LeakyReLU`.
pub const LEAKY_RELU_SLOPE: f64 = 0.01;

impl Builder {
    /// `max(x, 0)`, elementwise; its derivative at 0 is 0, as in PyTorch.
    ///
    /// # Panics
    /// Where `x` does not hold numbers.
    #[track_caller]
    pub fn relu(&mut self, x: Val) -> Val {
        let zero = self.splat_like(x, 0.0);
        self.maximum(x, zero)
    }

    /// `x` above 0 and `slope * x` elsewhere; its derivative at 0 is `slope`, as in PyTorch. The usual slope is
    /// [`LEAKY_RELU_SLOPE`].
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn leaky_relu(&mut self, x: Val, slope: f64) -> Val {
        let zero = self.splat_like(x, 0.0);
        let positive = self.compare(Direction::Gt, x, zero);
        let scaled = self.scale(x, slope);
        self.select(positive, x, scaled)
    }

    /// `x Φ(x) = x/2 (1 + erf(x/√2))`, elementwise (Hendrycks and Gimpel 2016, arXiv:1606.08415).
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn gelu(&mut self, x: Val) -> Val {
        let scaled = self.scale(x, std::f64::consts::FRAC_1_SQRT_2);
        let erf = self.erf(scaled);
        self.half_times_one_plus(x, erf)
    }

    /// `x / (1 + exp(-x))`, elementwise (Elfwing, Uchibe and Doya 2017, arXiv:1702.03118).
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn silu(&mut self, x: Val) -> Val {
        let gate = self.logistic(x);
        self.multiply(x, gate)
    }

    /// `x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`, elementwise: the approximation of GELU in section 2 of
    /// arXiv:1606.08415.
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn gelu_tanh(&mut self, x: Val) -> Val {
        let square = self.multiply(x, x);
        let cube = self.multiply(square, x);
        let cubic = self.scale(cube, 0.044_715);
        let sum = self.add(x, cubic);
        let scaled = self.scale(sum, (2.0 / std::f64::consts::PI).sqrt());
        let tanh = self.tanh(scaled);
        self.half_times_one_plus(x, tanh)
    }

    /// `x/2 (1 + y)`.
    fn half_times_one_plus(&mut self, x: Val, y: Val) -> Val {
        let one = self.splat_like(y, 1.0);
        let shifted = self.add(one, y);
        let half = self.scale(x, 0.5);
        self.multiply(half, shifted)
    }
}
