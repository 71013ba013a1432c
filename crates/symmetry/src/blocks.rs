//! Where to cut a graph so that what moves inside of blocks comes to light.

use std::collections::{BTreeMap, BTreeSet};

use graph::{Axis, Inner, Prim, Slot, Val};
use transform::Cut;

use crate::{
    classes::Partition,
    lines::Line,
    view::{View, applications, elements},
};

/// The largest number of blocks that are cut apart. Ours: more heads or groups than networks have in one layer, and fewer
/// parts than would make the graph unwieldy.
const MOST_BLOCKS: usize = 256;

/// The cuts between blocks of indices inside of which others may be free to move; none where there are no such blocks.
pub(crate) fn cuts(view: &View<'_>) -> BTreeMap<Val, Cut> {
    let blocks = Blocks::new(view);
    let lines = &view.lines;
    let of_value = |val: Val| {
        let mut lines = lines.of(val).map(|number| lines.get(number));
        lines.find_map(|line| Some((val, Cut { axis: line.axis, sizes: blocks.runs(view, line)? })))
    };
    lines.vals().filter_map(of_value).collect()
}

/// What moves as a block.
#[derive(Default)]
struct Blocks {
    classes: BTreeSet<usize>,
    /// The sizes of the blocks of axes that a reshaping makes of several, or several of. If all are of one class, as the queries,
    /// keys and values of a single head are, they are told apart here alone.
    reshaped: BTreeMap<(Val, usize), usize>,
}

impl Blocks {
    fn new(view: &View<'_>) -> Self {
        let mut inside: Option<Partition> = None;
        let mut blocks = Self::default();
        for (val, op, operands, map) in applications(&view.lines) {
            for &Inner { outer, run } in map.inner.iter().filter(|inner| inner.run.count > 1) {
                let owner = |axis: Axis| match axis.slot {
                    Slot::Operand(operand) => operands[operand],
                    Slot::Result => val,
                };
                let line = view.lines.line(owner(outer), outer.axis);
                if line.size < 2 || line.size > MOST_BLOCKS {
                    continue;
                }
                let inside = inside.get_or_insert_with(|| view.inside_blocks());
                let is_free = |element: &usize| !inside.is_fixed(inside.class(*element));
                // Examples and positions are not worth looking into: they are what data have, too.
                let is_hidden = line.elements().any(|element| is_free(&element));
                if !is_hidden || elements(&view.lines, val, operands, run).filter(is_free).take(2).count() < 2
                {
                    continue;
                }
                blocks.classes.extend(line.elements().map(|element| view.orbits.class(element)));
                if matches!(op, Prim::Reshape(_)) {
                    blocks.reshaped.insert((line.val, line.axis), 1);
                    for other in map.ties.iter().filter(|tie| tie.0.axis == outer).map(|tie| tie.1.axis) {
                        let size = view.lines.line(owner(other), other.axis).size;
                        blocks.reshaped.insert((owner(other), other.axis), size / line.size);
                    }
                }
            }
        }
        blocks
    }

    /// The lengths of the runs of indices of one block, if there is more than one run.
    fn runs(&self, view: &View<'_>, line: &Line) -> Option<Vec<usize>> {
        let block =
            |element: usize| Some(view.orbits.class(element)).filter(|class| self.classes.contains(class));
        let all: Vec<Option<usize>> = line.elements().map(block).collect();
        let sizes: Vec<usize> = all.chunk_by(|left, right| left == right).map(<[_]>::len).collect();
        if sizes.len() > 1 {
            return Some(sizes);
        }
        let size = *self.reshaped.get(&(line.val, line.axis))?;
        Some(vec![size; line.size / size])
    }
}
