//! Results to test with.

use super::{
    method::Method,
    result::{Aligned, Match, PairPlan, PairResult},
};
use crate::result::{Curve, Score, Splits, Symmetry};

/// A pair with these barriers on both splits: matched, and moved by a random permutation.
pub(crate) fn pair(aligned: f64, random: f64) -> PairResult {
    let score = Score { loss: 0.0, accuracy: Some(1.0) };
    let parents = Splits { train: score, test: score };
    PairResult {
        plan: plan(),
        epoch: 1,
        parents: [parents.clone(), parents],
        history: [Vec::new(), Vec::new()],
        symmetry: Symmetry {
            generators: Vec::new(),
            log10_order: 0.0,
            certificate_error: 0.0,
            certificate_tolerance: 0.0,
        },
        naive: segment(random),
        aligned: vec![Aligned { method: Method::Weight, matching: matching(), segment: segment(aligned) }],
        random: segment(random),
    }
}

fn segment(barrier: f64) -> Splits<Curve> {
    let curve = Curve {
        lambdas: vec![0.0, 0.5, 1.0],
        loss: vec![0.0, barrier, 0.0],
        accuracy: Some(vec![1.0; 3]),
        calibration_error: None,
        barrier,
        accuracy_barrier: Some(0.0),
        midpoint: Score { loss: barrier, accuracy: Some(1.0) },
    };
    Splits { train: curve.clone(), test: curve }
}

fn matching() -> Match {
    Match {
        identity_objective: 0.0,
        objective: 1.0,
        norms: [1.0, 1.0],
        trajectory: Vec::new(),
        sweeps: 1,
        worst_gap: Some(0.0),
        descended: None,
        seconds: 0.0,
    }
}

fn plan() -> PairPlan {
    PairPlan { epochs: vec![1], points: 3, ..crate::demo::plan(0) }
}
