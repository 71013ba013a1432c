//! Telling groups apart.

use std::fmt;

use serde::{Deserialize, Serialize};
use tensor::Tensor;

use crate::{Exponents, Generator, LinearGroup, Mixing, ParameterAxis, Subject};

/// A fixed 64-bit hash (FNV-1a) of what a group acts on and how, names of generators aside: equal groups have equal
/// fingerprints in every version and on every machine. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(u64);

/// The prime of FNV-1a.
const PRIME: u64 = 0x0100_0000_01b3;

impl Fingerprint {
    /// That of nothing.
    pub(crate) const fn empty() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn of(subjects: &[Subject], generators: &[Generator]) -> Self {
        let mut hash = Self::empty();
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
                    family.exponents.iter().for_each(|exponents| hash.exponents(exponents));
                }
            }
            if let Some(parent) = generator.parent {
                hash.text("inside");
                hash.numbers(&[parent, generator.copies]);
            }
            if let Some(mixing) = &generator.mixing {
                hash.mixing(mixing);
            }
        }
        hash
    }

    fn exponents(&mut self, exponents: &Exponents) {
        exponents.numbers().iter().for_each(|exponent| self.bytes(&exponent.to_le_bytes()));
        self.numbers(&[exponents.numbers().len()]);
    }

    fn mixing(&mut self, Mixing { group, powers }: &Mixing) {
        match group {
            LinearGroup::General => self.text("general"),
            LinearGroup::Orthogonal => self.text("orthogonal"),
            LinearGroup::OrthogonalAroundOnes => self.text("orthogonal around ones"),
            LinearGroup::Units(basis) => {
                self.text("units");
                for &(row, column, number) in basis.iter().flatten() {
                    self.numbers(&[row as usize, column as usize]);
                    // As it was computed on one machine or another, a number may differ in its last bits.
                    self.bytes(&((number * 1e6).round() as i64).to_le_bytes());
                }
            }
        }
        powers.iter().for_each(|powers| self.exponents(powers));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }

    /// Takes a tensor in, each number to the bit.
    pub(crate) fn tensor(&mut self, tensor: &Tensor) {
        self.numbers(tensor.shape());
        for number in tensor.to_f64_vec() {
            self.0 = (self.0 ^ number.to_bits()).wrapping_mul(PRIME);
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.numbers(&[text.len()]);
        self.bytes(text.as_bytes());
    }

    fn numbers(&mut self, numbers: &[usize]) {
        self.bytes(&(numbers.len() as u64).to_le_bytes());
        for &number in numbers {
            self.bytes(&(number as u64).to_le_bytes());
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parsed = if digits { u64::from_str_radix(&text, 16).ok() } else { None };
        parsed
            .map(Self)
            .ok_or_else(|| format!("a group's fingerprint: expected 16 hexadecimal digits, found '{text}'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_back() {
        let print = Fingerprint::of(&[], &[]);
        assert_eq!(Fingerprint::try_from(print.to_string()), Ok(print));
        for bad in ["", "0123", "+123456789abcdef", "0123456789abcdefg"] {
            assert!(Fingerprint::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
