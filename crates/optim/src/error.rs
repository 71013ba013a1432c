//! What can be wrong with the description of an optimiser or a schedule.

use tensor::names;

/// An error of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// A name that does not exist: of an optimiser, a schedule or an option.
    #[error("there is no {what} called '{found}'{}; known: {}", names::suggestion(found, known), known.join(", "))]
    Unknown {
        /// What was to be named, as "optimiser" or "option of sgd".
        what: String,
        /// The name given.
        found: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// An option that is not written as it should be, or stands twice.
    #[error("{spec}: expected {expected}, found {found}")]
    Syntax {
        /// The whole description.
        spec: String,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// An option with a value that it cannot have.
    #[error("{spec}: {option} should be {expected}, found {found}")]
    Value {
        /// The whole description.
        spec: String,
        /// The option's name.
        option: &'static str,
        /// The values that it can have.
        expected: String,
        /// The value given.
        found: String,
    },
    /// An option that makes sense only beside another one.
    #[error("{spec}: {option} needs {needs}")]
    Needs {
        /// The whole description.
        spec: String,
        /// The option given, or the name of the schedule.
        option: &'static str,
        /// What has to be given too.
        needs: &'static str,
    },
}
