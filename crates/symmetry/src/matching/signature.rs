//! What tells slots apart before their neighbours are matched.

use std::collections::BTreeMap;

use tensor::{Tensor, parallel};

use super::{
    problem::{Pair, Problem, elements},
    sorting::{Entries, LANES, sort},
};
use crate::{Slots, action::AxisMaps};

/// Numbers kept of a sorted line; longer ones are averaged over equal parts. Ours, because neighbours in a long sorted line
/// differ little, and the products of signatures cost in proportion.
const KEPT: usize = 64;

/// Entries of an index that its signature is made of, as far as one line has no more: of wider parameters some lines stand for
/// all. Ours: so many tell thousands of slots apart, and sorting all entries of wide networks would cost more than their products.
const ENOUGH: usize = 1024;

/// The entries of a parameter that belong to a slot, in lines: each is of entries that permutations of the neighbours can
/// exchange, if these are not matched yet.
///
/// Sorting every line makes a signature of the slot that no such permutation changes. The inner product of two signatures is
/// the largest that any exchange within lines allows (the rearrangement inequality), as far as lines are neither averaged nor
/// left out.
pub(super) struct Lines {
    /// The distance of neighbours along the slots' axis.
    stride: usize,
    /// The positions of each line's entries in the tensor, for index 0 along the slots' axis.
    lines: Vec<Vec<usize>>,
    /// The root of how many lines stand for one.
    weight: f32,
}

impl Lines {
    /// The lines of the slots along `axis` of a parameter whose other axes are read through `maps`.
    pub(super) fn new(
        problem: &Problem<'_>,
        pair: &Pair<'_>,
        axis: usize,
        maps: &AxisMaps,
        is_matched: &[bool],
    ) -> Self {
        let strides = pair.shape.strides();
        let mut lines = BTreeMap::from([(Vec::new(), vec![0])]);
        for other in (0..pair.shape.rank()).filter(|&other| other != axis) {
            let kinds = Kind::of_indices(problem, pair, other, is_matched);
            let source = |index: usize| maps[other].as_ref().map_or(index, |map| map[index]);
            lines = split(&lines, &kinds, |index| source(index) * strides[other]);
        }
        let entries: usize = lines.values().map(Vec::len).sum();
        let each = entries.div_ceil(ENOUGH).min(lines.len()).max(1);
        let lines = lines.into_values().step_by(each).collect();
        Self { stride: strides[axis], lines, weight: (each as f32).sqrt() }
    }

    /// The signatures of all slots, one in each row.
    pub(super) fn signatures(&self, source: &Tensor, slots: &Slots) -> Tensor {
        let kept: usize = self.lines.iter().map(|line| line.len().min(KEPT)).sum();
        let (count, width) = (slots.indices.len() / slots.block, slots.block * kept);
        let mut signatures = vec![0.0; count * width];
        if width > 0 {
            parallel::for_each_chunk(&mut signatures, LANES * width, |start, signatures| {
                let first = start / width;
                for rank in 0..slots.block {
                    // Where there are fewer slots than lanes, the last one fills the others.
                    let slot = |lane: usize| slots.slot((first + lane).min(count - 1))[rank] * self.stride;
                    let starts: [usize; LANES] = std::array::from_fn(slot);
                    self.sign(elements(source), starts, &mut signatures[rank * kept..], width);
                }
            });
        }
        Tensor::new([count, width], signatures).expect("the room was made for them")
    }

    /// The signatures of indices, from what follows their first entries, each so far after the one before.
    fn sign(&self, source: &[f32], starts: [usize; LANES], signatures: &mut [f32], apart: usize) {
        let (mut sorted, mut written) = (Vec::new(), 0);
        for line in &self.lines {
            sorted.clear();
            sorted.extend(line.iter().map(|&position| starts.map(|start| source[start + position])));
            sort(&mut sorted);
            let means = average(&sorted, self.weight, line.len().min(KEPT));
            let count = means.len();
            for (lane, signature) in signatures.chunks_mut(apart).enumerate() {
                let own = signature[written..written + count].iter_mut();
                own.zip(&means).for_each(|(entry, means)| *entry = means[lane]);
            }
            written += count;
        }
    }
}

/// The means of so many equal parts of lines, each times its weight and the root of its length, so that inner products keep their
/// size.
fn average(lines: &[Entries], weight: f32, parts: usize) -> Vec<Entries> {
    let mean = |part: usize| {
        let entries = &lines[part * lines.len() / parts..(part + 1) * lines.len() / parts];
        let mut sums = [0.0; LANES];
        for entries in entries {
            sums.iter_mut().zip(entries).for_each(|(sum, entry)| *sum += entry);
        }
        sums.map(|sum| weight * sum / (entries.len() as f32).sqrt())
    };
    (0..parts).map(mean).collect()
}

type ByKinds = BTreeMap<Vec<Kind>, Vec<usize>>;

/// Lines with the entries along one more axis, whose indices have these kinds and lie at these steps.
fn split(lines: &ByKinds, kinds: &[Kind], step: impl Fn(usize) -> usize) -> ByKinds {
    let mut steps: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    kinds.iter().enumerate().for_each(|(index, &kind)| steps.entry(kind).or_default().push(step(index)));
    let splits = lines.iter().flat_map(|(before, line)| {
        steps.iter().map(move |(&kind, along)| {
            let entries = line.iter().flat_map(|start| along.iter().map(move |step| start + step));
            ([&before[..], &[kind]].concat(), entries.collect())
        })
    });
    splits.collect()
}

/// What kind of index one is: those of one kind can be exchanged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Fixed(usize),
    Moving { generator: usize, rank: usize },
}

impl Kind {
    fn of_indices(problem: &Problem<'_>, pair: &Pair<'_>, axis: usize, is_matched: &[bool]) -> Vec<Self> {
        let mut kinds: Vec<Self> = (0..pair.shape[axis]).map(Self::Fixed).collect();
        let actions = problem.group.actions_on(pair.name).filter(|(_, action)| action.axis == axis);
        for (generator, action) in actions.filter(|(generator, _)| !is_matched[*generator]) {
            for (at, &index) in action.slots.indices.iter().enumerate() {
                kinds[index] = Self::Moving { generator, rank: at % action.slots.block };
            }
        }
        kinds
    }
}

#[cfg(test)]
mod tests {
    use graph::Role;
    use models::Params;
    use tensor::{DType, Key};

    use super::*;
    use crate::{Generator, Group, ParameterAxis, Subject};

    const SHAPE: [usize; 3] = [3, 5, 2];

    /// Three slots along the first axis of `w`, and two blocks of two along its second, beside one index that stays.
    fn group() -> Group {
        let subject = Subject { name: "w".to_owned(), shape: SHAPE.into(), role: Role::Parameter };
        let along = |name: &str, axis, size, slots| {
            let action = ParameterAxis { parameter: "w".to_owned(), axis, slots };
            Generator::permutations(name.to_owned(), size, vec![action])
        };
        let blocks = Slots { block: 2, indices: vec![0, 1, 3, 4] };
        let generators = vec![along("rows", 0, 3, Slots::whole(3)), along("blocks", 1, 2, blocks)];
        Group::new(vec![subject], generators).expect("a group")
    }

    fn params(key: Key) -> Params {
        let weight = Tensor::from_fn(SHAPE, |index| key.normal(index as u64)).convert(DType::F32);
        Params::from_pairs([("w", weight)])
    }

    fn signatures(params: &Params, is_matched: [bool; 2]) -> Tensor {
        let group = group();
        let problem = Problem::new(&group, params, params).expect("a network of the group");
        let lines = Lines::new(&problem, &problem.pairs[0], 0, &vec![None; 3], &is_matched);
        lines.signatures(params.get("w").expect("it is there"), &Slots::whole(3))
    }

    #[test]
    fn no_permutation_of_neighbours_changes_a_signature_and_matched_ones_keep_their_places() {
        let (group, params) = (group(), params(Key::new(1)));
        let swapped = group.element(vec![vec![0, 1, 2], vec![1, 0]]).expect("an element");
        let moved = group.act(&swapped, &params).expect("a network of the group");
        assert_eq!(signatures(&params, [false; 2]), signatures(&moved, [false; 2]));
        assert_ne!(signatures(&params, [false, true]), signatures(&moved, [false, true]));
        let entries = |tensor: &Tensor| {
            let mut entries = tensor.to_f64_vec();
            entries.sort_unstable_by(f64::total_cmp);
            entries
        };
        let weight = params.get("w").expect("it is there");
        assert_eq!(entries(weight), entries(&signatures(&params, [false; 2])), "short lines lose nothing");
    }

    #[test]
    fn signatures_bound_what_neighbours_can_bring() {
        let (group, [a, b]) = (group(), [2, 3].map(|seed| params(Key::new(seed))));
        let product = |left: &Tensor, right: &Tensor, row: usize| {
            let rows = elements(left).chunks(10).zip(elements(right).chunks(10)).nth(row).expect("a row");
            rows.0.iter().zip(rows.1).map(|(left, right)| left * right).sum::<f32>()
        };
        let best = [a.clone(), b.clone()].map(|params| signatures(&params, [false; 2]));
        for blocks in [[0, 1], [1, 0]] {
            let element = group.element(vec![vec![0, 1, 2], blocks.to_vec()]).expect("an element");
            let moved = group.act(&element, &b).expect("a network of the group");
            let weight = |params: &Params| params.get("w").expect("it is there").clone();
            for row in 0..3 {
                assert!(
                    product(&weight(&a), &weight(&moved), row) <= product(&best[0], &best[1], row) + 1e-5
                );
            }
        }
    }

    #[test]
    fn long_lines_are_averaged_and_keep_their_size() {
        let lines: Vec<Entries> = (0..6).map(|x| [x as f32; LANES]).collect();
        let root = 2f32.sqrt();
        let expected = [3.0 * 1.0 / root, 3.0 * 5.0 / root, 3.0 * 9.0 / root];
        assert_eq!(average(&lines, 3.0, 3), expected.map(|mean| [mean; LANES]));
    }
}
