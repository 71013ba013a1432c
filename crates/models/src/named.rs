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
    parse_among(name, T::MEMBERS)
}

/// The one of these members that is called `name`.
pub(crate) fn parse_among<T: Named>(name: &str, members: &[T]) -> Result<T, ModelError> {
    members.iter().copied().find(|member| member.name() == name).ok_or_else(|| {
        let known = members.iter().map(|member| member.name()).collect();
        ModelError::Unknown { what: T::KIND, found: name.to_owned(), known }
    })
}

/// Whether a part is there.
impl Named for bool {
    const KIND: &'static str = "setting of a switch";
    const MEMBERS: &'static [Self] = &[true, false];

    fn name(self) -> &'static str {
        if self { "on" } else { "off" }
    }
}
