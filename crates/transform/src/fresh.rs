//! Names for what a transform adds to a signature. A transform of a transform meets its own names again; a prime
//! tells them apart.

use std::collections::BTreeSet;

use graph::{Builder, Ty, Val};

/// Names that are taken, for signatures long enough to make a search among them slow.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// Takes `name`, with primes where it is taken.
    pub(crate) fn take(&mut self, mut name: String) -> String {
        while !self.0.insert(name.clone()) {
            name.push('\'');
        }
        name
    }
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }
}

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
