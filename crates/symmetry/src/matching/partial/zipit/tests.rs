use tensor::Key;

use super::*;

/// Correlations of random directions: with ones on the diagonal, and no eigenvalue below 0.
fn random(seed: u64, units: usize, dimension: usize) -> Similarity {
    let vectors: Vec<Vec<f64>> = (0..2 * units)
        .map(|unit| {
            let draws = (0..dimension).map(|at| Key::new(seed).normal((unit * dimension + at) as u64));
            let vector: Vec<f64> = draws.collect();
            let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
            vector.iter().map(|x| x / norm).collect()
        })
        .collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let correlations = vectors.iter().flat_map(|a| vectors.iter().map(move |b| product(a, b))).collect();
    Similarity { generator: "units".to_owned(), units, values: 1, correlations }
}

/// The same by looking at all pairs of clusters each time.
fn slowly(similarity: &Similarity, width: usize, Options { alpha, beta }: Options) -> Clusters {
    let units = similarity.units;
    let mut clusters: Vec<Vec<usize>> = (0..2 * units).map(|unit| vec![unit]).collect();
    let size = 2 * units;
    let mut table: Vec<Vec<f64>> = similarity.correlations.chunks(size).map(<[f64]>::to_vec).collect();
    let mut budget = [(((size - width) / 2) as f64 * beta + 1e-4).floor() as usize; 2];
    while clusters.len() > width {
        let mut most: Option<(f64, usize, usize)> = None;
        for left in 0..clusters.len() {
            for right in left + 1..clusters.len() {
                let [a, b] = [left, right].map(|cluster| clusters[cluster][0] / units);
                let repeats = clusters[left].len() + clusters[right].len() > 2;
                if (a == b && budget[a] == 0) || (repeats && alpha == 0.0) {
                    continue;
                }
                if most.is_none_or(|(value, ..)| table[left][right] > value) {
                    most = Some((table[left][right], left, right));
                }
            }
        }
        let (_, left, right) = most.unwrap();
        let [a, b] = [left, right].map(|cluster| clusters[cluster][0] / units);
        budget[a] -= usize::from(a == b);
        let moved = clusters.remove(right);
        clusters[left].extend(moved);
        let gone = table.remove(right);
        for (other, row) in table.iter_mut().enumerate() {
            row.remove(right);
            let from = if other < right { other } else { other + 1 };
            row[left] = alpha * row[left].min(gone[from]);
        }
        let column: Vec<f64> = table.iter().map(|row| row[left]).collect();
        table[left] = column;
    }
    Clusters::new(units, clusters)
}

#[test]
fn the_clusters_are_those_of_looking_at_all_pairs() {
    for seed in 0..20 {
        let units = 1 + seed as usize % 7;
        let similarity = random(seed, units, 4);
        for alpha in [0.0, 0.3, 1.0] {
            for beta in [0.0, 0.125, 0.5, 1.0] {
                for width in units..=2 * units {
                    let options = Options { alpha, beta };
                    let found = zipit(&similarity, width, options).unwrap();
                    assert_eq!(found, slowly(&similarity, width, options), "{seed} {width} {options:?}");
                    assert_eq!(found.width(), width);
                }
            }
        }
    }
}

/// All ways to part units into so many clusters.
fn partitions(units: usize, width: usize) -> Vec<Vec<Vec<usize>>> {
    let mut all: Vec<Vec<Vec<usize>>> = vec![Vec::new()];
    for unit in 0..units {
        let mut next = Vec::new();
        for partition in all {
            for cluster in 0..=partition.len() {
                let mut with = partition.clone();
                if cluster == with.len() {
                    with.push(Vec::new());
                }
                with[cluster].push(unit);
                if with.len() <= width {
                    next.push(with);
                }
            }
        }
        all = next;
    }
    all.into_iter().filter(|partition| partition.len() == width).collect()
}

#[test]
fn no_clusters_keep_more_than_the_bound() {
    for seed in 0..10 {
        let similarity = random(100 + seed, 3, 3 + seed as usize % 3);
        for width in 3..=6 {
            let kept = |members: Vec<Vec<usize>>| similarity.kept(&Clusters::new(3, members));
            let best = partitions(6, width).into_iter().map(kept).fold(0.0, f64::max);
            let most = similarity.most(width).unwrap();
            let found =
                similarity.kept(&zipit(&similarity, width, Options { alpha: 1.0, beta: 1.0 }).unwrap());
            assert!(found <= best + 1e-12 && best <= most + 1e-12, "{found} {best} {most}");
        }
        assert!((similarity.most(6).unwrap() - 1.0).abs() < 1e-12);
    }
}

/// Where nothing is merged twice, the greedy matching has at least half of the best one's similarity (Avis 1983).
#[test]
fn pairs_have_half_of_the_best_similarity_at_least() {
    for seed in 0..20 {
        let mut similarity = random(200 + seed, 3, 4);
        similarity.correlations.iter_mut().for_each(|entry| *entry = entry.abs());
        let value = |members: &[Vec<usize>]| -> f64 {
            members.iter().map(|pair| similarity.of(pair[0], pair[1])).sum()
        };
        let pairs = partitions(6, 3).into_iter().filter(|all| all.iter().all(|members| members.len() == 2));
        let best = pairs.map(|pairs| value(&pairs)).fold(0.0, f64::max);
        let found = value(zipit(&similarity, 3, Options { alpha: 0.0, beta: 1.0 }).unwrap().members());
        assert!(found <= best + 1e-12 && 2.0 * found >= best, "{found} {best}");
    }
}

#[test]
fn a_rearranged_copy_is_paired_exactly_and_clones_inside_of_a_network_go_together() {
    let half = random(7, 4, 6);
    // B has the units 2, 0, 1 and 3 of A.
    let order = [0, 1, 2, 3, 2, 0, 1, 3];
    let entry = |at: usize| half.of(order[at / 8], order[at % 8]);
    let copy = Similarity { correlations: (0..64).map(entry).collect(), ..half.clone() };
    let found = zipit(&copy, 4, Options::default()).unwrap();
    assert_eq!(found.members(), [vec![0, 5], vec![1, 6], vec![2, 4], vec![3, 7]]);
    assert_eq!((found.across(), found.inside(), found.apart()), (4, 0, 0));
    // A has one unit four times, B another.
    let clones = Similarity {
        correlations: (0..64).map(|at| if at / 8 / 4 == at % 8 / 4 { 1.0 } else { -0.5 }).collect(),
        ..half
    };
    let inside = zipit(&clones, 4, Options { alpha: 1.0, beta: 1.0 }).unwrap();
    assert!(
        inside.across() == 0 && inside.inside() > 0 && (clones.kept(&inside) - 1.0).abs() < 1e-12,
        "{inside:?}"
    );
    let across = zipit(&clones, 4, Options { alpha: 1.0, beta: 0.0 }).unwrap();
    assert!(across.inside() == 0 && clones.kept(&across) < 0.8, "{across:?}");
}

#[test]
fn options_outside_of_their_range_are_refused() {
    let similarity = random(1, 2, 3);
    for (alpha, beta) in [(-0.1, 0.5), (1.1, 0.5), (f64::NAN, 0.5), (0.3, -1.0), (0.3, 2.0)] {
        let error = zipit(&similarity, 2, Options { alpha, beta }).unwrap_err();
        assert!(matches!(error, SymmetryError::NotAShare { .. }), "{error}");
    }
}
