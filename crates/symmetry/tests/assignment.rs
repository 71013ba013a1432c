//! The assignment solver against SciPy, brute force and its own certificate.

use isoloss_symmetry::assignment::{Assignment, AssignmentError, Goal, Warm, certify, maximise, minimise};
use serde_json::Value;

/// SplitMix64: enough randomness for test matrices.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1).
    fn real(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn below(&mut self, bound: u64) -> usize {
        (self.next() % bound) as usize
    }

    fn reals(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.real()).collect()
    }
}

fn from_fn(n: usize, mut entry: impl FnMut(usize, usize) -> f32) -> Vec<f32> {
    (0..n * n).map(|k| entry(k / n, k % n)).collect()
}

/// `x · yᵀ` for `n × rank` factors.
fn product(n: usize, rank: usize, x: &[f32], y: &[f32]) -> Vec<f32> {
    let row = |m: &[f32], i: usize| m[i * rank..][..rank].to_vec();
    from_fn(n, |i, j| row(x, i).iter().zip(row(y, j)).map(|(a, b)| a * b).sum())
}

/// Matrices of every kind that the solver treats differently.
fn kinds(n: usize, seed: u64) -> Vec<(&'static str, Vec<f32>)> {
    let mut random = Random(seed ^ n as u64);
    let (x, y) = (random.reals(n * n), random.reals(n * n));
    let relu = |m: &[f32]| m.iter().map(|v| v.max(0.0)).collect::<Vec<_>>();
    let dead = |m: &[f32], share: usize| {
        m.iter()
            .enumerate()
            .map(|(k, v)| if k / n < n / share { 0.0 } else { v.max(0.0) })
            .collect::<Vec<_>>()
    };
    let mut planted = product(n, n, &x, &x);
    let shift = random.below(n as u64);
    planted.rotate_right(n * shift);
    vec![
        ("uniform", x.clone()),
        ("product", product(n, n, &x, &y)),
        ("rectified", product(n, n, &relu(&x), &relu(&y))),
        ("dead", product(n, n, &dead(&x, 3), &dead(&y, 4))),
        ("planted", planted),
        ("rank 2", product(n, 2.min(n), &x, &y)),
        ("few values", from_fn(n, |_, _| random.below(5) as f32)),
        ("outer", from_fn(n, |i, j| ((i + 1) * (j + 1)) as f32)),
        ("constant", vec![0.1; n * n]),
        (
            "one lane",
            from_fn(n, |i, j| if j % 64 == 0 { ((i * 7 + j) % 11) as f32 - 50.0 } else { x[i * n + j] }),
        ),
    ]
}

fn assert_proved(name: &str, matrix: &[f32], found: &Assignment) {
    let certificate = found.certificate(matrix).expect("a well-formed claim");
    assert!(certificate.holds(), "{name}: {certificate:?}");
}

/// All sums over permutations: the smallest and the largest.
fn brute_force(matrix: &[f32], n: usize) -> (f64, f64) {
    fn visit(matrix: &[f32], n: usize, row: usize, used: &mut [bool], sum: f64, extremes: &mut (f64, f64)) {
        if row == n {
            *extremes = (extremes.0.min(sum), extremes.1.max(sum));
        }
        for col in 0..n {
            if row < n && !used[col] {
                used[col] = true;
                visit(matrix, n, row + 1, used, sum + f64::from(matrix[row * n + col]), extremes);
                used[col] = false;
            }
        }
    }
    let mut extremes = (f64::INFINITY, f64::NEG_INFINITY);
    visit(matrix, n, 0, &mut vec![false; n], 0.0, &mut extremes);
    extremes
}

#[test]
fn scipys_optima_are_reached_and_proved() {
    let text = include_str!("goldens/assignment/cases.json");
    let goldens: Value = serde_json::from_str(text).unwrap();
    let cases = goldens["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 30);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let n = case["n"].as_u64().unwrap() as usize;
        let scale = case["scale"].as_f64().unwrap();
        let matrix: Vec<f32> =
            case["units"].as_array().unwrap().iter().map(|u| (u.as_f64().unwrap() * scale) as f32).collect();
        let (least, most) = (minimise(&matrix, n, None).unwrap(), maximise(&matrix, n, None).unwrap());
        // sums of few multiples of a power of two are exact in f64, whatever their order
        assert_eq!(least.objective, case["minimum"].as_f64().unwrap(), "{name}");
        assert_eq!(most.objective, case["maximum"].as_f64().unwrap(), "{name}");
        assert_proved(name, &matrix, &least);
        assert_proved(name, &matrix, &most);
    }
}

#[test]
fn brute_force_agrees_up_to_seven_rows() {
    let mut random = Random(1);
    for trial in 0..60 {
        let n = 1 + trial % 7;
        let reals = random.reals(n * n);
        let few = from_fn(n, |_, _| random.below(3) as f32);
        for matrix in [reals, few] {
            let (least, most) = brute_force(&matrix, n);
            let (low, high) = (minimise(&matrix, n, None).unwrap(), maximise(&matrix, n, None).unwrap());
            assert!((low.objective - least).abs() < 1e-12, "trial {trial}");
            assert!((high.objective - most).abs() < 1e-12, "trial {trial}");
        }
    }
}

#[test]
fn every_kind_and_size_is_proved_optimal() {
    for n in (1..20).chain([31, 32, 33, 63, 64, 65, 66, 100, 129, 200]) {
        for (kind, matrix) in kinds(n, 2) {
            assert_proved(kind, &matrix, &maximise(&matrix, n, None).unwrap());
            assert_proved(kind, &matrix, &minimise(&matrix, n, None).unwrap());
        }
    }
}

#[test]
fn extreme_magnitudes_are_proved_optimal() {
    let mut random = Random(3);
    for scale in [f32::MAX, 1e30, 1e-30, 1e-44] {
        let matrix = from_fn(40, |_, _| random.real() * scale);
        assert_proved("extreme", &matrix, &maximise(&matrix, 40, None).unwrap());
    }
    let mixed = from_fn(40, |i, j| if (i + j) % 3 == 0 { f32::MAX * random.real() } else { random.real() });
    assert_proved("mixed", &mixed, &minimise(&mixed, 40, None).unwrap());
}

#[test]
fn maximising_is_minimising_the_negative_bit_for_bit() {
    for (kind, matrix) in kinds(70, 4) {
        let negative: Vec<f32> = matrix.iter().map(|x| -x).collect();
        let (most, least) = (maximise(&matrix, 70, None).unwrap(), minimise(&negative, 70, None).unwrap());
        assert_eq!(most.row_to_col, least.row_to_col, "{kind}");
        assert!(most.col_duals.iter().zip(&least.col_duals).all(|(a, b)| *a == -b), "{kind}");
        assert_eq!(most.objective, -least.objective, "{kind}");
    }
}

#[test]
fn ties_are_broken_the_same_way_every_time() {
    let constant = maximise(&[2.5; 36], 6, None).unwrap();
    assert_eq!(constant.row_to_col, [0, 1, 2, 3, 4, 5]);
    for (kind, matrix) in kinds(90, 5) {
        assert_eq!(maximise(&matrix, 90, None).unwrap(), maximise(&matrix, 90, None).unwrap(), "{kind}");
    }
}

#[test]
fn price_war_ends() {
    // three rows want two columns and outbid each other by a millionth, a trillion times if nobody stops them
    let war = [0.0, 1e-6, 1e6, 1e-6, 0.0, 1e6, 0.0, 0.0, 1e6];
    assert_proved("war", &war, &minimise(&war, 3, None).unwrap());
    let n = 150;
    let crowd = from_fn(n, |i, j| if j < n / 2 { ((i * 31 + j * 17) % 23) as f32 * 1e-6 } else { 1e6 });
    assert_proved("crowd", &crowd, &minimise(&crowd, n, None).unwrap());
}

#[test]
fn warm_start_reaches_the_same_objective() {
    let n = 80;
    for (kind, matrix) in kinds(n, 6) {
        let cold = maximise(&matrix, n, None).unwrap();
        let again = maximise(&matrix, n, Some(cold.warm())).unwrap();
        assert_eq!(again.row_to_col, cold.row_to_col, "{kind}");
        let mut random = Random(7);
        let changed: Vec<f32> = matrix.iter().map(|x| x + 0.1 * random.real()).collect();
        let warm = maximise(&changed, n, Some(cold.warm())).unwrap();
        let fresh = maximise(&changed, n, None).unwrap();
        assert_proved(kind, &changed, &warm);
        assert!((warm.objective - fresh.objective).abs() <= 1e-12 * fresh.objective.abs(), "{kind}");
    }
}

#[test]
fn any_warm_start_leads_to_an_optimum() {
    let n = 50;
    let identity: Vec<u32> = (0..n as u32).collect();
    let mut random = Random(8);
    let wild: Vec<f64> = (0..n).map(|j| if j % 2 == 0 { 1e300 } else { f64::from(random.real()) }).collect();
    for (kind, matrix) in kinds(n, 9) {
        let warm = Warm { row_to_col: &identity, col_duals: &wild };
        let found = minimise(&matrix, n, Some(warm)).unwrap();
        let cold = minimise(&matrix, n, None).unwrap();
        assert_proved(kind, &matrix, &found);
        let size = f64::from(matrix.iter().fold(0.0_f32, |most, x| most.max(x.abs())));
        assert!((found.objective - cold.objective).abs() <= 1e-9 * size, "{kind}");
    }
}

#[test]
fn planted_wrong_claims_fail_the_certificate() {
    let n = 30;
    let matrix = Random(10).reals(n * n);
    for right in [maximise(&matrix, n, None).unwrap(), minimise(&matrix, n, None).unwrap()] {
        assert_proved("right", &matrix, &right);
        let mut columns = right.clone();
        columns.row_to_col.swap(3, 17);
        let mut row_dual = right.clone();
        row_dual.row_duals[5] += 1e-9;
        let mut col_dual = right.clone();
        col_dual.col_duals[29] -= 1e-9;
        let mut balanced = right.clone();
        balanced.row_duals[2] += 1e-9;
        balanced.row_duals[4] -= 1e-9;
        let mut objective = right.clone();
        objective.objective += 1e-6;
        let mut goal = right.clone();
        goal.goal = if right.goal == Goal::Maximise { Goal::Minimise } else { Goal::Maximise };
        for wrong in [columns, row_dual, col_dual, balanced, objective, goal] {
            assert!(!certify(&matrix, &wrong).unwrap().holds());
        }
    }
}

#[test]
fn suboptimality_bounds_the_loss_of_a_wrong_assignment() {
    let n = 12;
    let matrix = Random(11).reals(n * n);
    let best = maximise(&matrix, n, None).unwrap();
    let mut worse = best.clone();
    worse.row_to_col.rotate_left(1);
    worse.objective =
        worse.row_to_col.iter().enumerate().map(|(i, &j)| f64::from(matrix[i * n + j as usize])).sum();
    let bound = worse.certificate(&matrix).unwrap().suboptimality();
    assert!(bound >= best.objective - worse.objective - 1e-12);
    assert!(best.certificate(&matrix).unwrap().suboptimality() < 1e-12);
}

#[test]
fn nothing_to_assign_is_the_empty_assignment() {
    for empty in [maximise(&[], 0, None).unwrap(), minimise(&[], 0, None).unwrap()] {
        assert!(empty.row_to_col.is_empty() && empty.row_duals.is_empty() && empty.col_duals.is_empty());
        assert!(empty.objective == 0.0 && empty.objective.is_sign_positive());
        assert!(empty.certificate(&[]).unwrap().holds());
    }
}

#[test]
fn malformed_matrices_are_refused() {
    assert_eq!(maximise(&[1.0; 8], 3, None).unwrap_err(), AssignmentError::Length { n: 3, found: 8 });
    assert!(matches!(minimise(&[], usize::MAX, None).unwrap_err(), AssignmentError::TooLarge { .. }));
    for (bad, at) in [(f32::NAN, 0), (f32::INFINITY, 77), (f32::NEG_INFINITY, 4899), (-f32::NAN, 4000)] {
        let mut matrix = vec![1.0; 70 * 70];
        matrix[at] = bad;
        let cold = maximise(&matrix, 70, None).unwrap_err();
        let AssignmentError::NotFinite { row, col, value } = cold else { panic!("{cold}") };
        assert_eq!((row, col, value.to_bits()), (at / 70, at % 70, bad.to_bits()));
        let identity: Vec<u32> = (0..70).collect();
        let warm = Warm { row_to_col: &identity, col_duals: &[0.0; 70] };
        let warm = minimise(&matrix, 70, Some(warm)).unwrap_err();
        assert!(matches!(warm, AssignmentError::NotFinite { .. }), "{warm}");
    }
}

#[test]
fn malformed_warm_starts_are_refused() {
    let refusal = |row_to_col: &[u32], col_duals: &[f64]| {
        maximise(&[1.0; 9], 3, Some(Warm { row_to_col, col_duals })).unwrap_err()
    };
    let zeros = [0.0; 3];
    assert!(matches!(refusal(&[0, 1], &zeros), AssignmentError::Items { n: 3, found: 2, .. }));
    assert!(matches!(refusal(&[0, 1, 2], &zeros[..1]), AssignmentError::Items { n: 3, found: 1, .. }));
    assert!(matches!(refusal(&[0, 1, 3], &zeros), AssignmentError::NotPermutation { row: 2, col: 3, .. }));
    assert!(matches!(refusal(&[1, 1, 2], &zeros), AssignmentError::NotPermutation { row: 1, col: 1, .. }));
    let dual = refusal(&[0, 1, 2], &[0.0, f64::NAN, 0.0]);
    assert!(matches!(dual, AssignmentError::DualNotFinite { index: 1, .. }));
}

#[test]
fn malformed_claims_are_refused() {
    let matrix = [1.0; 4];
    let right = maximise(&matrix, 2, None).unwrap();
    assert!(matches!(right.certificate(&matrix[..3]).unwrap_err(), AssignmentError::Length { .. }));
    assert!(matches!(right.certificate(&[f32::NAN; 4]).unwrap_err(), AssignmentError::NotFinite { .. }));
    let twice = Assignment { row_to_col: vec![0, 0], ..right.clone() };
    assert!(matches!(twice.certificate(&matrix).unwrap_err(), AssignmentError::NotPermutation { .. }));
    let short = Assignment { row_duals: vec![0.0], ..right };
    assert!(matches!(short.certificate(&matrix).unwrap_err(), AssignmentError::Items { .. }));
}
