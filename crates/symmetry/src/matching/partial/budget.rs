//! Which things to take within a budget.

/// How a budget was spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// What there was to spend.
    pub allowed: f64,
    /// What was spent.
    pub spent: f64,
    /// The value of what was taken.
    pub value: f64,
    /// A value that nothing within the budget exceeds: that of things which can be cut (Dantzig, *Discrete-variable extremum problems*,
    /// 1957).
    pub bound: f64,
}

/// How many things of each class to take, the most valuable ones first, so that their value is large and their cost within the
/// budget: a knapsack, filled in the order of value for cost, of equals the first class first. `classes` have the values of their
/// things in descending order, and the cost of each thing, above 0.
pub(super) fn spend(classes: &[(Vec<f64>, f64)], allowed: f64) -> (Vec<usize>, Budget) {
    let mut taken = vec![0; classes.len()];
    let mut is_open = vec![true; classes.len()];
    let mut budget = Budget { allowed, spent: 0.0, value: 0.0, bound: f64::NAN };
    loop {
        let worth = |class: usize| {
            let (values, cost) = &classes[class];
            values.get(taken[class]).map(|value| value / cost)
        };
        let open = (0..classes.len()).filter(|&class| is_open[class]);
        let ranked = open.filter_map(|class| Some((worth(class)?, class)));
        let Some((worth, class)) = ranked.reduce(|best, next| if next.0 > best.0 { next } else { best })
        else {
            break;
        };
        let (values, cost) = &classes[class];
        if budget.spent + cost <= allowed * (1.0 + f64::EPSILON) {
            budget.spent += cost;
            budget.value += values[taken[class]];
            taken[class] += 1;
            continue;
        }
        is_open[class] = false;
        if budget.bound.is_nan() {
            budget.bound = budget.value + worth * (allowed - budget.spent).max(0.0);
        }
    }
    budget.bound = if budget.bound.is_nan() { budget.value } else { budget.bound.max(budget.value) };
    (taken, budget)
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;

    /// The largest value of all choices.
    fn best(classes: &[(Vec<f64>, f64)], allowed: f64) -> f64 {
        let Some(((values, cost), rest)) = classes.split_first() else { return 0.0 };
        let affordable = (0..=values.len()).filter(|&count| count as f64 * cost <= allowed);
        let with =
            |count: usize| values[..count].iter().sum::<f64>() + best(rest, allowed - count as f64 * cost);
        affordable.map(with).fold(0.0, f64::max)
    }

    #[test]
    fn the_bound_holds_for_every_choice_and_what_is_taken_is_within_one_thing_of_it() {
        for seed in 0..40 {
            let key = Key::new(seed);
            let class = |class: u64| {
                let mut values: Vec<f64> =
                    (0..4).map(|at| key.child("value").uniform(class * 4 + at)).collect();
                values.sort_unstable_by(|a, b| b.total_cmp(a));
                (values, 1.0 + (5.0 * key.child("cost").uniform(class)).floor())
            };
            let classes: Vec<_> = (0..3).map(class).collect();
            let total: f64 = classes.iter().map(|(values, cost)| values.len() as f64 * cost).sum();
            for share in [0.0, 0.1, 0.35, 0.8, 1.0] {
                let (taken, budget) = spend(&classes, share * total);
                let most = best(&classes, share * total);
                let one = classes
                    .iter()
                    .flat_map(|(values, _)| values)
                    .fold(0.0f64, |most, value| most.max(*value));
                assert!(budget.spent <= budget.allowed + 1e-9 && budget.value <= most + 1e-12, "{budget:?}");
                assert!(
                    most <= budget.bound + 1e-12 && budget.bound - budget.value <= one,
                    "{most} {budget:?}"
                );
                let value: f64 =
                    classes.iter().zip(&taken).flat_map(|((values, _), count)| &values[..*count]).sum();
                assert!((value - budget.value).abs() < 1e-12);
            }
            assert_eq!(spend(&classes, total).0, [4, 4, 4]);
        }
    }
}
