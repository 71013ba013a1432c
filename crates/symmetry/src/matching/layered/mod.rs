//! Matching decoders of any size modulo their whole group, layer by layer.
//!
//! It is [`super::circuit`] for networks that do not fit into memory: what is looked for is the same, a rotation of the residual stream,
//! and in each layer an exchange of heads, of queries that share a key and of gated units, with matrices of queries and keys and of values and
//! outputs. Of the two networks there are never more than a few layers each in memory. Gains are folded into what reads them; the scales of gated
//! units (their rows upward times a number, columns downward over it) are balanced in both networks, so that rows upward are as long as columns downward. What
//! comes out has the gains and scales of A.
//!
//! A round reads each layer once. With B's stream rotated by what is known so far, heads are assigned by their circuits and mixed by the best
//! matrices, and units assigned by inner products. What that makes of the layer gives its share of the inner products of the two streams, `Σ Aᵀ B` over all that reads
//! from or writes to them, and the rotation of the next round is the polar factor of their sum over all layers and both ends. The first rotation is
//! that of the ends alone, embeddings and output layer: if these span the stream, whatever was planted is found at once. Rounds end when they bring nothing.
//! Products are in `f32`, sums over layers in `f64`, small matrices and the polar factor in `f64`.
//!
//! What a layer can do with its heads and units is not taken on trust: it is inferred and certified on a small network with the same heads and
//! positions ([`models::Decoder::small`]), and each layer that was moved is run on random inputs against what it was ([`Layered::layer`]).

mod carry;
mod feed_forward;
mod heads;
mod layer;
mod planted;
mod products;

use faer::Mat;
use models::Decoder;

use super::circuit::{Optimality, nearest, optimality};
use crate::{Folding, LinearGroup, SymmetryError};
use feed_forward::Units;
use heads::{HeadMove, Heads, moved_bias};
use layer::{Layer, Norms, inner, times_columns};
pub use layer::{Network, Source};
pub use products::Products;
use products::{add, elements, single};

/// A round ends the search if it lowers the squared distance by less than this fraction of `‖A‖² + ‖B‖²`: 1e-6. Ours: a fourth of what rounding to BF16 changes.
pub const ROUND_PROGRESS: f64 = 1e-6;

/// The tensors at the two ends of the stream.
const EMBEDDING: &str = "model.embed_tokens.weight";
const HEAD: &str = "lm_head.weight";
const LAST_NORM: &str = "model.norm.weight";

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The search ends after so many rounds even if it still makes progress; at least 1.
    pub max_rounds: usize,
}

/// At most 20 rounds. Ours: what was planted takes two.
impl Default for Options {
    fn default() -> Self {
        Self { max_rounds: 20 }
    }
}

/// What becomes of a layer of B.
#[derive(Clone, Debug)]
struct LayerMove {
    heads: HeadMove,
    units: Units,
}

/// An element that was found, and how.
#[derive(Clone, Debug)]
pub struct Layered {
    decoder: Decoder,
    rotation: Mat<f64>,
    layers: Vec<LayerMove>,
    /// Of each layer, of A and of B.
    norms: Vec<[Norms; 2]>,
    /// Of the last normalisation, of A and of B.
    last: [Vec<f32>; 2],
    /// The distance of A and B as they are, with gains folded and scales balanced; of A and what B became, after each round.
    pub distances: Vec<f64>,
    /// Whether the last round made no progress; if not, `max_rounds` ended the search.
    pub converged: bool,
    /// How far the sum of an assignment of units may be from the best, at most, over all layers.
    pub gap: f64,
    /// How far the rotation is from the best.
    pub rotation_optimality: Optimality,
    /// How many units of all gated layers and how many heads of queries changed places.
    pub moved: [usize; 2],
}

/// What a round comes to.
struct Round {
    layers: Vec<LayerMove>,
    streams: Mat<f64>,
    /// The sum of the squares of what B became.
    squares: f64,
    /// The inner product of what no rotation changes.
    fixed: f64,
    gap: f64,
}

/// The two networks and what is known of them from the start.
struct Search<'a> {
    decoder: &'a Decoder,
    a: Network<'a>,
    b: Network<'a>,
    heads: Heads,
    last: [Vec<f32>; 2],
    ends: Mat<f64>,
    squares_of_ends: [f64; 2],
}

/// The matrices that commute with the positions of a decoder, from the folded and certified group of [`Decoder::small`].
///
/// # Errors
/// [`SymmetryError::Generator`] where the group is not that of a decoder.
fn commutant(folding: &Folding, depth: usize) -> Result<LinearGroup, SymmetryError> {
    let generators = folding.folded.generators();
    let rotates =
        generators.iter().any(|own| own.mixing.as_ref().is_some_and(|m| m.group == LinearGroup::Orthogonal));
    let of = |name: &str, is_general: bool| {
        generators.iter().find_map(|own| {
            let acts = own.actions.iter().any(|action| action.parameter.ends_with(name));
            let group = own.mixing.as_ref().map(|mixing| &mixing.group).filter(|_| acts)?;
            (matches!(group, LinearGroup::General) == is_general && !group.is_orthogonal()).then_some(group)
        })
    };
    match (rotates, of("v_proj.weight", true)) {
        (true, Some(_)) => {
            // What no more is known of than scales and signs: multiples of the identity commute with everything.
            let entry = (depth as f64).sqrt().recip();
            let identity = (0..depth as u32).map(|at| (at, at, entry)).collect();
            Ok(of("k_proj.weight", false).cloned().unwrap_or_else(|| LinearGroup::Units(vec![identity])))
        }
        _ => Err(SymmetryError::Generator {
            generator: "the residual stream".to_owned(),
            parameter: EMBEDDING.to_owned(),
            axis: 1,
            expected: "rotations, with matrices of keys that commute with positions and any of values",
            found: "another group".to_owned(),
        }),
    }
}

/// The element for which B, moved by it, is nearest to A; see the module's documentation. `folding` is the certified one of [`Decoder::small`]. `progress` is told
/// the round, the layers of it that are done, and the distance after the last round.
///
/// Equal inputs give equal bits, whatever the number of threads, if the executor's do.
///
/// # Errors
/// Where a tensor cannot be read, is not finite or a gain is zero, the executor refuses a product, a decomposition does not exist, or `options.max_rounds` is 0.
pub fn layered_matching(
    products: &mut Products<'_>,
    decoder: &Decoder,
    folding: &Folding,
    [a, b]: [Network<'_>; 2],
    options: &Options,
    progress: &mut dyn FnMut(usize, usize, f64),
) -> Result<Layered, SymmetryError> {
    if options.max_rounds == 0 {
        return Err(SymmetryError::Zero { what: "rounds of a matching" });
    }
    let search = Search::new(products, decoder, folding, [a, b])?;
    let mut rotation = search.polar(&search.ends)?;
    let mut norms = Vec::new();
    let (mut squares, mut at_identity) = (search.squares_of_ends, trace(&search.ends));
    let mut found: Option<(Round, Mat<f64>, f64)> = None;
    let mut distances = Vec::new();
    let mut converged = false;
    while distances.len() <= options.max_rounds && !converged {
        let number = distances.len().max(1);
        let last = distances.last().copied().unwrap_or(f64::NAN);
        let mut watch = |layer| progress(number, layer, last);
        let is_first = norms.is_empty();
        let mut first_look = |a: &Layer, b: &Layer, own: [Norms; 2]| {
            if is_first {
                squares = [squares[0] + a.squares(), squares[1] + b.squares()];
                at_identity += a.inner(b);
                norms.push(own);
            }
        };
        let round = search.round(products, &rotation, &mut first_look, &mut watch)?;
        let next = search.polar(&round.streams)?;
        let scale = squares[0] + squares[1];
        if is_first {
            distances.push((scale - 2.0 * at_identity).max(0.0).sqrt());
        }
        let inner = product(&next, &round.streams) + round.fixed;
        let distance = (squares[0] + round.squares - 2.0 * inner).max(0.0);
        let gained = found.as_ref().map(|(.., before)| before - distance);
        converged = gained.is_some_and(|gained| gained <= ROUND_PROGRESS * scale);
        if gained.is_none_or(|gained| gained > 0.0) {
            rotation = next.clone();
            found = Some((round, next, distance));
        }
        distances.push(found.as_ref().map_or(f64::NAN, |(.., distance)| distance.sqrt()));
    }
    let Some((round, rotation, _)) = found else { unreachable!("there is at least one round") };
    search.result(round, rotation, norms, distances, converged)
}

impl<'a> Search<'a> {
    fn new(
        products: &mut Products<'_>,
        decoder: &'a Decoder,
        folding: &Folding,
        [a, b]: [Network<'a>; 2],
    ) -> Result<Self, SymmetryError> {
        let heads = Heads::new(decoder, commutant(folding, decoder.depth())?);
        let last = [a.gain(LAST_NORM)?, b.gain(LAST_NORM)?];
        let width = decoder.width();
        let (mut ends, mut squares_of_ends) = (Mat::zeros(width, width), [0.0; 2]);
        for (name, gains) in [(EMBEDDING, None), (HEAD, Some(&last))] {
            let mut both = [a.read(name)?, b.read(name)?];
            for side in 0..2 {
                if let Some(gains) = gains {
                    times_columns(&mut both[side], &gains[side], |entry, gain| entry * gain);
                }
                squares_of_ends[side] += inner(elements(&both[side]), elements(&both[side]));
            }
            add(&mut ends, &products.of(&both[0], &both[1], [0, 0])?);
        }
        Ok(Self { decoder, a, b, heads, last, ends, squares_of_ends })
    }

    fn polar(&self, streams: &Mat<f64>) -> Result<Mat<f64>, SymmetryError> {
        let fault = || SymmetryError::Decomposition { generator: "the residual stream".to_owned() };
        nearest(&LinearGroup::Orthogonal, streams).ok_or_else(fault)
    }

    /// Matches every layer with B's stream rotated.
    fn round(
        &self,
        products: &mut Products<'_>,
        rotation: &Mat<f64>,
        first_look: &mut dyn FnMut(&Layer, &Layer, [Norms; 2]),
        progress: &mut dyn FnMut(usize),
    ) -> Result<Round, SymmetryError> {
        let single = single(rotation);
        let (layers, squares, streams) = (Vec::new(), self.squares_of_ends[1], self.ends.clone());
        let mut round = Round { layers, streams, squares, fixed: 0.0, gap: 0.0 };
        for layer in 0..self.decoder.layers() {
            let (a, of_a) = self.a.layer(self.decoder, layer)?;
            let (b, of_b) = self.b.layer(self.decoder, layer)?;
            first_look(&a, &b, [of_a, of_b]);
            let name = format!("layer {layer}");
            let rotated = b.rotated(products, &single)?;
            let heads = self.heads.best(products, &a, &rotated, &name)?;
            let (units, gap) = Units::best(products, &a, &rotated, &name)?;
            drop(rotated);
            let own = LayerMove { heads, units };
            let moved = own.moved(&b);
            drop(b);
            for ((ours, axis), (theirs, _)) in a.matrices().into_iter().zip(moved.matrices()) {
                let other = 1 - axis;
                add(&mut round.streams, &products.of(ours, theirs, [other, other])?);
            }
            round.squares += moved.squares();
            round.fixed += a.inner_biases(&moved);
            round.gap = round.gap.max(gap);
            round.layers.push(own);
            progress(layer + 1);
        }
        Ok(round)
    }

    fn result(
        self,
        round: Round,
        rotation: Mat<f64>,
        norms: Vec<[Norms; 2]>,
        distances: Vec<f64>,
        converged: bool,
    ) -> Result<Layered, SymmetryError> {
        let fault = || SymmetryError::Decomposition { generator: "the residual stream".to_owned() };
        let turned = &round.streams * rotation.transpose();
        let rotation_optimality = optimality(&LinearGroup::Orthogonal, &turned).ok_or_else(fault)?;
        let displaced =
            |from: &[usize]| from.iter().enumerate().filter(|(place, from)| place != *from).count();
        let units = |own: &LayerMove| own.units.from.iter().map(|&from| from as usize).collect::<Vec<_>>();
        let moved = [
            round.layers.iter().map(|own| displaced(&units(own))).sum(),
            round.layers.iter().map(|own| displaced(&own.heads.queries)).sum(),
        ];
        Ok(Layered {
            decoder: self.decoder.clone(),
            rotation,
            layers: round.layers,
            norms,
            last: self.last,
            distances,
            converged,
            gap: round.gap,
            rotation_optimality,
            moved,
        })
    }
}

impl LayerMove {
    /// A layer with heads and units in their places, its stream as it was.
    fn moved(&self, layer: &Layer) -> Layer {
        let Self { heads, units } = self;
        let biases = layer.biases.as_ref().map(|[q, k, v]| {
            [
                moved_bias(q, |own| heads.moved_queries(own)),
                moved_bias(k, |own| heads.moved_keys(own)),
                moved_bias(v, |own| heads.moved_values(own)),
            ]
        });
        Layer {
            q: heads.moved_queries(&layer.q),
            k: heads.moved_keys(&layer.k),
            v: heads.moved_values(&layer.v),
            o: heads.moved_outputs(&layer.o),
            gate: units.rows(&layer.gate, false),
            up: units.rows(&layer.up, true),
            down: units.columns(&layer.down),
            biases,
        }
    }
}

impl Layer {
    /// The layer with its stream rotated.
    fn rotated(&self, products: &mut Products<'_>, rotation: &tensor::Tensor) -> Result<Self, SymmetryError> {
        let mut rows = |matrix| products.rotated_rows(matrix, rotation);
        let (q, k, v, gate, up) =
            (rows(&self.q)?, rows(&self.k)?, rows(&self.v)?, rows(&self.gate)?, rows(&self.up)?);
        let (o, down) =
            (products.rotated_columns(&self.o, rotation)?, products.rotated_columns(&self.down, rotation)?);
        Ok(Self { q, k, v, o, gate, up, down, biases: self.biases.clone() })
    }
}

impl Layered {
    /// The number of rounds.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.distances.len() - 1
    }

    /// The rotation of B's residual stream, row by row.
    #[must_use]
    pub const fn rotation(&self) -> &Mat<f64> {
        &self.rotation
    }

    /// For each layer, the unit of B for each place of a gated unit, and the query of B for each place of a query.
    pub fn places(&self) -> impl Iterator<Item = (&[u32], &[usize])> {
        self.layers.iter().map(|own| (&own.units.from[..], &own.heads.queries[..]))
    }
}

fn trace(matrix: &Mat<f64>) -> f64 {
    (0..matrix.nrows()).map(|at| matrix[(at, at)]).sum()
}

fn product(one: &Mat<f64>, other: &Mat<f64>) -> f64 {
    one.col_iter().zip(other.col_iter()).map(|(one, other)| one.transpose() * other).sum()
}
