//! Parameters and buffers by name.

use tensor::{Fingerprint, Tensor};

/// Named tensors: a model's parameters in its order, then its buffers (running statistics), as PyTorch's `state_dict`
/// names them.
///
/// Equality compares names, order, shapes and elements (so NaN makes it false).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    entries: Vec<(String, Tensor)>,
}

impl Params {
    /// Parameters in the order given.
    ///
    /// # Panics
    /// Where a name repeats.
    #[must_use]
    #[track_caller]
    pub fn from_pairs<N: Into<String>>(pairs: impl IntoIterator<Item = (N, Tensor)>) -> Self {
        let entries: Vec<(String, Tensor)> =
            pairs.into_iter().map(|(name, tensor)| (name.into(), tensor)).collect();
        for (position, (name, _)) in entries.iter().enumerate() {
            let repeated = entries[..position].iter().any(|(earlier, _)| earlier == name);
            assert!(!repeated, "there are two parameters called '{name}'");
        }
        Self { entries }
    }

    /// The same names with other tensors, one for each in order: the state after an update, or a tangent.
    ///
    /// # Panics
    /// Where the number of tensors differs.
    #[must_use]
    #[track_caller]
    pub fn with_values(&self, values: Vec<Tensor>) -> Self {
        assert_eq!(values.len(), self.len(), "one tensor for each parameter");
        Self { entries: self.names().map(str::to_owned).zip(values).collect() }
    }

    /// The number of tensors.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no tensors.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of elements of all tensors together.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.values().map(Tensor::elements).sum()
    }

    /// The tensor called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.iter().find(|(other, _)| *other == name).map(|(_, tensor)| tensor)
    }

    /// The tensor called `name`, for writing.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        self.entries.iter_mut().find(|(other, _)| other == name).map(|(_, tensor)| tensor)
    }

    /// A fingerprint of names, order, shapes and elements to the bit.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut print = Fingerprint::EMPTY;
        for (name, tensor) in self.iter() {
            print.text(name);
            print.tensor(tensor);
        }
        print
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> + Clone {
        self.entries.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Names and tensors in order, the tensors for writing.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Tensor)> {
        self.entries.iter_mut().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The names in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.iter().map(|(name, _)| name)
    }

    /// The tensors in order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Tensor> + Clone {
        self.iter().map(|(_, tensor)| tensor)
    }

    /// The tensors in order, for writing.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Tensor> {
        self.iter_mut().map(|(_, tensor)| tensor)
    }

    /// The tensors in order, by value.
    #[must_use]
    pub fn into_values(self) -> Vec<Tensor> {
        self.entries.into_iter().map(|(_, tensor)| tensor).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Params {
        Params::from_pairs([("b", Tensor::scalar(1f32)), ("a", Tensor::full([2, 3], 2f32))])
    }

    #[test]
    fn the_order_is_kept() {
        assert_eq!(two().names().collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(two().elements(), 7);
        assert_eq!(two().get("a"), Some(&Tensor::full([2, 3], 2f32)));
        assert_eq!(two().get("c"), None);
    }

    #[test]
    fn values_are_replaced_in_order() {
        let values = vec![Tensor::scalar(3f32), Tensor::full([2, 3], 4f32)];
        let replaced = two().with_values(values.clone());
        assert_eq!(replaced.into_values(), values);
    }

    #[test]
    #[should_panic(expected = "two parameters called 'a'")]
    fn a_repeated_name_is_a_bug() {
        let _ = Params::from_pairs([("a", Tensor::scalar(1f32)), ("a", Tensor::scalar(2f32))]);
    }
}
