//! Minimum cuts of directed networks (Dinic 1970), without recursion, so that long paths need no stack.

use std::collections::VecDeque;

/// A capacity that no finite cut reaches.
pub(super) const UNCUTTABLE: u128 = 1 << 120;

#[derive(Clone, Copy, Debug)]
struct Edge {
    to: usize,
    capacity: u128,
}

/// A directed network with capacities. Edge `2k + 1` is the reverse of edge `2k`.
#[derive(Clone, Debug)]
pub(super) struct Network {
    edges: Vec<Edge>,
    outgoing: Vec<Vec<usize>>,
}

impl Network {
    /// A network of this many nodes without edges.
    pub(super) fn new(nodes: usize) -> Self {
        Self { edges: Vec::new(), outgoing: vec![Vec::new(); nodes] }
    }

    /// Connects two nodes, with a capacity in each direction.
    pub(super) fn connect(&mut self, from: usize, to: usize, forward: u128, backward: u128) {
        self.outgoing[from].push(self.edges.len());
        self.edges.push(Edge { to, capacity: forward });
        self.outgoing[to].push(self.edges.len());
        self.edges.push(Edge { to: from, capacity: backward });
    }

    /// The side of each node in the minimum cut that is nearest to the sink: whether it is the source's.
    pub(super) fn cut(mut self, source: usize, sink: usize) -> Vec<bool> {
        loop {
            let levels = self.levels(source);
            if levels[sink].is_none() {
                return self.unable_to_reach(sink);
            }
            self.block(source, sink, &levels);
        }
    }

    /// The number of edges with capacity left from the source to each node.
    fn levels(&self, source: usize) -> Vec<Option<usize>> {
        let mut levels = vec![None; self.outgoing.len()];
        levels[source] = Some(0);
        let mut queue = VecDeque::from([(source, 0)]);
        while let Some((node, level)) = queue.pop_front() {
            for &edge in &self.outgoing[node] {
                let Edge { to, capacity } = self.edges[edge];
                if capacity > 0 && levels[to].is_none() {
                    levels[to] = Some(level + 1);
                    queue.push_back((to, level + 1));
                }
            }
        }
        levels
    }

    /// Sends flow along shortest paths until each has a saturated edge.
    fn block(&mut self, source: usize, sink: usize, levels: &[Option<usize>]) {
        let mut next = vec![0; self.outgoing.len()];
        let mut path: Vec<usize> = Vec::new();
        let mut node = source;
        loop {
            if node == sink {
                self.send(&mut path);
                node = path.last().map_or(source, |&edge| self.edges[edge].to);
                continue;
            }
            if let Some(edge) = self.onward(node, levels, &mut next) {
                path.push(edge);
                node = self.edges[edge].to;
            } else if let Some(edge) = path.pop() {
                node = self.edges[edge ^ 1].to;
                next[node] += 1;
            } else {
                return;
            }
        }
    }

    /// The next edge of `node` that has capacity left and leads one level on.
    fn onward(&self, node: usize, levels: &[Option<usize>], next: &mut [usize]) -> Option<usize> {
        let level = levels[node].map(|level| level + 1);
        while let Some(&edge) = self.outgoing[node].get(next[node]) {
            if self.edges[edge].capacity > 0 && levels[self.edges[edge].to] == level {
                return Some(edge);
            }
            next[node] += 1;
        }
        None
    }

    /// Sends what the path holds and cuts the path before its first saturated edge.
    fn send(&mut self, path: &mut Vec<usize>) {
        let flow = path.iter().map(|&edge| self.edges[edge].capacity).min().unwrap_or(0);
        for &edge in path.iter() {
            self.edges[edge].capacity -= flow;
            self.edges[edge ^ 1].capacity += flow;
        }
        let saturated = path.iter().position(|&edge| self.edges[edge].capacity == 0);
        path.truncate(saturated.unwrap_or(0));
    }

    fn unable_to_reach(&self, sink: usize) -> Vec<bool> {
        let mut unable = vec![true; self.outgoing.len()];
        unable[sink] = false;
        let mut stack = vec![sink];
        while let Some(node) = stack.pop() {
            for &edge in &self.outgoing[node] {
                let from = self.edges[edge].to;
                if unable[from] && self.edges[edge ^ 1].capacity > 0 {
                    unable[from] = false;
                    stack.push(from);
                }
            }
        }
        unable
    }
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;

    #[test]
    fn the_cheapest_edge_of_a_chain_is_cut_nearest_to_the_sink() {
        let mut network = Network::new(5);
        for (node, capacity) in [3, 1, 2, 1].into_iter().enumerate() {
            network.connect(node, node + 1, capacity, 0);
        }
        assert_eq!(network.cut(0, 4), [true, true, true, true, false]);
    }

    #[test]
    fn flow_may_take_back_what_it_sent() {
        let mut network = Network::new(4);
        for (from, to, capacity) in [(0, 1, 1), (0, 2, 1), (1, 2, 1), (1, 3, 1), (2, 3, 1)] {
            network.connect(from, to, capacity, 0);
        }
        let sides = network.cut(0, 3);
        assert!(sides[0] && !sides[3]);
        assert_eq!(sides[1..3], [true, true]);
    }

    #[test]
    fn no_partition_of_a_random_network_is_cheaper() {
        const NODES: usize = 8;
        for seed in 0..50 {
            let key = Key::new(seed);
            let mut network = Network::new(NODES);
            let mut edges = Vec::new();
            for draw in 0..20 {
                let at = |what: &str, bound| key.fold(draw).child(what).below(0, bound) as usize;
                let edge = (at("from", NODES as u64), at("to", NODES as u64), at("capacity", 9) as u128);
                edges.push(edge);
                network.connect(edge.0, edge.1, edge.2, 0);
            }
            let cost = |on_source: &dyn Fn(usize) -> bool| -> u128 {
                let crossing = edges.iter().filter(|(from, to, _)| on_source(*from) && !on_source(*to));
                crossing.map(|(.., capacity)| capacity).sum()
            };
            let sides = network.cut(0, NODES - 1);
            let found = cost(&|node| sides[node]);
            let all = 0..1usize << (NODES - 2);
            let least = all.map(|set| cost(&|n| n == 0 || (n < NODES - 1 && set >> (n - 1) & 1 == 1))).min();
            assert_eq!(Some(found), least, "seed {seed}");
        }
    }
}
