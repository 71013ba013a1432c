//! A layer with its gains folded and its gated units balanced.

use models::{Decoder, weights::WeightsError};
use tensor::{Tensor, parallel};

use super::products::{elements, elements_mut};
use crate::SymmetryError;

/// Where tensors come from: a file of weights, by the names of the network, as `f32`.
pub type Source<'a> = dyn Fn(&str) -> Result<Tensor, WeightsError> + 'a;

/// A network under reading, and what messages call it.
#[derive(Clone, Copy)]
pub struct Network<'a> {
    /// `A` or `B`.
    pub name: &'static str,
    /// Its tensors.
    pub source: &'a Source<'a>,
}

/// Elements summed or changed by one parallel task; ours.
const CHUNK: usize = 1 << 16;

/// What folding and balancing took off a layer.
#[derive(Clone, Debug)]
pub(super) struct Norms {
    /// The gains in front of attention and of the gated layer.
    pub(super) gains: [Vec<f32>; 2],
    /// What the upward rows of units were multiplied by, and their downward columns divided.
    pub(super) scales: Vec<f32>,
}

/// The matrices of a layer, each `[out, in]`.
pub(super) struct Layer {
    pub(super) q: Tensor,
    pub(super) k: Tensor,
    pub(super) v: Tensor,
    pub(super) o: Tensor,
    pub(super) gate: Tensor,
    pub(super) up: Tensor,
    pub(super) down: Tensor,
    /// Biases of queries, keys and values.
    pub(super) biases: Option<[Vec<f32>; 3]>,
}

/// A matrix that reads the residual stream for attention, and its bias.
pub(super) type Projection<'a> = (&'a Tensor, Option<&'a [f32]>);

impl Network<'_> {
    /// A tensor, once it is known to be finite.
    pub(super) fn read(&self, name: &str) -> Result<Tensor, SymmetryError> {
        let tensor = (self.source)(name)?;
        match tensor.first_non_finite() {
            None => Ok(tensor),
            Some(position) => {
                let (network, name) = (self.name.to_owned(), name.to_owned());
                Err(SymmetryError::NonFinite { network, name, position })
            }
        }
    }

    /// A gain that can be folded.
    pub(super) fn gain(&self, name: &str) -> Result<Vec<f32>, SymmetryError> {
        let values = elements(&self.read(name)?).to_vec();
        match values.iter().position(|value| *value == 0.0) {
            Some(position) => Err(SymmetryError::Gain { name: name.to_owned(), position, found: 0.0 }),
            None => Ok(values),
        }
    }

    /// A layer, folded and balanced.
    pub(super) fn layer(&self, decoder: &Decoder, layer: usize) -> Result<(Layer, Norms), SymmetryError> {
        let name = |part: &str| Decoder::name(layer, part);
        let read = |part: &str| self.read(&name(part));
        let gains = [
            self.gain(&name("input_layernorm.weight"))?,
            self.gain(&name("post_attention_layernorm.weight"))?,
        ];
        let projection = |part: &str, gain: &[f32]| -> Result<Tensor, SymmetryError> {
            let mut tensor = read(part)?;
            times_columns(&mut tensor, gain, |entry, gain| entry * gain);
            Ok(tensor)
        };
        let bias = |part: &str| -> Result<Vec<f32>, SymmetryError> { Ok(elements(&read(part)?).to_vec()) };
        let biases = match decoder.has_bias() {
            true => Some([
                bias("self_attn.q_proj.bias")?,
                bias("self_attn.k_proj.bias")?,
                bias("self_attn.v_proj.bias")?,
            ]),
            false => None,
        };
        let mut own = Layer {
            q: projection("self_attn.q_proj.weight", &gains[0])?,
            k: projection("self_attn.k_proj.weight", &gains[0])?,
            v: projection("self_attn.v_proj.weight", &gains[0])?,
            o: read("self_attn.o_proj.weight")?,
            gate: projection("mlp.gate_proj.weight", &gains[1])?,
            up: projection("mlp.up_proj.weight", &gains[1])?,
            down: read("mlp.down_proj.weight")?,
            biases,
        };
        let scales = own.balancing();
        times_rows(&mut own.up, &scales, |entry, scale| entry * scale);
        times_columns(&mut own.down, &scales, |entry, scale| entry / scale);
        Ok((own, Norms { gains, scales }))
    }
}

impl Layer {
    /// Each matrix, with the axis of the residual stream.
    pub(super) fn matrices(&self) -> [(&Tensor, usize); 7] {
        [
            (&self.q, 1),
            (&self.k, 1),
            (&self.v, 1),
            (&self.o, 0),
            (&self.gate, 1),
            (&self.up, 1),
            (&self.down, 0),
        ]
    }

    /// Those of queries, keys and values.
    pub(super) fn projections(&self) -> [Projection<'_>; 3] {
        let bias = |side: usize| self.biases.as_ref().map(|biases| &biases[side][..]);
        [(&self.q, bias(0)), (&self.k, bias(1)), (&self.v, bias(2))]
    }

    /// The sum of all squares.
    pub(super) fn squares(&self) -> f64 {
        self.inner(self)
    }

    /// The inner product with another layer.
    pub(super) fn inner(&self, other: &Self) -> f64 {
        let matrices = self.matrices().into_iter().zip(other.matrices());
        let of_matrices: f64 =
            matrices.map(|((one, _), (other, _))| inner(elements(one), elements(other))).sum();
        of_matrices + self.inner_biases(other)
    }

    /// The inner product of the biases.
    pub(super) fn inner_biases(&self, other: &Self) -> f64 {
        match (&self.biases, &other.biases) {
            (Some(one), Some(other)) => one.iter().zip(other).map(|(one, other)| inner(one, other)).sum(),
            _ => 0.0,
        }
    }

    /// Scales of units with which rows upward and columns downward are equally long.
    fn balancing(&self) -> Vec<f32> {
        let (hidden, width) = (self.up.shape()[0], self.up.shape()[1]);
        let (up, down) = (elements(&self.up), elements(&self.down));
        let row = |unit: usize| inner(&up[unit * width..][..width], &up[unit * width..][..width]);
        let rows = parallel::map(hidden, row);
        let mut columns = vec![0.0f64; hidden];
        for line in down.chunks_exact(hidden) {
            columns
                .iter_mut()
                .zip(line)
                .for_each(|(sum, &entry)| *sum += f64::from(entry) * f64::from(entry));
        }
        let scale = |(row, column): (&f64, &f64)| {
            if *row > 0.0 && *column > 0.0 { (column / row).powf(0.25) as f32 } else { 1.0 }
        };
        rows.iter().zip(&columns).map(scale).collect()
    }
}

/// The inner product of two lists of numbers, in `f64`.
pub(super) fn inner(one: &[f32], other: &[f32]) -> f64 {
    parallel::sum(one.len(), CHUNK, |at| f64::from(one[at]) * f64::from(other[at]))
}

/// Changes each entry by the number of its column.
pub(super) fn times_columns(matrix: &mut Tensor, numbers: &[f32], change: impl Fn(f32, f32) -> f32 + Sync) {
    let columns = numbers.len();
    parallel::for_each_chunk(elements_mut(matrix), columns, |_, row: &mut [f32]| {
        row.iter_mut().zip(numbers).for_each(|(entry, &number)| *entry = change(*entry, number));
    });
}

/// Changes each entry by the number of its row.
pub(super) fn times_rows(matrix: &mut Tensor, numbers: &[f32], change: impl Fn(f32, f32) -> f32 + Sync) {
    let columns = matrix.shape()[1];
    parallel::for_each_chunk(elements_mut(matrix), columns, |start, row: &mut [f32]| {
        let number = numbers[start / columns];
        row.iter_mut().for_each(|entry| *entry = change(*entry, number));
    });
}
