//! Which layer a tensor belongs to, by its name.
//!
//! A layer is what stands before the first number between two dots: `model.layers.3.mlp.up_proj.weight` is of layer 3 of the stack
//! `model.layers`. This is what mergekit does for architectures that it does not know, and comes to the same for those it does.

use std::collections::BTreeMap;

/// The layers of a model: for each stack, how many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layers(BTreeMap<String, usize>);

/// A name taken apart: the stack, the layer, and what follows with its dot.
pub(super) fn split(name: &str) -> Option<(&str, usize, &str)> {
    let mut begin = 0;
    while let Some(dot) = name[begin..].find('.').map(|place| begin + place) {
        let rest = &name[dot + 1..];
        let end = rest.find('.')?;
        if !rest[..end].is_empty() && rest[..end].bytes().all(|byte| byte.is_ascii_digit()) {
            return rest[..end].parse().ok().map(|layer| (&name[..dot], layer, &rest[end..]));
        }
        begin = dot + 1;
    }
    None
}

impl Layers {
    /// The layers that these names speak of.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut stacks = BTreeMap::new();
        for (stack, layer, _) in names.into_iter().filter_map(split) {
            let count = stacks.entry(stack.to_owned()).or_insert(0);
            *count = layer.saturating_add(1).max(*count);
        }
        Self(stacks)
    }

    /// Where a tensor stands along its stack, from 0 to 1: 0 for one that is in none, 1 in a stack of one layer.
    pub(super) fn place(&self, name: &str) -> f64 {
        split(name).map_or(0.0, |(stack, layer, _)| place(layer, self.0.get(stack).copied().unwrap_or(1)))
    }

    /// The only stack and its layers.
    ///
    /// # Errors
    /// The stacks there are, where they are not one.
    pub(super) fn only(&self) -> Result<(&str, usize), String> {
        let stacks: Vec<&String> = self.0.keys().collect();
        match (stacks.as_slice(), self.0.values().next()) {
            ([stack], Some(&count)) => Ok((stack, count)),
            _ => Err(stacks.iter().map(|stack| stack.as_str()).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Layer `layer` of `count`, from 0 to 1.
pub(super) fn place(layer: usize, count: usize) -> f64 {
    if count < 2 { 1.0 } else { layer as f64 / (count - 1) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_between_dots_is_the_layer() {
        assert_eq!(
            split("model.layers.12.mlp.experts.3.w1"),
            Some(("model.layers", 12, ".mlp.experts.3.w1"))
        );
        assert_eq!(split("layer1.0.conv1.weight"), Some(("layer1", 0, ".conv1.weight")));
        assert_eq!(split("model.norm.weight"), None);
        assert_eq!(split("0.weight"), None, "nothing stands before it");
        assert_eq!(split("a.99999999999999999999999.b"), None);
    }

    #[test]
    fn places_run_from_the_first_layer_to_the_last() {
        let names = ["h.0.w", "h.1.w", "h.2.w", "top.0.w", "norm"];
        let layers = Layers::of(names);
        assert_eq!(names.map(|name| layers.place(name)), [0.0, 0.5, 1.0, 1.0, 0.0]);
        assert_eq!(layers.only(), Err("h, top".to_owned()));
        assert_eq!(Layers::of(["h.0.w", "h.4.w"]).only(), Ok(("h", 5)));
    }
}
