//! Names for what a transform adds to a signature. A transform of a transform meets its own names again; a prime
//! tells them apart.

use graph::{Builder, Ty, Val};

/// Declares a data input called `name`, with primes where inputs of that name exist.
pub(crate) fn input(b: &mut Builder, mut name: String, ty: Ty) -> Val {
    while b.graph().input_position(&name).is_some() {
        name.push('\'');
    }
    b.data(name, ty)
}

/// Declares an output called `name`, with primes where outputs of that name exist.
pub(crate) fn output(b: &mut Builder, mut name: String, val: Val) {
    while b.graph().output_position(&name).is_some() {
        name.push('\'');
    }
    b.output(name, val);
}
