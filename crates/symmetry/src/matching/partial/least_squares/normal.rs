//! The normal equations of one layer.

use evaluate::Moments;
use faer::{Mat, Side as Triangle, linalg::solvers::Solve};
use tensor::Shape;

/// The weight of the squared change of the weights, as a share of the mean square of what a weight reads: 1e-6. Ours: above the
/// rounding of moments of `f32` activations, and far below what data decide.
const RIDGE: f64 = 1e-6;

/// Where a layer begins.
pub(super) struct Start<'a> {
    pub(super) weight: Vec<f64>,
    pub(super) shape: &'a Shape,
    /// The axis along which units are made.
    pub(super) makes: usize,
    pub(super) bias: Option<Vec<f64>>,
}

/// The weights that were found.
pub(super) struct Found {
    pub(super) weight: Vec<f64>,
    pub(super) bias: Option<Vec<f64>>,
    pub(super) error_before: f64,
    pub(super) error: f64,
    pub(super) slope: f64,
}

/// The weights of least squares plus ridge, from the moments of what is read with itself and of what is to be made with what is read;
/// `None` where these are not finite. Beside a bias, moments are about the means, and the bias makes up for these.
pub(super) fn solve(start: &Start<'_>, moments: [&Moments; 2]) -> Option<Found> {
    let equations = Equations::new(moments, start.bias.is_some());
    let [inputs, units] = [equations.products.nrows(), equations.products.ncols()];
    let before = rearranged(start, inputs, units);
    let residual = &equations.products - &equations.gram * &before;
    let (change, slope) = equations.change(&residual)?;
    // As they will be written.
    let after = &before + &change;
    let after = Mat::from_fn(inputs, units, |row, column| f64::from(after[(row, column)] as f32));
    let missed = |weights: &Mat<f64>| equations.missed_means(weights);
    let offset: f64 =
        if start.bias.is_some() { missed(&before).iter().map(|miss| miss * miss).sum() } else { 0.0 };
    let moved = |bias: &Vec<f64>| bias.iter().zip(missed(&after)).map(|(own, miss)| own + miss).collect();
    Some(Found {
        weight: restored(start, &after),
        bias: start.bias.as_ref().map(moved),
        error_before: equations.share(equations.left(&before) + offset),
        error: equations.share(equations.left(&after)),
        slope,
    })
}

/// The moments of a layer, about the means or not.
struct Equations {
    /// Of what is read, with itself.
    gram: Mat<f64>,
    /// Of what is read, with what is to be made.
    products: Mat<f64>,
    /// The mean squares of what is to be made, added up.
    squares: f64,
    /// Its variances, added up.
    variances: f64,
    /// The means of what is read, and of what is to be made.
    means: [Vec<f64>; 2],
}

impl Equations {
    fn new([own, cross]: [&Moments; 2], is_centred: bool) -> Self {
        let entries = |moments: &Moments| if is_centred { moments.covariance() } else { moments.uncentred() };
        let ([units, inputs], gram, products) = (cross.units(), entries(own), entries(cross));
        let variances: f64 = cross.variances(0).iter().sum();
        let means: f64 = cross.means(0).iter().map(|mean| mean * mean).sum();
        Self {
            gram: Mat::from_fn(inputs, inputs, |row, column| gram[row * inputs + column]),
            products: Mat::from_fn(inputs, units, |row, column| products[column * inputs + row]),
            squares: variances + if is_centred { 0.0 } else { means },
            variances,
            means: [own.means(0).to_vec(), cross.means(0).to_vec()],
        }
    }

    /// How the weights change where they leave this residual, and the length of the gradient then, as a share of that before.
    fn change(&self, residual: &Mat<f64>) -> Option<(Mat<f64>, f64)> {
        let inputs = self.gram.nrows();
        let ridge = RIDGE * (0..inputs).map(|at| self.gram[(at, at)]).sum::<f64>() / inputs.max(1) as f64;
        if !ridge.is_finite() || !residual.norm_max().is_finite() {
            return None;
        }
        if ridge <= 0.0 {
            return Some((Mat::zeros(inputs, residual.ncols()), 0.0));
        }
        let diagonal = |row: usize, column: usize| if row == column { ridge } else { 0.0 };
        let system =
            Mat::from_fn(inputs, inputs, |row, column| self.gram[(row, column)] + diagonal(row, column));
        let change = system.llt(Triangle::Lower).ok()?.solve(residual);
        let slope = (residual - &system * &change).norm_l2() / residual.norm_l2().max(f64::MIN_POSITIVE);
        Some((change, slope))
    }

    /// What weights leave of the squares.
    fn left(&self, weights: &Mat<f64>) -> f64 {
        self.squares - 2.0 * inner(weights, &self.products) + inner(weights, &(&self.gram * weights))
    }

    /// By how much weights miss the means of what is to be made.
    fn missed_means(&self, weights: &Mat<f64>) -> Vec<f64> {
        let [read, made] = &self.means;
        let of = |(unit, mean): (usize, &f64)| {
            mean - read.iter().enumerate().map(|(at, read)| weights[(at, unit)] * read).sum::<f64>()
        };
        made.iter().enumerate().map(of).collect()
    }

    /// Squares as a share of the variance.
    fn share(&self, squares: f64) -> f64 {
        if self.variances > 0.0 { squares.max(0.0) / self.variances } else { 0.0 }
    }
}

fn inner(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    (0..a.ncols())
        .map(|column| (0..a.nrows()).map(|row| a[(row, column)] * b[(row, column)]).sum::<f64>())
        .sum()
}

/// The positions of a parameter's elements: `(unit, weight of the unit)` for each.
fn positions(start: &Start<'_>) -> impl Iterator<Item = (usize, usize)> {
    let units = start.shape[start.makes];
    let inner: usize = start.shape[start.makes + 1..].iter().product();
    (0..start.shape.elements()).map(move |at| {
        let (outer, rest) = (at / (inner * units), at % (inner * units));
        (rest / inner, outer * inner + rest % inner)
    })
}

/// The weights, a column for each unit.
fn rearranged(start: &Start<'_>, inputs: usize, units: usize) -> Mat<f64> {
    let mut matrix = Mat::zeros(inputs, units);
    for ((unit, weight), value) in positions(start).zip(&start.weight) {
        matrix[(weight, unit)] = *value;
    }
    matrix
}

fn restored(start: &Start<'_>, matrix: &Mat<f64>) -> Vec<f64> {
    positions(start).map(|(unit, weight)| matrix[(weight, unit)]).collect()
}
