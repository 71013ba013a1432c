//! Choices that people write by name.

use crate::ModelError;

/// An enumeration whose members have names in specifications and flags.
pub(crate) trait Named: Copy + 'static {
    /// What a member is, as "activation".
    const KIND: &'static str;
    /// All members, in the order in which messages list them.
    const MEMBERS: &'static [Self];
    /// The member's name.
    fn name(self) -> &'static str;
}

/// The member called `name`.
pub(crate) fn parse<T: Named>(name: &str) -> Result<T, ModelError> {
    T::MEMBERS.iter().copied().find(|member| member.name() == name).ok_or_else(|| unknown::<T>(name))
}

fn unknown<T: Named>(name: &str) -> ModelError {
    let known = T::MEMBERS.iter().map(|member| member.name()).collect();
    ModelError::Unknown { what: T::KIND, found: name.to_owned(), known }
}

/// Whether a part is there.
#[derive(Clone, Copy)]
pub(crate) struct Switch(pub(crate) bool);

impl Named for Switch {
    const KIND: &'static str = "setting of a switch";
    const MEMBERS: &'static [Self] = &[Self(true), Self(false)];

    fn name(self) -> &'static str {
        if self.0 { "on" } else { "off" }
    }
}
