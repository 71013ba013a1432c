use tensor::Key;

use super::*;
use crate::matching::transport::plan::cheapest;

/// Written by `ot.sinkhorn` of POT 0.9.7.post1.
const POT_COST: f64 = 0.339987793965875;
const POT_PLAN: [f64; 15] = [
    1.333410388934e-05,
    7.186203302877e-02,
    9.994567100118e-02,
    3.245706888751e-04,
    1.611877245106e-01,
    3.879894138549e-02,
    1.278133962824e-01,
    1.086579976436e-04,
    1.278133962824e-01,
    3.879894138549e-02,
    1.611877245106e-01,
    3.245706888751e-04,
    9.994567100118e-02,
    7.186203302877e-02,
    1.333410388934e-05,
];

fn random(seed: u64, [rows, columns]: [usize; 2]) -> Vec<f64> {
    (0..rows * columns).map(|at| Key::new(seed).normal(at as u64).abs()).collect()
}

fn dense(plan: &Plan) -> Vec<f64> {
    let whole = plan.sizes[0] as f64 * plan.units[0];
    let mut masses = vec![0.0; plan.sizes[0] * plan.sizes[1]];
    plan.entries
        .iter()
        .for_each(|&(row, column, units)| masses[row * plan.sizes[1] + column] = units / whole);
    masses
}

/// Of two rows and two columns the plan has one number: `p` on the diagonal, with `p / (½ − p) = exp(−Δ / 2ε)`, where Δ is the cost of
/// the diagonal less that of the other.
#[test]
fn of_two_and_two_the_plan_is_the_closed_form() {
    for (costs, share) in
        [([0.3, 1.0, 0.7, 0.1], 0.5), ([2.0, 1.0, 0.5, 3.0], 0.1), ([1.0, 1.0, 1.0, 1.0], 1.0)]
    {
        let plan = smoothed(&costs, [2, 2], share);
        let epsilon = plan.entropic.unwrap().epsilon;
        assert_eq!(epsilon, share * costs.iter().sum::<f64>() / 4.0);
        let odds = ((costs[1] + costs[2] - costs[0] - costs[3]) / (2.0 * epsilon)).exp();
        let p = 0.5 * odds / (1.0 + odds);
        for (found, expected) in dense(&plan).iter().zip([p, 0.5 - p, 0.5 - p, p]) {
            assert!((found - expected).abs() < 1e-9, "{plan:?} {p}");
        }
    }
}

/// No plan near by that keeps the marginals has less cost less entropy, and no plan on a grid has.
#[test]
fn of_two_and_three_no_plan_on_a_grid_is_better() {
    let costs = [0.2, 0.9, 0.4, 0.8, 0.3, 0.6];
    let plan = smoothed(&costs, [2, 3], 0.3);
    let epsilon = plan.entropic.unwrap().epsilon;
    let value = |masses: &[f64]| -> f64 {
        let terms = masses.iter().zip(&costs);
        terms
            .map(|(mass, cost)| mass * cost + if *mass > 0.0 { epsilon * mass * mass.ln() } else { 0.0 })
            .sum()
    };
    let found = value(&dense(&plan));
    let (mut least, steps) = (f64::INFINITY, 300);
    for first in 0..=steps {
        for second in 0..=steps {
            let (x, y) = (f64::from(first) / f64::from(3 * steps), f64::from(second) / f64::from(3 * steps));
            let z = 0.5 - x - y;
            if (0.0..=1.0 / 3.0).contains(&z) {
                let third = 1.0 / 3.0;
                least = least.min(value(&[x, y, z, third - x, third - y, third - z]));
            }
        }
    }
    assert!(found <= least + 1e-12 && least - found < 1e-4, "{found} {least}");
    assert!(plan.entropic.unwrap().gap < 1e-9, "{plan:?}");
}

/// The plan is that of `ot.sinkhorn` (POT, method `sinkhorn_log`, `stopThr=1e-15`) for the same costs and ε.
#[test]
fn the_plan_is_that_of_a_public_implementation() {
    let costs: Vec<f64> =
        (0..15).map(|at| f64::from((at / 5 + 1) * (at % 5 + 2) * 37 % 101) / 100.0).collect();
    let mean = costs.iter().sum::<f64>() / 15.0;
    let plan = smoothed(&costs, [3, 5], 0.05 / mean);
    assert!((plan.cost - POT_COST).abs() < 1e-9, "{}", plan.cost);
    for (found, expected) in dense(&plan).iter().zip(POT_PLAN) {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
}

#[test]
fn without_entropy_left_the_cost_is_the_exact_one_and_the_gaps_prove_it() {
    for (seed, sizes) in [(1, [6, 6]), (2, [5, 8]), (3, [12, 7]), (4, [1, 4])] {
        let costs = random(seed, sizes);
        let exact = cheapest(&costs, sizes);
        let mut before = f64::INFINITY;
        for share in [1.0, 0.1, 0.01, 0.001] {
            let plan = smoothed(&costs, sizes, share);
            let Entropic { epsilon, gap, .. } = plan.entropic.unwrap();
            let over = plan.cost - exact.cost;
            // The entropy of a plan is at most the logarithm of its places.
            let most = epsilon * ((sizes[0] * sizes[1]) as f64).ln();
            assert!((-1e-12..=most).contains(&over), "{share} {over} {most}");
            assert!(over <= plan.gap + 1e-12 && plan.gap <= most + gap + 1e-9, "{plan:?}");
            assert!(over <= before + 1e-9 && gap <= 1e-6, "{plan:?}");
            before = over;
        }
        assert!(before < 1e-4, "{before}");
    }
}

#[test]
fn rows_and_columns_spend_all_and_no_more_even_where_normalising_was_not_over() {
    for (seed, sizes, share) in [(5, [9, 4], 0.3), (6, [30, 41], 0.01), (7, [16, 16], 1e-5)] {
        let masses = dense(&smoothed(&random(seed, sizes), sizes, share));
        for row in masses.chunks(sizes[1]) {
            assert!((row.iter().sum::<f64>() * sizes[0] as f64 - 1.0).abs() < 1e-12);
        }
        for sum in column_sums(&masses, sizes[1]) {
            assert!((sum * sizes[1] as f64 - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn equal_costs_are_spread_evenly() {
    for cost in [0.0, 2.0] {
        let masses = dense(&smoothed(&[cost; 6], [2, 3], 0.1));
        assert!(masses.iter().all(|mass| (mass - 1.0 / 6.0).abs() < 1e-12), "{masses:?}");
    }
}
