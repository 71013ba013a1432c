//! Heads of attention: which is which, and by which matrices.
//!
//! A head is known by its circuits, `Qᵀ K` and `O V`, whose inner products are sums over products of small blocks: no matrix inside of the head
//! changes them. With rotary positions `Qᵀ K` is that at equal positions.

use faer::Mat;
use models::Decoder;
use tensor::{Tensor, parallel};

use super::{
    layer::{Layer, Projection},
    products::{Products, elements, elements_mut},
};
use crate::{
    LinearGroup, SymmetryError,
    assignment::{self, Assignment},
    matching::circuit::{self, Moments, dual},
};

/// How heads are built, and what may mix their features.
#[derive(Clone, Debug)]
pub(super) struct Heads {
    /// Groups of queries that share a key.
    pub(super) groups: usize,
    /// Queries of a group.
    pub(super) queries: usize,
    /// Features of a head.
    pub(super) depth: usize,
    /// The matrices that queries and keys can be mixed by: those that commute with rotary positions.
    pub(super) keys: LinearGroup,
}

/// What becomes of the heads of a layer.
#[derive(Clone, Debug)]
pub(super) struct HeadMove {
    /// For each place the group of B that goes there.
    pub(super) groups: Vec<usize>,
    /// For each place of a query, counted over all groups, the query of B that goes there.
    pub(super) queries: Vec<usize>,
    /// By place of a group: what keys are multiplied by, and queries by its transposed inverse.
    pub(super) keys: Vec<Mat<f64>>,
    /// The same of values and outputs.
    pub(super) values: Vec<Mat<f64>>,
}

/// The inner products of all features of the heads of one network with those of another.
struct Blocks {
    q: Tensor,
    k: Tensor,
    v: Tensor,
    o: Tensor,
}

impl Heads {
    pub(super) fn new(decoder: &Decoder, keys: LinearGroup) -> Self {
        let (groups, depth) = (decoder.key_heads(), decoder.depth());
        Self { groups, queries: decoder.heads() / groups, depth, keys }
    }

    fn count(&self) -> usize {
        self.groups * self.queries
    }

    /// The best exchange of heads, and for each the best matrices; B's residual stream is that of A.
    pub(super) fn best(
        &self,
        products: &mut Products<'_>,
        a: &Layer,
        b: &Layer,
        name: &str,
    ) -> Result<HeadMove, SymmetryError> {
        let blocks = Blocks::new(products, a, b)?;
        let gains = self.gains(&blocks);
        drop(blocks);
        let fault = |source| SymmetryError::Assignment { generator: name.to_owned(), source };
        let inside = self.inside(&gains).map_err(fault)?;
        let values: Vec<f32> = inside.iter().map(|best| best.objective as f32).collect();
        let outer = assignment::maximise(&values, self.groups, None).map_err(fault)?;
        let groups: Vec<usize> = outer.row_to_col.iter().map(|&from| from as usize).collect();
        let query = |place: usize| {
            let (group, own) = (place / self.queries, place % self.queries);
            let from = groups[group];
            from * self.queries + inside[group * self.groups + from].row_to_col[own] as usize
        };
        let queries: Vec<usize> = (0..self.count()).map(query).collect();
        let mixed = parallel::map(2 * self.groups, |task| {
            let (side, group) = (task / self.groups, task % self.groups);
            let (moments, linear) = match side {
                0 => (self.key_moments(a, b, group, &groups, &queries), &self.keys),
                _ => (self.value_moments(a, b, group, &groups, &queries), &LinearGroup::General),
            };
            moments.best(linear)
        });
        let undone = || SymmetryError::Decomposition { generator: name.to_owned() };
        let mut mixed = mixed.into_iter().collect::<Option<Vec<_>>>().ok_or_else(undone)?;
        let values = mixed.split_off(self.groups);
        Ok(HeadMove { groups, queries, keys: mixed, values })
    }

    /// The inner products of the circuits of each query of A with each of B.
    fn gains(&self, blocks: &Blocks) -> Vec<f32> {
        let (count, depth) = (self.count(), self.depth);
        let (wide, narrow) = (count * depth, self.groups * depth);
        let all = [&blocks.q, &blocks.k, &blocks.o, &blocks.v].map(elements);
        let rows = parallel::map(count, |row| {
            let gain = |column: usize| {
                let mut sum = 0.0f64;
                for feature in 0..depth {
                    let outer = (row * depth + feature) * wide + column * depth;
                    let inner =
                        (row / self.queries * depth + feature) * narrow + column / self.queries * depth;
                    for pair in [[all[0], all[1]], [all[2], all[3]]] {
                        let entries =
                            pair[0][outer..outer + depth].iter().zip(&pair[1][inner..inner + depth]);
                        sum += entries.map(|(&one, &other)| f64::from(one) * f64::from(other)).sum::<f64>();
                    }
                }
                sum as f32
            };
            (0..count).map(gain).collect::<Vec<f32>>()
        });
        rows.concat()
    }

    /// For each group of A and each of B the best assignment of queries.
    fn inside(&self, gains: &[f32]) -> Result<Vec<Assignment>, assignment::AssignmentError> {
        let (count, queries) = (self.count(), self.queries);
        let one = |pair: usize| {
            let (row, column) = (pair / self.groups * queries, pair % self.groups * queries);
            let block: Vec<f32> = (0..queries)
                .flat_map(|own| &gains[(row + own) * count + column..][..queries])
                .copied()
                .collect();
            assignment::maximise(&block, queries, None)
        };
        (0..self.groups * self.groups).map(one).collect()
    }

    fn key_moments(
        &self,
        a: &Layer,
        b: &Layer,
        group: usize,
        groups: &[usize],
        queries: &[usize],
    ) -> Moments {
        let [own, from] = [a.projections(), b.projections()];
        let vectors = products(&self.rows(own[1], group), &self.rows(from[1], groups[group]));
        let places = group * self.queries..(group + 1) * self.queries;
        let covectors =
            places.map(|place| products(&self.rows(own[0], place), &self.rows(from[0], queries[place])));
        Moments { vectors, covectors: summed(covectors, self.depth) }
    }

    fn value_moments(
        &self,
        a: &Layer,
        b: &Layer,
        group: usize,
        groups: &[usize],
        queries: &[usize],
    ) -> Moments {
        let [own, from] = [a, b].map(|layer| layer.projections()[2]);
        let vectors = products(&self.rows(own, group), &self.rows(from, groups[group]));
        let places = group * self.queries..(group + 1) * self.queries;
        let covectors =
            places.map(|place| products(&self.columns(&a.o, place), &self.columns(&b.o, queries[place])));
        Moments { vectors, covectors: summed(covectors, self.depth) }
    }

    /// The rows of a head, with its bias as a last column.
    fn rows(&self, (matrix, bias): Projection<'_>, head: usize) -> Mat<f64> {
        let (values, width) = (elements(matrix), matrix.shape()[1]);
        let bias = bias.map(|bias| &bias[head * self.depth..][..self.depth]);
        Mat::from_fn(self.depth, width + usize::from(bias.is_some()), |row, column| match bias {
            Some(bias) if column == width => f64::from(bias[row]),
            _ => f64::from(values[(head * self.depth + row) * width + column]),
        })
    }

    /// The columns of a head, as rows.
    fn columns(&self, matrix: &Tensor, head: usize) -> Mat<f64> {
        let (values, columns) = (elements(matrix), matrix.shape()[1]);
        Mat::from_fn(self.depth, matrix.shape()[0], |row, column| {
            f64::from(values[column * columns + head * self.depth + row])
        })
    }
}

impl Blocks {
    fn new(products: &mut Products<'_>, a: &Layer, b: &Layer) -> Result<Self, SymmetryError> {
        let mut q = products.of(&a.q, &b.q, [1, 1])?;
        let mut k = products.of(&a.k, &b.k, [1, 1])?;
        let mut v = products.of(&a.v, &b.v, [1, 1])?;
        let o = products.of(&a.o, &b.o, [0, 0])?;
        if let (Some(one), Some(other)) = (&a.biases, &b.biases) {
            for (side, product) in [&mut q, &mut k, &mut v].into_iter().enumerate() {
                let columns = other[side].len();
                let rows = elements_mut(product).chunks_exact_mut(columns).zip(&one[side]);
                rows.for_each(|(row, &bias)| {
                    row.iter_mut().zip(&other[side]).for_each(|(entry, &own)| *entry += bias * own);
                });
            }
        }
        Ok(Self { q, k, v, o })
    }
}

/// The inner products of the rows of two matrices.
fn products(a: &Mat<f64>, b: &Mat<f64>) -> circuit::Products {
    circuit::Products { own: a * a.transpose(), cross: a * b.transpose(), other: b * b.transpose() }
}

fn summed(all: impl Iterator<Item = circuit::Products>, size: usize) -> circuit::Products {
    let none = || Mat::zeros(size, size);
    let start = circuit::Products { own: none(), cross: none(), other: none() };
    all.fold(start, |sum, own| circuit::Products {
        own: sum.own + own.own,
        cross: sum.cross + own.cross,
        other: sum.other + own.other,
    })
}

impl HeadMove {
    /// The place of each query's group.
    fn group(&self, query: usize) -> usize {
        query / (self.queries.len() / self.groups.len())
    }

    fn query_matrices(&self) -> Vec<Mat<f64>> {
        let duals: Vec<Mat<f64>> = self.keys.iter().map(dual).collect();
        (0..self.queries.len()).map(|query| duals[self.group(query)].clone()).collect()
    }

    /// Queries, `[heads · depth, …]`.
    pub(super) fn moved_queries(&self, matrix: &Tensor) -> Tensor {
        rows_moved(matrix, &self.queries, &self.query_matrices())
    }

    /// Keys, `[groups · depth, …]`.
    pub(super) fn moved_keys(&self, matrix: &Tensor) -> Tensor {
        rows_moved(matrix, &self.groups, &self.keys)
    }

    /// Values, `[groups · depth, …]`.
    pub(super) fn moved_values(&self, matrix: &Tensor) -> Tensor {
        rows_moved(matrix, &self.groups, &self.values)
    }

    /// Outputs, `[…, heads · depth]`.
    pub(super) fn moved_outputs(&self, matrix: &Tensor) -> Tensor {
        let duals: Vec<Mat<f64>> = self.values.iter().map(dual).collect();
        let matrices: Vec<Vec<f32>> = duals.iter().map(row_major).collect();
        let (values, columns) = (elements(matrix), matrix.shape()[1]);
        let depth = columns / self.queries.len();
        let mut moved = matrix.clone();
        parallel::for_each_chunk(elements_mut(&mut moved), columns, |start, row: &mut [f32]| {
            let line = &values[start..start + columns];
            for (place, out) in row.chunks_exact_mut(depth).enumerate() {
                let from = &line[self.queries[place] * depth..][..depth];
                let rows = matrices[self.group(place)].chunks_exact(depth);
                out.iter_mut().zip(rows).for_each(|(out, row)| {
                    *out = row.iter().zip(from).map(|(entry, value)| entry * value).sum();
                });
            }
        });
        moved
    }
}

/// A bias as what moves the rows of its matrix moves it.
pub(super) fn moved_bias(bias: &[f32], moved: impl Fn(&Tensor) -> Tensor) -> Vec<f32> {
    elements(&moved(&Tensor::from_fn([bias.len(), 1], |at| bias[at]))).to_vec()
}

/// Blocks of rows in their places, each multiplied by a matrix.
fn rows_moved(matrix: &Tensor, from: &[usize], by: &[Mat<f64>]) -> Tensor {
    let (values, columns) = (elements(matrix), matrix.shape()[1]);
    let depth = matrix.shape()[0] / from.len();
    let matrices: Vec<Vec<f32>> = by.iter().map(row_major).collect();
    let mut moved = Tensor::zeros(matrix.dtype(), matrix.shape().clone());
    parallel::for_each_chunk(elements_mut(&mut moved), columns, |start, row: &mut [f32]| {
        let (place, own) = (start / columns / depth, start / columns % depth);
        let block = values[from[place] * depth * columns..][..depth * columns].chunks_exact(columns);
        for (line, &factor) in block.zip(&matrices[place][own * depth..][..depth]) {
            row.iter_mut().zip(line).for_each(|(out, &entry)| *out += factor * entry);
        }
    });
    moved
}

fn row_major(matrix: &Mat<f64>) -> Vec<f32> {
    let columns = matrix.ncols();
    (0..matrix.nrows() * columns).map(|at| matrix[(at / columns, at % columns)] as f32).collect()
}
