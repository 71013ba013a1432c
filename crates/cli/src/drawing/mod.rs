//! A network drawn with the classes of its axes.

mod flow;
mod repeats;

use isoloss::{
    graph::{Graph, Role},
    symmetry::{Generator, Group},
};
use report::{Diagram, DiagramAxis, DiagramRow, DiagramTensor};

use flow::{Flow, part_of};

/// A network's parts, operations in which they meet, and what moves together along the axes of their parameters. Classes are the
/// generators of the group in order.
pub(crate) fn diagram(graph: &Graph, group: &Group) -> Diagram {
    let names = group.generators().iter().map(name).collect();
    let mut diagram = Diagram::new("network", "Parts, axes, and what moves along them", names).with_caption(
        "Each row is a part of the network, or an operation in which parts meet; lines show where it gets what it takes. \
         Beside a part are its tensors, axis by axis: the number of indices and, behind a colon and in colours, what moves along \
         the axis. Factors of whole tensors are not shown.",
    );
    let flow = Flow::of(graph);
    diagram.rows = flow
        .rows
        .into_iter()
        .map(|row| {
            let tensors =
                if row.kind == report::RowKind::Part { tensors(graph, group, &row.name) } else { Vec::new() };
            DiagramRow { name: row.name, kind: row.kind, tensors }
        })
        .collect();
    diagram.edges = flow.edges.into_iter().collect();
    repeats::shortened(diagram)
}

/// A generator's name, with the number of its parent's class instead of that one's name.
fn name(generator: &Generator) -> String {
    match (generator.name.split_once(" within "), generator.parent) {
        (Some((own, _)), Some(parent)) => format!("within each of class {}: {own}", parent + 1),
        _ => generator.name.clone(),
    }
}

/// The tensors of a part.
fn tensors(graph: &Graph, group: &Group, part: &str) -> Vec<DiagramTensor> {
    let own = graph.inputs().iter().filter(|input| input.role != Role::Data && part_of(&input.name) == part);
    own.map(|input| {
        let name = input.name.rsplit('.').next().unwrap_or_default().to_owned();
        let sizes = graph.ty(input.val).shape.iter().enumerate();
        let axes =
            sizes.map(|(axis, &size)| DiagramAxis { size, classes: classes(group, &input.name, axis) });
        DiagramTensor { name, axes: axes.collect() }
    })
    .collect()
}

/// The generators that act on an axis.
fn classes(group: &Group, parameter: &str, axis: usize) -> Vec<usize> {
    let acts = |position: &usize| {
        let generator = &group.generators()[*position];
        let mut actions = generator.actions.iter();
        // What has one slot is a factor of whole tensors.
        generator.slots() > 1 && actions.any(|action| action.parameter == parameter && action.axis == axis)
    };
    (0..group.generators().len()).filter(acts).collect()
}
