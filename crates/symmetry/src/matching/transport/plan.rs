//! The transportation problem with uniform marginals, solved exactly.
//!
//! Mass is counted in whole units, so that nothing is rounded: each row gives as many as there are columns, and each column
//! takes as many as there are rows, both divided by their greatest common divisor. The method is that of successive shortest
//! paths (Ahuja, Magnanti and Orlin, *Network Flows*, 1993, section 9.7): units go from a row to a column that still takes some
//! along a path of least reduced cost, found by Dijkstra's algorithm on a dense matrix, and the duals stay feasible.

use super::Side;

/// A plan between rows and columns of equal weight each.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The number of rows and of columns.
    pub sizes: [usize; 2],
    /// Units that go from a row to a column, sorted by row, then column. Of an exact plan they are whole, and at most one
    /// entry fewer than rows and columns together where the optimum is unique.
    pub entries: Vec<(usize, usize, f64)>,
    /// Units that each row gives, and that each column takes.
    pub units: [f64; 2],
    /// The mean cost of a unit.
    pub cost: f64,
    /// By how much the cost may exceed the least one: the difference to the value of the duals, plus the largest violation of
    /// their constraints. Of an exact plan 0 but for rounding.
    pub gap: f64,
    /// How it was smoothed, where it was.
    pub entropic: Option<Entropic>,
}

/// How an entropic plan was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entropic {
    /// The weight of the entropy, in units of the costs.
    pub epsilon: f64,
    /// By how much the plan may exceed the least cost less entropy: the duality gap of that problem.
    pub gap: f64,
    /// Rounds of normalising rows and columns, over all weights of the entropy on the way.
    pub rounds: usize,
}

impl Plan {
    /// For what makes units, the shares of what each row gives, which sum to 1 for each row; for what reads them, the
    /// shares of what each column takes, which sum to 1 for each column.
    pub(super) fn shares(&self, side: Side) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        let whole = match side {
            Side::Makes => self.units[0],
            Side::Reads => self.units[1],
        };
        self.entries.iter().map(move |&(row, column, units)| (row, column, units / whole))
    }
}

/// The cheapest plan for a row-major cost matrix, finite and not empty. Among equals the lowest index under
/// consideration wins, so equal inputs give equal plans.
pub(super) fn cheapest(costs: &[f64], sizes: [usize; 2]) -> Plan {
    let [rows, columns] = sizes;
    debug_assert_eq!(costs.len(), rows * columns);
    let units = units(sizes);
    let mut state = State {
        costs,
        columns,
        flows: vec![Vec::new(); columns],
        wanted: vec![units[1]; columns],
        row_duals: costs
            .chunks(columns)
            .map(|row| row.iter().copied().fold(f64::INFINITY, f64::min))
            .collect(),
        column_duals: vec![0.0; columns],
    };
    for row in 0..rows {
        let mut left = units[0];
        while left > 0 {
            left -= state.send(row, left);
        }
    }
    state.finish(sizes, units)
}

/// What each row gives and each column takes, in whole units.
pub(super) fn units([rows, columns]: [usize; 2]) -> [u64; 2] {
    let divisor = gcd(rows, columns);
    [columns / divisor, rows / divisor].map(|count| count as u64)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

struct State<'a> {
    costs: &'a [f64],
    columns: usize,
    /// For each column the rows that send to it, and how much.
    flows: Vec<Vec<(usize, u64)>>,
    /// What each column still takes.
    wanted: Vec<u64>,
    row_duals: Vec<f64>,
    column_duals: Vec<f64>,
}

/// What a search for a path knows.
struct Search {
    /// The least reduced cost at which each column was reached, and the row from which.
    reached: Vec<(f64, usize)>,
    is_settled: Vec<bool>,
    /// Rows from which was searched, with the cost of reaching them and the column whose flow they give back.
    rows: Vec<(usize, f64, usize)>,
}

impl State<'_> {
    /// Sends some of the `left` units of a row along a cheapest path; how many.
    fn send(&mut self, row: usize, left: u64) -> u64 {
        let mut search = Search {
            reached: vec![(f64::INFINITY, row); self.columns],
            is_settled: vec![false; self.columns],
            rows: Vec::new(),
        };
        self.search_from(&mut search, row, 0.0, usize::MAX);
        let last = loop {
            let open = (0..self.columns).filter(|&column| !search.is_settled[column]);
            let nearest =
                open.reduce(
                    |best, next| if search.reached[next].0 < search.reached[best].0 { next } else { best },
                );
            let column = nearest.expect("there is as much demand as supply");
            if self.wanted[column] > 0 {
                break column;
            }
            search.is_settled[column] = true;
            let cost = search.reached[column].0;
            for giver in self.flows[column].iter().map(|&(giver, _)| giver).collect::<Vec<_>>() {
                if search.rows.iter().all(|&(known, ..)| known != giver) {
                    self.search_from(&mut search, giver, cost, column);
                }
            }
        };
        self.update_duals(&search, last);
        self.augment(&search, row, last, left)
    }

    /// Reaches all columns from a row.
    fn search_from(&self, search: &mut Search, row: usize, cost: f64, given_back: usize) {
        search.rows.push((row, cost, given_back));
        let costs = &self.costs[row * self.columns..][..self.columns];
        for (column, reached) in search.reached.iter_mut().enumerate() {
            let there = cost + (costs[column] - self.row_duals[row] - self.column_duals[column]).max(0.0);
            if !search.is_settled[column] && there < reached.0 {
                *reached = (there, row);
            }
        }
    }

    fn update_duals(&mut self, search: &Search, last: usize) {
        let total = search.reached[last].0;
        for &(row, cost, _) in &search.rows {
            self.row_duals[row] += total - cost;
        }
        for column in (0..self.columns).filter(|&column| search.is_settled[column]) {
            self.column_duals[column] -= total - search.reached[column].0;
        }
    }

    fn augment(&mut self, search: &Search, row: usize, last: usize, left: u64) -> u64 {
        // Pairs of a row and the column to which it sends more, from the end, and those that give back between them.
        let (mut more, mut less, mut column) = (Vec::new(), Vec::new(), last);
        loop {
            let from = search.reached[column].1;
            more.push((from, column));
            if from == row {
                break;
            }
            let given_back = search.rows.iter().find(|&&(known, ..)| known == from);
            column = given_back.expect("columns are reached from searched rows").2;
            less.push((from, column));
        }
        let spare = less.iter().map(|&(from, column)| self.flow(from, column));
        let sent = spare.chain([left, self.wanted[last]]).min().unwrap_or(left);
        self.wanted[last] -= sent;
        less.into_iter().for_each(|(from, column)| {
            let flow = self.flow(from, column) - sent;
            self.set_flow(from, column, flow);
        });
        more.into_iter().for_each(|(from, column)| {
            let flow = self.flow(from, column) + sent;
            self.set_flow(from, column, flow);
        });
        sent
    }

    fn flow(&self, row: usize, column: usize) -> u64 {
        self.flows[column].iter().find(|&&(from, _)| from == row).map_or(0, |&(_, units)| units)
    }

    fn set_flow(&mut self, row: usize, column: usize, units: u64) {
        let flows = &mut self.flows[column];
        flows.retain(|&(from, _)| from != row);
        if units > 0 {
            flows.push((row, units));
        }
    }

    fn finish(self, sizes: [usize; 2], units: [u64; 2]) -> Plan {
        let columns = self.flows.iter().enumerate();
        let mut whole: Vec<(usize, usize, u64)> = columns
            .flat_map(|(column, flows)| flows.iter().map(move |&(row, units)| (row, column, units)))
            .collect();
        whole.sort_unstable();
        let entries: Vec<(usize, usize, f64)> =
            whole.into_iter().map(|(row, column, units)| (row, column, units as f64)).collect();
        let total = (sizes[0] as u64 * units[0]) as f64;
        let spent =
            entries.iter().map(|&(row, column, units)| self.costs[row * self.columns + column] * units);
        let cost = spent.sum::<f64>() / total;
        let gap = excess(self.costs, cost, [&self.row_duals, &self.column_duals]);
        Plan { sizes, entries, units: units.map(|units| units as f64), cost, gap, entropic: None }
    }
}

/// By how much a cost may exceed the least one, given duals for rows and columns.
pub(super) fn excess(costs: &[f64], cost: f64, [rows, columns]: [&[f64]; 2]) -> f64 {
    let mean = |duals: &[f64]| duals.iter().sum::<f64>() / duals.len() as f64;
    let bound = mean(rows) + mean(columns);
    let pairs = costs.chunks(columns.len()).zip(rows);
    let violations =
        pairs.flat_map(|(row, dual)| row.iter().zip(columns).map(move |(cost, other)| dual + other - cost));
    (cost - bound).max(0.0) + violations.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;
    use crate::assignment;

    fn random(seed: u64, sizes: [usize; 2]) -> Vec<f64> {
        // Of type f32, as the assignment solver takes them.
        (0..sizes[0] * sizes[1]).map(|at| f64::from(Key::new(seed).normal(at as u64) as f32)).collect()
    }

    #[test]
    fn of_equal_widths_the_plan_is_the_assignment() {
        for (seed, n) in [(1, 1), (2, 2), (3, 7), (4, 40), (5, 80)] {
            let costs = random(seed, [n, n]);
            let plan = cheapest(&costs, [n, n]);
            let narrow: Vec<f32> = costs.iter().map(|&cost| cost as f32).collect();
            let best = assignment::minimise(&narrow, n, None).unwrap();
            let assigned =
                best.row_to_col.iter().enumerate().map(|(row, &column)| (row, column as usize, 1.0));
            assert_eq!(plan.entries, assigned.collect::<Vec<_>>(), "{n}");
            assert!((plan.cost * n as f64 - best.objective).abs() < 1e-9 && plan.gap < 1e-12, "{plan:?}");
        }
    }

    /// Rows and columns repeated until they are as many: then the problem is an assignment.
    #[test]
    fn of_unequal_widths_the_cost_is_that_of_the_assignment_of_copies() {
        for (seed, sizes) in [(1, [2, 3]), (2, [4, 6]), (3, [5, 3]), (4, [9, 4]), (5, [1, 5]), (6, [12, 30])]
        {
            let costs = random(seed, sizes);
            let plan = cheapest(&costs, sizes);
            let [rows, columns] = sizes;
            let n = rows * columns / gcd(rows, columns);
            let copied: Vec<f32> = (0..n * n)
                .map(|at| costs[(at / n) / (n / rows) * columns + (at % n) / (n / columns)] as f32)
                .collect();
            let best = assignment::minimise(&copied, n, None).unwrap();
            assert!((plan.cost - best.objective / n as f64).abs() < 1e-9, "{sizes:?}");
            assert!(plan.gap < 1e-12 && plan.entries.len() < rows + columns, "{plan:?}");
            for row in 0..rows {
                let shares = plan.shares(Side::Makes).filter(|share| share.0 == row).map(|share| share.2);
                assert!((shares.sum::<f64>() - 1.0).abs() < 1e-12);
            }
            for column in 0..columns {
                let shares = plan.shares(Side::Reads).filter(|share| share.1 == column).map(|share| share.2);
                assert!((shares.sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
    }

    /// The value is that of `scipy.optimize.linprog` (SciPy 1.17.1, method `highs`) for the same matrix and marginals of 1/5 and 1/7.
    #[test]
    fn the_cost_is_that_of_a_linear_program() {
        let costs: Vec<f64> =
            (0..35).map(|at| (((at / 7 + 1) * (at % 7 + 2) * 37 % 101) as f64) / 10.0).collect();
        let plan = cheapest(&costs, [5, 7]);
        assert!((plan.cost - 2.854_285_714_285_714).abs() < 1e-9, "{}", plan.cost);
    }
}
