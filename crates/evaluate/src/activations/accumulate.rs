//! Moments, merged chunk by chunk.

use tensor::{Tensor, parallel};

use super::graphs::RESULTS;

/// Between which units of two networks products are summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Between {
    /// Each of the first with each of the second.
    #[default]
    All,
    /// Each of the first with that of the same number of the second, of which there must be as many.
    Same,
}

/// First and second moments between the units of two networks.
///
/// Sums of squares and products are kept about the means and merged by the formulas of Chan, Golub and LeVeque
/// (*Updating formulae and a pairwise algorithm for computing sample variances*, 1979), so that a large mean costs no
/// digits of a small variance. Of units that are vectors, products are inner products over their indices.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    samples: f64,
    block: usize,
    /// Of each network by unit and rank in its block.
    means: [Vec<f64>; 2],
    /// Of each network by unit, about the means.
    squares: [Vec<f64>; 2],
    between: Between,
    /// By unit of the first network and unit of the second, or by the unit of both, about the means.
    cross: Vec<f64>,
}

/// A unit whose standard deviation is below this share of its root mean square is dead: the machine epsilon of `f32`, in which
/// activations are computed.
const DEAD: f64 = f32::EPSILON as f64;

/// Rows of a matrix that one parallel task makes. Ours.
const ROWS: usize = 16;

impl Between {
    /// The units of an entry, where the second network has so many.
    const fn pair(self, at: usize, units: usize) -> (usize, usize) {
        match self {
            Self::All => (at / units, at % units),
            Self::Same => (at, at),
        }
    }
}

impl Moments {
    /// What a chunk gave, as [`super::graphs::moments`] lists it.
    fn of_chunk(results: &[Tensor]) -> Self {
        let values = |position: usize| results[position].to_f64_vec();
        Self {
            samples: values(0)[0],
            block: results[1].shape()[1],
            means: [values(1), values(2)],
            squares: [values(3), values(4)],
            between: if results[5].shape().rank() == 1 { Between::Same } else { Between::All },
            cross: values(5),
        }
    }

    /// The moments of further samples besides.
    ///
    /// # Panics
    /// Where the units are not as many.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!((self.units(), self.block), (other.units(), other.block), "moments of the same units");
        let samples = self.samples + other.samples;
        let weight = self.samples * other.samples / samples;
        let differences = [0, 1].map(|side| {
            let pairs = self.means[side].iter().zip(&other.means[side]);
            pairs.map(|(own, other)| other - own).collect::<Vec<f64>>()
        });
        let [a, b] = differences.each_ref().map(|differences| differences.chunks(self.block));
        for (side, differences) in [a, b.clone()].into_iter().enumerate() {
            let squares = self.squares[side].iter_mut().zip(&other.squares[side]);
            for ((own, other), difference) in squares.zip(differences) {
                *own += other + weight * dot(difference, difference);
            }
        }
        let (columns, block, between) = (self.squares[1].len(), self.block, self.between);
        parallel::for_each_chunk(&mut self.cross, ROWS * columns.max(1), |start, cross| {
            for (at, own) in cross.iter_mut().enumerate() {
                let (row, column) = between.pair(start + at, columns);
                let [a, b] = [&differences[0][row * block..], &differences[1][column * block..]];
                *own += other.cross[start + at] + weight * dot(&a[..block], &b[..block]);
            }
        });
        for (means, differences) in self.means.iter_mut().zip(&differences) {
            let shift = other.samples / samples;
            means.iter_mut().zip(differences).for_each(|(mean, difference)| *mean += shift * difference);
        }
        self.samples = samples;
    }

    /// The number of units of each network.
    #[must_use]
    pub fn units(&self) -> [usize; 2] {
        self.squares.each_ref().map(Vec::len)
    }

    /// The number of samples of each unit.
    #[must_use]
    pub const fn samples(&self) -> f64 {
        self.samples
    }

    /// The means of a network's units, 0 or 1; of units that are vectors of all their indices, unit by unit.
    ///
    /// # Panics
    /// Where `network` is above 1; so also below.
    #[must_use]
    pub fn means(&self, network: usize) -> &[f64] {
        &self.means[network]
    }

    /// The variances of a network's units: means of squares about the mean, divided by the number of samples.
    ///
    /// # Panics
    /// As [`Moments::means`].
    #[must_use]
    pub fn variances(&self, network: usize) -> Vec<f64> {
        self.squares[network].iter().map(|square| square / self.samples).collect()
    }

    /// For each unit of a network, whether it is dead: constant over all samples up to the rounding of `f32`.
    ///
    /// # Panics
    /// As [`Moments::means`].
    #[must_use]
    pub fn dead(&self, network: usize) -> Vec<bool> {
        let means = self.means[network].chunks(self.block);
        let units = self.squares[network].iter().zip(means);
        units.map(|(square, mean)| *square <= DEAD.powi(2) * self.samples * dot(mean, mean)).collect()
    }

    /// Pearson's correlation of each unit of the first network with each of the second, row-major, or with that of the same
    /// number ([`Between`]): 0 where one of them is dead. Of units that are vectors, the inner products of the centred vectors over the root of those with themselves.
    #[must_use]
    pub fn correlation(&self) -> Vec<f64> {
        let [a, b] = [0, 1].map(|network| {
            let units = self.squares[network].iter().zip(self.dead(network));
            units.map(|(square, dead)| if dead { 0.0 } else { square.sqrt().recip() }).collect::<Vec<f64>>()
        });
        self.by_pair(|row, column, cross| cross * a[row] * b[column])
    }

    /// The mean product `E[a·b]` of the same pairs.
    #[must_use]
    pub fn uncentred(&self) -> Vec<f64> {
        let mean = |network: usize, unit: usize| &self.means[network][unit * self.block..][..self.block];
        self.by_pair(|row, column, cross| cross / self.samples + dot(mean(0, row), mean(1, column)))
    }

    /// The covariance of the same pairs: the mean product about the means.
    #[must_use]
    pub fn covariance(&self) -> Vec<f64> {
        self.by_pair(|_, _, cross| cross / self.samples)
    }

    fn by_pair(&self, entry: impl Fn(usize, usize, f64) -> f64 + Sync + Send) -> Vec<f64> {
        let (mut matrix, columns) = (self.cross.clone(), self.squares[1].len());
        parallel::for_each_chunk(&mut matrix, ROWS * columns.max(1), |start, rows| {
            for (at, own) in rows.iter_mut().enumerate() {
                let (row, column) = self.between.pair(start + at, columns);
                *own = entry(row, column, *own);
            }
        });
        matrix
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Merges what a chunk gave into the moments so far; at the first there are none.
pub(super) fn add(sums: &mut Vec<Moments>, results: &[Tensor]) {
    let chunk: Vec<Moments> = results.chunks(RESULTS).map(Moments::of_chunk).collect();
    if sums.is_empty() {
        *sums = chunk;
    } else {
        sums.iter_mut().zip(&chunk).for_each(|(sum, chunk)| sum.merge(chunk));
    }
}
