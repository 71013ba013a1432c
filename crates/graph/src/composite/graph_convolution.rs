//! Graph convolution with a dense adjacency matrix.

use tensor::DType;

use crate::{
    Builder, Val,
    ops::{Direction, DotGeneral},
};

impl Builder {
    /// `Â x wᵀ + bias`: the layer of Kipf and Welling (2016, arXiv:1609.02907, equation 2). `x: F[B.., N, I]` for `N` nodes
    /// of each of `B..` graphs, `propagation: F[B.., N, N]` (their `Â`, as [`Builder::propagation`] makes it from adjacency
    /// matrices), `w: F[O, I]`, `bias: F[O]`; result `F[B.., N, O]`.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn graph_convolution(&mut self, x: Val, propagation: Val, w: Val, bias: Option<Val>) -> Val {
        let (outputs, inputs) = (self.shape(w)[0], self.shape(w)[1]);
        // Both orders give the same product; the nodes are gathered where there are fewer features.
        let product = if outputs <= inputs {
            let mapped = self.map_features(x, w);
            self.gather_nodes(propagation, mapped)
        } else {
            let gathered = self.gather_nodes(propagation, x);
            self.map_features(gathered, w)
        };
        self.gain_and_bias(product, None, bias)
    }

    /// `D^-½ (A + I) D^-½` with the diagonal matrix `D` of the row sums of `A + I`, for symmetric `adjacency`
    /// matrices `A: F[B.., N, N]` of non-negative weights (arXiv:1609.02907, section 2). The result is like `adjacency`.
    ///
    /// # Panics
    /// Where `adjacency` does not hold square matrices of floats.
    #[track_caller]
    pub fn propagation(&mut self, adjacency: Val) -> Val {
        let shape = self.shape(adjacency).clone();
        let [nodes_row, nodes_column] = [shape.rank() - 2, shape.rank() - 1];
        let [row, column] = [nodes_row, nodes_column].map(|axis| self.iota(DType::I32, &shape, axis));
        let on_diagonal = self.compare(Direction::Eq, row, column);
        let identity = self.convert(on_diagonal, self.ty(adjacency).dtype);
        let with_loops = self.add(adjacency, identity);
        let degree = self.reduce_sum(with_loops, &[nodes_column]);
        let scale = self.rsqrt(degree);
        let left = self.broadcast_back(scale, &shape, &[nodes_column]);
        let right = self.broadcast_back(scale, &shape, &[nodes_row]);
        let scaled = self.multiply(with_loops, left);
        self.multiply(scaled, right)
    }

    /// `x wᵀ` over the last axis of `x: F[B.., N, I]`.
    #[track_caller]
    fn map_features(&mut self, x: Val, w: Val) -> Val {
        let op = DotGeneral {
            lhs_contract: vec![self.last_axis(x)],
            rhs_contract: vec![1],
            ..DotGeneral::default()
        };
        self.dot_general(op, x, w)
    }

    /// The matrix products `x y` of `x: F[B.., N, N]` and `y: F[B.., N, C]`.
    #[track_caller]
    fn gather_nodes(&mut self, x: Val, y: Val) -> Val {
        let last = self.last_axis(x);
        let batch: Vec<usize> = (0..last - 1).collect();
        let op = DotGeneral {
            lhs_batch: batch.clone(),
            rhs_batch: batch,
            lhs_contract: vec![last],
            rhs_contract: vec![last - 1],
        };
        self.dot_general(op, x, y)
    }
}
