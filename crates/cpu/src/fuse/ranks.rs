//! Ranks of groups: along every edge they rise, so that paths between two groups are found among those of ranks in
//! between.

/// Groups visited in one search, after which a path counts as found: keeps fusion near-linear in the graph's size.
const MAX_VISITED: usize = 400;

/// A rank for each group, and the memory of searches.
#[derive(Debug)]
pub(crate) struct Ranks {
    ranks: Vec<usize>,
    /// The last search that visited each group.
    visited: Vec<u32>,
    search: u32,
}

impl Ranks {
    /// The length of the longest path to each node, given for each node those that it reads, all earlier ones.
    pub(crate) fn new(reads: &[Vec<usize>]) -> Self {
        let mut ranks = vec![0; reads.len()];
        for (node, sources) in reads.iter().enumerate() {
            ranks[node] = sources.iter().map(|&source| ranks[source] + 1).max().unwrap_or(0);
        }
        Self { visited: vec![0; ranks.len()], search: 0, ranks }
    }

    /// The rank of a group.
    pub(crate) fn of(&self, group: usize) -> usize {
        self.ranks[group]
    }

    /// Whether a path leads from one group to another through a third, or the search was given up.
    pub(crate) fn leads_around(
        &mut self,
        from: usize,
        to: usize,
        users: impl Fn(usize, &mut Vec<usize>),
    ) -> bool {
        self.search += 1;
        let mut pending = Vec::new();
        users(from, &mut pending);
        pending.retain(|&group| group != to);
        let mut count = 0;
        while let Some(group) = pending.pop() {
            if group == to {
                return true;
            }
            let between = group != from && self.ranks[group] < self.ranks[to];
            if between && self.visited[group] != self.search {
                self.visited[group] = self.search;
                count += 1;
                if count > MAX_VISITED {
                    return true;
                }
                users(group, &mut pending);
            }
        }
        false
    }

    /// Gives a group at least this rank, and raises those that depend on it where they must be.
    pub(crate) fn raise(&mut self, group: usize, rank: usize, users: impl Fn(usize, &mut Vec<usize>)) {
        self.ranks[group] = self.ranks[group].max(rank);
        let mut pending = vec![group];
        let mut next = Vec::new();
        while let Some(group) = pending.pop() {
            users(group, &mut next);
            for user in next.drain(..) {
                if user != group && self.ranks[user] <= self.ranks[group] {
                    self.ranks[user] = self.ranks[group] + 1;
                    pending.push(user);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 → 1 → 3, 0 → 2 → 3, 2 → 4.
    const READS: [&[usize]; 5] = [&[], &[0], &[0], &[1, 2], &[2]];

    fn users(group: usize, into: &mut Vec<usize>) {
        into.extend((0..READS.len()).filter(|&user| READS[user].contains(&group)));
    }

    fn ranks() -> Ranks {
        Ranks::new(&READS.map(<[usize]>::to_vec))
    }

    #[test]
    fn ranks_are_lengths_of_longest_paths() {
        let ranks = ranks();
        assert_eq!([0, 1, 2, 3, 4].map(|group| ranks.of(group)), [0, 1, 1, 2, 2]);
    }

    #[test]
    fn only_paths_through_others_lead_around() {
        let mut ranks = ranks();
        assert!(ranks.leads_around(0, 3, users));
        assert!(!ranks.leads_around(0, 1, users));
        assert!(!ranks.leads_around(2, 4, users));
    }

    #[test]
    fn a_raised_rank_raises_those_that_depend_on_it() {
        let mut ranks = ranks();
        ranks.raise(2, 5, users);
        assert_eq!([0, 1, 2, 3, 4].map(|group| ranks.of(group)), [0, 1, 5, 6, 6]);
    }
}
