//! Loss and accuracy along the segment between two networks.

use evaluate::{Evaluator, Score};
use merge::interpolate;
use models::Params;

use crate::{
    LandscapeError,
    barrier::{Barrier, barrier},
};

/// Points on a segment where nothing else is asked for: both ends, the midpoint and eleven in each half, as in
/// the published code of Git Re-Basin (Ainsworth, Hayase and Srinivasa 2022, arXiv:2209.04836).
pub const POINTS: usize = 25;

/// Scores at equally spaced points `(1 − λ)·a + λ·b`, from λ = 0 to λ = 1; the midpoint is one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    lambdas: Vec<f64>,
    scores: Vec<Score>,
}

impl Curve {
    /// The positions λ, ascending from 0 to 1.
    #[must_use]
    pub fn lambdas(&self) -> &[f64] {
        &self.lambdas
    }

    /// The scores, one for each position.
    #[must_use]
    pub fn scores(&self) -> &[Score] {
        &self.scores
    }

    /// The scores of the two networks themselves.
    #[must_use]
    pub fn ends(&self) -> [Score; 2] {
        [self.scores[0], self.scores[self.scores.len() - 1]]
    }

    /// The score of the average of the two networks.
    #[must_use]
    pub fn midpoint(&self) -> Score {
        self.scores[self.scores.len() / 2]
    }

    /// `max over λ of L(λ) − ((1 − λ)·L(0) + λ·L(1))`, in the loss's unit (nats for cross-entropy).
    #[must_use]
    pub fn loss_barrier(&self) -> Barrier {
        let losses: Vec<f64> = self.scores.iter().map(|score| score.loss).collect();
        barrier(&self.lambdas, &losses)
    }

    /// `max over λ of ((1 − λ)·A(0) + λ·A(1)) − A(λ)` for the accuracy A, in percentage points; none of networks that are
    /// their own objectives.
    #[must_use]
    pub fn accuracy_barrier(&self) -> Option<Barrier> {
        let wrong_side_up = self.scores.iter().map(|score| score.accuracy.map(|accuracy| -100.0 * accuracy));
        let wrong_side_up: Vec<f64> = wrong_side_up.collect::<Option<_>>()?;
        Some(barrier(&self.lambdas, &wrong_side_up))
    }
}

/// A point that was just scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// Its number, from 0.
    pub index: usize,
    /// The number of all points.
    pub points: usize,
    /// Its position.
    pub lambda: f64,
    /// Its score on each data set.
    pub scores: &'a [Score],
}

/// What becomes of interpolated parameters, given their position.
pub type Settle<'a> = dyn FnMut(f64, Params) -> Result<Params, LandscapeError> + 'a;

/// Walks from `a` to `b` and scores `points` networks with each evaluator; one curve for each evaluator, in
/// order. Between the ends the networks are what `settle` makes of position and interpolated parameters: with
/// running statistics of batch normalisation measured anew, say, or renormalised; the ends are as they are. `observer` is called after each point.
///
/// # Errors
/// [`LandscapeError::Points`] for an even number of points or fewer than 3, [`LandscapeError::Merge`] where the
/// networks differ in architecture, [`LandscapeError::Evaluate`] where they are not the evaluators'.
pub fn segment(
    evaluators: &mut [Evaluator],
    settle: &mut Settle<'_>,
    a: &Params,
    b: &Params,
    points: usize,
    observer: &mut dyn FnMut(Step<'_>),
) -> Result<Vec<Curve>, LandscapeError> {
    if points < 3 || points.is_multiple_of(2) {
        return Err(LandscapeError::Points { found: points });
    }
    let lambdas: Vec<f64> = (0..points).map(|index| index as f64 / (points - 1) as f64).collect();
    let mut curves =
        vec![Curve { lambdas: lambdas.clone(), scores: Vec::with_capacity(points) }; evaluators.len()];
    for (index, lambda) in lambdas.into_iter().enumerate() {
        let mut params = interpolate(a, b, lambda)?;
        if 0 < index && index + 1 < points {
            params = settle(lambda, params)?;
        }
        let scores =
            evaluators.iter_mut().map(|evaluator| evaluator.score(&params)).collect::<Result<Vec<_>, _>>()?;
        observer(Step { index, points, lambda, scores: &scores });
        for (curve, score) in curves.iter_mut().zip(scores) {
            curve.scores.push(score);
        }
    }
    Ok(curves)
}

#[cfg(test)]
mod tests {
    use data::Dataset;
    use evaluate::Reestimator;
    use graph::Reference;
    use models::{Init, Loss, Model};
    use tensor::{Key, Tensor};

    use super::*;

    fn evaluator(model: &Model, data: &Dataset) -> Evaluator {
        Evaluator::new(&Reference, model, data, Loss::SquaredError).unwrap()
    }

    #[expect(clippy::unnecessary_wraps, reason = "what settles may fail")]
    fn as_it_is(_: f64, params: Params) -> Result<Params, LandscapeError> {
        Ok(params)
    }

    fn random(count: usize) -> Dataset {
        let x = Tensor::from_fn([count, 3], |i| Key::new(4).uniform(i as u64) as f32);
        Dataset::new("random", 2, x, Tensor::from_fn([count], |i| (i % 2) as i32)).unwrap()
    }

    /// The mean over the examples of the squared norm of what two linear models differ by.
    fn mean_square_difference(a: &Params, b: &Params, data: &Dataset) -> f64 {
        let of = |name| {
            let (a, b) = (a.get(name).unwrap().to_f64_vec(), b.get(name).unwrap().to_f64_vec());
            a.into_iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>()
        };
        let (weight, bias, x) = (of("0.weight"), of("0.bias"), data.x().to_f64_vec());
        let output = |x: &[f64], class: usize| {
            weight[3 * class..][..3].iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + bias[class]
        };
        x.chunks(3).map(|x| output(x, 0).powi(2) + output(x, 1).powi(2)).sum::<f64>() / data.len() as f64
    }

    #[test]
    fn squared_error_of_a_linear_model_is_a_parabola_without_barrier() {
        let (model, data) = (Model::parse("mlp:3-2").unwrap(), random(20));
        let (a, b) = (model.init(Init::PyTorch, Key::new(0)), model.init(Init::PyTorch, Key::new(1)));
        let curves =
            segment(&mut [evaluator(&model, &data)], &mut as_it_is, &a, &b, POINTS, &mut |_| ()).unwrap();
        let [start, end] = curves[0].ends();
        let bend = mean_square_difference(&a, &b, &data);
        for (lambda, score) in curves[0].lambdas().iter().zip(curves[0].scores()) {
            let expected = (1.0 - lambda) * start.loss + lambda * end.loss - lambda * (1.0 - lambda) * bend;
            assert!((score.loss - expected).abs() < 1e-6, "{lambda}: {} {expected}", score.loss);
        }
        assert_eq!(curves[0].loss_barrier(), Barrier { height: 0.0, lambda: 0.0 });
    }

    /// Two networks that both give back positive inputs, with their hidden units in opposite order.
    fn swapped() -> (Model, Params, Params) {
        let of = |elements: [f32; 4]| {
            let weight = Tensor::new([2, 2], elements.to_vec()).unwrap();
            Params::from_pairs([("0.weight", weight.clone()), ("2.weight", weight)])
        };
        let model = Model::parse("mlp:2-2-2,bias=off").unwrap();
        (model, of([1.0, 0.0, 0.0, 1.0]), of([0.0, 1.0, 1.0, 0.0]))
    }

    fn unit_vectors() -> Dataset {
        let x = Tensor::new([2, 2], vec![1f32, 0.0, 0.0, 1.0]).unwrap();
        Dataset::new("unit vectors", 2, x, Tensor::new([2], vec![0, 1]).unwrap()).unwrap()
    }

    #[test]
    fn swapped_units_raise_the_barrier_of_the_closed_form() {
        let (model, a, b) = swapped();
        let curves =
            segment(&mut [evaluator(&model, &unit_vectors())], &mut as_it_is, &a, &b, POINTS, &mut |_| ())
                .unwrap();
        for (lambda, score) in curves[0].lambdas().iter().zip(curves[0].scores()) {
            let mixed = 2.0 * lambda * (1.0 - lambda);
            assert!((score.loss - 2.0 * mixed * mixed).abs() < 1e-6, "{lambda}: {}", score.loss);
        }
        let midpoint =
            Score { loss: 0.5, accuracy: Some(0.5), count: 2, bits_per_byte: None, calibration_error: None };
        assert_eq!(curves[0].midpoint(), midpoint);
        assert_eq!(curves[0].loss_barrier(), Barrier { height: 0.5, lambda: 0.5 });
        assert_eq!(curves[0].accuracy_barrier(), Some(Barrier { height: 50.0, lambda: 0.5 }));
    }

    #[test]
    fn the_points_are_equally_spaced_and_observed_in_order() {
        let (model, a, b) = swapped();
        let mut evaluators = [evaluator(&model, &unit_vectors()), evaluator(&model, &unit_vectors())];
        let mut seen = Vec::new();
        let curves = segment(&mut evaluators, &mut as_it_is, &a, &b, 5, &mut |step| {
            assert_eq!((step.index, step.points, step.scores.len()), (seen.len(), 5, 2));
            seen.push(step.lambda);
        })
        .unwrap();
        assert_eq!(seen, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(curves[0].lambdas(), seen);
        assert_eq!(curves[0], curves[1]);
    }

    #[test]
    fn inner_points_have_statistics_of_their_own_and_the_ends_keep_theirs() {
        let (model, data) = (Model::parse("mlp:3-4-2,norm=batch").unwrap(), random(40));
        let (a, b) = (model.init(Init::PyTorch, Key::new(0)), model.init(Init::PyTorch, Key::new(1)));
        let mut statistics = Reestimator::new(&Reference, &model, &data, None).unwrap();
        let walk = |settle: &mut Settle<'_>| {
            let mut evaluators = [evaluator(&model, &data)];
            segment(&mut evaluators, settle, &a, &b, 3, &mut |_| ()).unwrap().remove(0)
        };
        let own = walk(&mut |_, params| Ok(statistics.as_mut().unwrap().apply(&params)?));
        let interpolated = walk(&mut as_it_is);
        assert_eq!(own.ends(), interpolated.ends());
        let middle = statistics.unwrap().apply(&interpolate(&a, &b, 0.5).unwrap()).unwrap();
        assert_eq!(own.midpoint(), evaluator(&model, &data).score(&middle).unwrap());
        assert_ne!(own.midpoint(), interpolated.midpoint());
    }

    #[test]
    fn an_even_number_of_points_is_refused() {
        let (model, a, b) = swapped();
        let error = |points| {
            let mut evaluators = [evaluator(&model, &unit_vectors())];
            segment(&mut evaluators, &mut as_it_is, &a, &b, points, &mut |_| ()).unwrap_err().to_string()
        };
        assert!(error(24).contains("found 24, try 25"));
        assert!(error(1).contains("found 1, try 3"));
        assert!(error(0).contains("found 0, try 3"));
    }

    #[test]
    fn networks_of_different_architecture_are_refused() {
        let (model, a, _) = swapped();
        let b = Model::parse("mlp:2-3-2,bias=off").unwrap().init(Init::He, Key::new(0));
        let mut evaluators = [evaluator(&model, &unit_vectors())];
        let error = segment(&mut evaluators, &mut as_it_is, &a, &b, 3, &mut |_| ()).unwrap_err().to_string();
        assert!(error.contains("different architectures"), "{error}");
    }
}
