//! What optimisers remember of gradients.

/// What a tensor that an optimiser keeps for a parameter is made of: how it changes when the parameter is moved along a
/// symmetry of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A mean or a sum of gradients, which moves as they do.
    Gradient,
    /// A mean or a sum of squares of gradients, or the diagonal of a curvature: element by element, and independent of signs.
    Square,
    /// Gradients divided element by element by the roots of such squares: signs without size.
    Quotient,
}
