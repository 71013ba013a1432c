//! Graphs that return all they compute.

use crate::{Graph, Output};

impl Graph {
    /// The same graph with every value as an output instead of its own outputs, in order of definition and named as
    /// in the text form: `%0`, `%1` and so on. For comparing executors node by node.
    #[must_use]
    pub fn with_every_value(&self) -> Self {
        let output = |val: crate::Val| Output { name: format!("%{}", val.position()), val };
        Self { outputs: self.vals().map(output).collect(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Builder, Ty};

    #[test]
    fn every_value_is_an_output_named_as_in_the_text_form() {
        let mut b = Builder::new("g");
        let x = b.data("x", Ty::f32([2]));
        let y = b.exp(x);
        let z = b.exp(y);
        b.output("z", z);
        let graph = b.finish().with_every_value();
        let names: Vec<&str> = graph.outputs().iter().map(|output| output.name.as_str()).collect();
        assert_eq!(names, ["%0", "%1", "%2"]);
        assert_eq!(graph.outputs().iter().map(|output| output.val).collect::<Vec<_>>(), [x, y, z]);
    }
}
