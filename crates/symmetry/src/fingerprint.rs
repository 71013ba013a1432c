//! Telling groups apart.

use tensor::Fingerprint;

use crate::{Exponents, Generator, LinearGroup, Mixing, ParameterAxis, Subject};

/// The fingerprint of what a group acts on and how, names of generators aside.
pub(crate) fn fingerprint(subjects: &[Subject], generators: &[Generator]) -> Fingerprint {
    let mut hash = Fingerprint::EMPTY;
    for Subject { name, shape, role } in subjects {
        hash.text(name);
        hash.text(role.name());
        hash.numbers(shape);
    }
    for generator in generators {
        hash.numbers(&[generator.size, usize::from(generator.is_exchangeable), generator.actions.len()]);
        for ParameterAxis { parameter, axis, slots } in &generator.actions {
            hash.text(parameter);
            hash.numbers(&[*axis, slots.block]);
            hash.numbers(&slots.indices);
        }
        for (families, kind) in [(&generator.scales, "scale"), (&generator.signs, "sign")] {
            for family in families {
                hash.text(kind);
                family.exponents.iter().for_each(|own| exponents(&mut hash, own));
            }
        }
        if let Some(parent) = generator.parent {
            hash.text("inside");
            hash.numbers(&[parent, generator.copies]);
        }
        if let Some(own) = &generator.mixing {
            mixing(&mut hash, own);
        }
    }
    hash
}

fn exponents(hash: &mut Fingerprint, exponents: &Exponents) {
    exponents.numbers().iter().for_each(|exponent| hash.bytes(&exponent.to_le_bytes()));
    hash.numbers(&[exponents.numbers().len()]);
}

fn mixing(hash: &mut Fingerprint, Mixing { group, powers }: &Mixing) {
    match group {
        LinearGroup::General => hash.text("general"),
        LinearGroup::Orthogonal => hash.text("orthogonal"),
        LinearGroup::OrthogonalAroundOnes => hash.text("orthogonal around ones"),
        LinearGroup::Units(basis) => {
            hash.text("units");
            for &(row, column, number) in basis.iter().flatten() {
                hash.numbers(&[row as usize, column as usize]);
                // As it was computed on one machine or another, a number may differ in its last bits.
                hash.bytes(&((number * 1e6).round() as i64).to_le_bytes());
            }
        }
    }
    powers.iter().for_each(|powers| exponents(hash, powers));
}
