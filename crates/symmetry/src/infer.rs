//! Deriving the symmetries of a network from its graph: permutations, scales, signs and matrices.
//!
//! # Index classes
//! Every index of every axis of every value that an output depends on is an element of a union-find. The axis map of
//! each application ([`graph::AxisMap`]) unites the indices that it ties and fixes those that it fixes. The axes of
//! outputs are fixed, because outputs are observed, and so are the axes of [`Role::Data`] inputs: examples and features
//! have an order of their own. The axes of a new state, an output with a state's name, move with the old state. No
//! architecture is known by name anywhere.
//!
//! # Which classes are interchangeable
//! Two free classes are put into one generator if they have the same *signature*: the same number of members on every
//! axis of every value, not of parameters only, and ties in the same places. The places are the positions of the two
//! tied members among the members of their class on either axis, for each tie of each application. Numbers of
//! members on parameter axes alone would not do: of two indices of a parameter axis one may be cut off by a slice that
//! keeps the other, and two blocks may be tied position by position in different orders.
//!
//! # Why this is sound
//! Let a permutation of the classes of one signature send the `k`-th member of a class on each axis to the `k`-th
//! member of its image on that axis. Because the numbers of members agree, this permutes the indices of each axis;
//! because the ties agree, each tied pair goes to a pair of the same tie; and fixed indices stay, because their
//! classes are left alone. That is what an axis map asks for, so by induction over the applications every value becomes
//! itself with its axes so permuted. The axes of outputs do not move: the outputs are equal for all parameters and all
//! data. The argument rests on the axis maps being true, which [`crate::certify()`] tests in numbers.
//!
//! # Scales and signs
//! Every value may have a factor for each index of each axis and one for itself. A primitive says how the factors of its
//! result follow from those of its operands: a product has their product, a sum asks them to be equal, a ReLU passes on
//! positive ones, a sum of products asks the factors along the summed axis to cancel, and an exponential allows none. These are
//! linear equations between exponents, over the rationals for positive factors and modulo 2 for signs; data and outputs
//! have no factors, and a new state has that of the old one. What solves all equations is a symmetry, by the same induction.
//!
//! Classes of one signature have like equations, so their permutations act on the solutions, which split into those of each
//! class alone and those of all alike. One system for each signature, of its first class with everything else at rest, gives
//! the former, a family of the generator; one in which classes of a signature are one gives the latter, generators of a
//! single slot. Both are solved twice: as they are, and with the epsilons of normalisations taken to be zero; what
//! is found only then is marked approximate.
//!
//! # Inside of blocks
//! Heads of attention and groups of convolutions move as blocks, and what is inside of each may move in a way of its own. Runs of
//! indices along axes cannot say that, so axis maps fix what is inside and say that they do ([`graph::AxisMap::inner`]). Where
//! something could be free there, the graph is cut into its blocks ([`transform::cut`]), in which each block is an axis of
//! its own, and looked at again: the blocks that could be exchanged before become generators with others inside of them,
//! one copy for each block. This goes on until nothing is left to look into.
//!
//! # Matrices
//! Like classes that pass linear maps alone can be mixed by any invertible matrix; those whose squares are summed, as in a
//! normalisation, by orthogonal ones; those from which a mean is taken by orthogonal ones that keep the vector of ones. Classes that
//! are fixed by constants which depend on positions, as rotary ones do, can be mixed by what commutes with these, which is
//! computed. [`crate::infer_folded`] finds what gains stand in the way of, too.
//!
//! # What is not found
//! Translations, which [`crate::translations()`] finds; symmetries that exchange whole parameters (two parallel branches of one form), those that mix units of different
//! kinds or that hold for some parameters only, and relations among the entries of a constant that varies: its axes are
//! fixed, although an identity matrix would let its two axes move together. The channels that go into the groups of a
//! convolution share an axis of its kernel and are moved in all groups alike. What no output depends on, parameters or parts of them that are cut off, is
//! left alone: it can be anything, which [`crate::translations()`] says of parts.

use graph::{Graph, Role};
use transform::cut;

use crate::{
    Generator, Group, Subject,
    blocks::cuts,
    interchange::{self, Factors},
    nest::{nested, ordered},
    scaling::{Ground, Unknowns},
    view::View,
};

/// How often blocks are cut apart, and then what is inside of them. Ours: heads inside of groups of heads inside of what a layer
/// makes at once are three.
const LEVELS: usize = 4;

/// The group of permutations, scales, signs and matrices along parameter and state axes that leave all outputs of `graph` unchanged, for
/// all parameters and all data; the [module](mod@crate::infer) says what is not found.
///
/// `graph` is a forward graph: every output is taken to be observed, but for new states, which have the names of the old
/// ones. [`crate::graphs`] makes those of a model. How many examples a graph takes at a time does not matter, as long as
/// normalisations over them do not become trivial.
///
/// # Panics
/// Where all axes of the graph's values together have 2^32 indices or more.
#[must_use]
pub fn infer(graph: &Graph) -> Group {
    let (mut levels, mut inside) = (Vec::new(), None);
    for _ in 0..LEVELS {
        let view = View::new(inside.as_ref().unwrap_or(graph));
        let cuts = cuts(&view);
        if cuts.is_empty() {
            break;
        }
        levels.push(interchange::exchanges(&view, &cuts));
        inside = Some(cut(view.lines.graph, &cuts));
    }
    levels.push(everything(&View::new(inside.as_ref().unwrap_or(graph))));
    let subjects = subjects(graph);
    let place = |name: &str| subjects.iter().position(|subject| subject.name == name).unwrap_or(usize::MAX);
    let generators = ordered(&nested(levels), place);
    Group::trusted(subjects, generators)
}

/// The parameters and states of a graph.
pub(crate) fn subjects(graph: &Graph) -> Vec<Subject> {
    let inputs = graph.inputs().iter().filter(|input| input.role != Role::Data);
    let subject = |input: &graph::Input| Subject {
        name: input.name.clone(),
        shape: graph.ty(input.val).shape.clone(),
        role: input.role,
    };
    inputs.map(subject).collect()
}

/// All that can be done with the sets of like classes of a graph.
fn everything(view: &View<'_>) -> Vec<Generator> {
    let View { lines, orbits, facts, read } = view;
    let unknowns = Unknowns::new(lines, orbits, facts);
    let ground = Ground { lines, orbits, facts, unknowns: &unknowns, read };
    let (scales, signs) = ground.solve();
    interchange::generators(view, &Factors { unknowns: &unknowns, scales, signs })
}
