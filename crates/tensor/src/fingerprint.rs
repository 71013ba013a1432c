//! Telling things apart by a number.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Tensor;

/// A fixed 64-bit hash (FNV-1a) of what was taken in: equal things have equal fingerprints in every version and on every machine.
/// Different ones differ unless by accident; it is no protection against intent. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(u64);

/// The prime of FNV-1a.
const PRIME: u64 = 0x0100_0000_01b3;

impl Fingerprint {
    /// That of nothing.
    pub const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    /// Takes in a tensor: its shape, and each number to the bit, as `f64`.
    pub fn tensor(&mut self, tensor: &Tensor) {
        self.numbers(tensor.shape());
        for number in tensor.to_f64_vec() {
            self.0 = (self.0 ^ number.to_bits()).wrapping_mul(PRIME);
        }
    }

    /// Takes in a text with its length.
    pub fn text(&mut self, text: &str) {
        self.numbers(&[text.len()]);
        self.bytes(text.as_bytes());
    }

    /// Takes in a list with its length.
    pub fn numbers(&mut self, numbers: &[usize]) {
        self.bytes(&(numbers.len() as u64).to_le_bytes());
        for &number in numbers {
            self.bytes(&(number as u64).to_le_bytes());
        }
    }

    /// Takes in bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
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
            .ok_or_else(|| format!("a fingerprint: expected 16 hexadecimal digits, found '{text}'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_hash_and_reads_back() {
        let mut print = Fingerprint::EMPTY;
        print.bytes(b"foobar");
        assert_eq!(print.to_string(), "85944171f73967e8", "FNV-1a of 64 bits, its authors' test vector");
        assert_eq!(Fingerprint::try_from(print.to_string()), Ok(print));
        for bad in ["", "0123", "+123456789abcdef", "0123456789abcdefg"] {
            assert!(Fingerprint::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_and_texts_do_not_run_into_each_other() {
        let of = |texts: &[&str]| {
            let mut print = Fingerprint::EMPTY;
            texts.iter().for_each(|text| print.text(text));
            print
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    }
}
