//! Parameters cut into pieces, along each of whose axes one generator moves everything or nothing moves.

use models::Params;
use tensor::{DType, Shape, Tensor};

use crate::{
    Group, Subject, SymmetryError,
    gather::Gather,
    matching::problem::{elements, trained},
};

/// A piece of a parameter, in every model.
pub(super) struct Piece {
    /// An axis that a generator moves holds its slots; the positions of a block are an axis of their own behind it.
    pub(super) shape: Shape,
    /// The axes that move, with the positions of their generators.
    pub(super) moved: Vec<(usize, usize)>,
    /// Of `shape` and type f32, one for each model.
    pub(super) values: Vec<Tensor>,
}

/// Indices of one axis that move together, or not at all.
#[derive(Clone)]
struct Segment {
    generator: Option<usize>,
    indices: Vec<usize>,
    block: usize,
}

/// All pieces of all trained parameters of `models`, which are of the group's architecture.
pub(super) fn pieces(group: &Group, models: &[&Params]) -> Result<Vec<Piece>, SymmetryError> {
    let mut pieces = Vec::new();
    for subject in group.subjects().iter().filter(|subject| subject.role == graph::Role::Parameter) {
        let networks = models.iter().enumerate();
        let tensors =
            networks.map(|(model, params)| trained(&(model + 1).to_string(), params, &subject.name));
        let tensors: Vec<&Tensor> = tensors.collect::<Result<_, _>>()?;
        pieces.extend(cuts(group, subject).iter().map(|segments| Piece::new(&tensors, segments)));
    }
    Ok(pieces)
}

/// Every choice of one segment for each axis.
fn cuts(group: &Group, subject: &Subject) -> Vec<Vec<Segment>> {
    let axes = (0..subject.shape.rank()).map(|axis| segments(group, subject, axis));
    axes.fold(vec![Vec::new()], |cuts, segments| {
        let with = |cut: &Vec<Segment>| {
            let cut = cut.clone();
            segments.clone().into_iter().map(move |segment| [cut.clone(), vec![segment]].concat())
        };
        cuts.iter().flat_map(with).collect()
    })
}

/// What the generators move along an axis, then what stays.
fn segments(group: &Group, subject: &Subject, axis: usize) -> Vec<Segment> {
    let here = group.actions_on(&subject.name).filter(|(_, action)| action.axis == axis);
    let mut segments: Vec<Segment> = here
        .map(|(generator, action)| Segment {
            generator: Some(generator),
            indices: action.slots.indices.clone(),
            block: action.slots.block,
        })
        .collect();
    let mut stays = vec![true; subject.shape[axis]];
    segments.iter().flat_map(|segment| &segment.indices).for_each(|&index| stays[index] = false);
    let rest: Vec<usize> = (0..stays.len()).filter(|&index| stays[index]).collect();
    if !rest.is_empty() {
        segments.push(Segment { generator: None, indices: rest, block: 1 });
    }
    segments
}

impl Piece {
    fn new(tensors: &[&Tensor], segments: &[Segment]) -> Self {
        let (mut sizes, mut moved) = (Vec::new(), Vec::new());
        for segment in segments {
            moved.extend(segment.generator.map(|generator| (sizes.len(), generator)));
            sizes.push(segment.indices.len() / segment.block);
            sizes.extend((segment.block > 1).then_some(segment.block));
        }
        let maps: Vec<Option<&[usize]>> =
            segments.iter().map(|segment| Some(segment.indices.as_slice())).collect();
        let read = |tensor: &&Tensor| {
            let mut piece = Tensor::zeros(DType::F32, sizes.clone());
            let target = piece.as_mut_slice().expect("the room was made for f32");
            Gather::new(tensor.shape(), &maps).run(elements(tensor), target);
            piece
        };
        Self { values: tensors.iter().map(read).collect(), shape: sizes.into(), moved }
    }
}
