//! Random elements for decoders of any size, to make something that is to be found.

use faer::Mat;
use models::Decoder;
use tensor::Key;

use super::{
    LAST_NORM, LayerMove, Layered, Network, Optimality, commutant, feed_forward::Units, heads::HeadMove,
    layer::Norms,
};
use crate::{Folding, LinearGroup, Matrix, SymmetryError};

/// The standard deviation of the logarithms of random scales and singular values. Ours: matrices mix by factors of two or so, and nothing is lost in BF16.
const SPREAD: f64 = 0.3;

impl Layered {
    /// A random element of the whole group of a decoder, for the network that `source` reads: a rotation, exchanges of heads and units, matrices, signs
    /// and scales, and gains that are drawn anew. `folding` is that of [`Decoder::small`].
    ///
    /// # Errors
    /// Where a tensor of `source` cannot be read, or is not finite.
    pub fn random(
        decoder: &Decoder,
        folding: &Folding,
        source: Network<'_>,
        key: Key,
    ) -> Result<Self, SymmetryError> {
        let keys = commutant(folding, decoder.depth())?;
        let width = decoder.width();
        let gains = |key: Key| -> Vec<f32> {
            (0..width).map(|at| (SPREAD * key.normal(at as u64)).exp() as f32).collect()
        };
        let (mut layers, mut norms) = (Vec::new(), Vec::new());
        for layer in 0..decoder.layers() {
            let own = key.child("layer").fold(layer as u64);
            let (_, of_source) = source.layer(decoder, layer)?;
            let scale = |at: usize| (SPREAD * own.child("scales").normal(at as u64)).exp() as f32;
            let scales =
                of_source.scales.iter().enumerate().map(|(at, scale_of)| scale_of * scale(at)).collect();
            let target = Norms { gains: ["first", "second"].map(|name| gains(own.child(name))), scales };
            norms.push([target, of_source]);
            layers.push(LayerMove { heads: heads(decoder, &keys, own), units: units(decoder.hidden(), own) });
        }
        Ok(Self {
            decoder: decoder.clone(),
            rotation: Matrix::random(&LinearGroup::Orthogonal, width, SPREAD, key.child("rotation")).dense(),
            layers,
            norms,
            last: [gains(key.child("last")), source.gain(LAST_NORM)?],
            distances: vec![f64::NAN],
            converged: false,
            gap: 0.0,
            rotation_optimality: Optimality::Polar { asymmetry: f64::NAN, least_eigenvalue: f64::NAN },
            moved: [0; 2],
        })
    }
}

fn units(hidden: usize, key: Key) -> Units {
    let from = key.child("units").permutation(hidden).into_iter().map(|from| from as u32).collect();
    let sign = |at: usize| if key.child("signs").bits(at as u64).is_multiple_of(2) { 1.0 } else { -1.0 };
    Units { from, signs: (0..hidden).map(sign).collect() }
}

fn heads(decoder: &Decoder, keys: &LinearGroup, key: Key) -> HeadMove {
    let (count, depth) = (decoder.key_heads(), decoder.depth());
    let each = decoder.heads() / count;
    let groups: Vec<usize> = key.child("groups").permutation(count);
    let mut queries = Vec::new();
    for (place, &from) in groups.iter().enumerate() {
        let inside = key.child("queries").fold(place as u64).permutation(each);
        queries.extend(inside.into_iter().map(|own| from * each + own));
    }
    let draw = |group: &LinearGroup, name: &str| -> Vec<Mat<f64>> {
        let own = key.child(name);
        (0..count).map(|place| Matrix::random(group, depth, SPREAD, own.fold(place as u64)).dense()).collect()
    };
    HeadMove { groups, queries, keys: draw(keys, "keys"), values: draw(&LinearGroup::General, "values") }
}
