//! What a command comes to.

use serde_json::Value;

/// The answer of a command, which becomes the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Done, or the claim holds: exit code 0.
    Yes,
    /// Done, and the claim does not hold: exit code 1.
    No,
}

impl Answer {
    /// Yes where `holds`.
    pub(crate) const fn from_claim(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// The exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
        }
    }
}

/// The exit code of errors, those in the use of flags included.
pub(crate) const ERROR_CODE: u8 = 2;

/// The result of a command: one of the two forms is printed.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The answer.
    pub(crate) answer: Answer,
    /// The result for people.
    pub(crate) text: String,
    /// The result for programs.
    pub(crate) json: Value,
}
