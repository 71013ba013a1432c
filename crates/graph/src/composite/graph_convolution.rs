//! Graph convolution with a dense adjacency matrix.

use tensor::DType;

use crate::{
    Builder, Val,
    ops::{Direction, DotGeneral},
};

impl Builder {
    /// `Â x wᵀ + bias`: the layer of Kipf and Welling (2016, arXiv:1609.02907, equation 2). `x: F[N, I]` for `N` nodes,
    /// `propagation: F[N, N]` (their `Â`, as [`Builder::propagation`] makes it from an adjacency matrix),
    /// `w: F[O, I]`, `bias: F[O]`; result `F[N, O]`.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn graph_convolution(&mut self, x: Val, propagation: Val, w: Val, bias: Option<Val>) -> Val {
        let (outputs, inputs) = (self.shape(w)[0], self.shape(w)[1]);
        // Both orders give the same product; the nodes are gathered where there are fewer features.
        let product = if outputs <= inputs {
            let mapped = self.dot_transposed(x, w);
            self.dot(propagation, mapped)
        } else {
            let gathered = self.dot(propagation, x);
            self.dot_transposed(gathered, w)
        };
        self.gain_and_bias(product, None, bias)
    }

    /// `D^-½ (A + I) D^-½` with the diagonal matrix `D` of the row sums of `A + I`, for a symmetric `adjacency`
    /// matrix `A: F[N, N]` of non-negative weights (arXiv:1609.02907, section 2). The result is like `adjacency`.
    ///
    /// # Panics
    /// Where `adjacency` is no square matrix of floats.
    #[track_caller]
    pub fn propagation(&mut self, adjacency: Val) -> Val {
        let shape = self.shape(adjacency).clone();
        let [row, column] = [0, 1].map(|axis| self.iota(DType::I32, &shape, axis));
        let on_diagonal = self.compare(Direction::Eq, row, column);
        let identity = self.convert(on_diagonal, self.ty(adjacency).dtype);
        let with_loops = self.add(adjacency, identity);
        let degree = self.reduce_sum(with_loops, &[1]);
        let scale = self.rsqrt(degree);
        let left = self.broadcast(scale, &shape, &[0]);
        let right = self.broadcast(scale, &shape, &[1]);
        let scaled = self.multiply(with_loops, left);
        self.multiply(scaled, right)
    }

    /// The matrix product `x y`.
    #[track_caller]
    fn dot(&mut self, x: Val, y: Val) -> Val {
        let op = DotGeneral { lhs_contract: vec![1], rhs_contract: vec![0], ..DotGeneral::default() };
        self.dot_general(op, x, y)
    }
}
