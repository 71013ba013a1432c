//! The static memory plan: from lifetimes to offsets in one arena, and a separate check of it.

use crate::memory::ALIGNMENT;

/// A request for memory during the steps `first..=last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) bytes: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Request {
    const fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// An offset for each request, and the bytes that all of them need together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) offsets: Vec<usize>,
    pub(crate) bytes: usize,
}

/// Places the largest requests first, each at the lowest aligned offset where it meets none of those placed before
/// that live at the same time. `None` where the arena would exceed the address space.
pub(crate) fn plan(requests: &[Request]) -> Option<Plan> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&request| (std::cmp::Reverse(requests[request].bytes), request));
    let mut plan = Plan { offsets: vec![0; requests.len()], bytes: 0 };
    // Placed requests as (offset, request), by offset.
    let mut placed: Vec<(usize, usize)> = Vec::new();
    for request in order {
        let wanted = &requests[request];
        let mut offset = 0usize;
        for &(start, other) in placed.iter().filter(|(_, other)| requests[*other].overlaps(wanted)) {
            if offset.checked_add(wanted.bytes)? <= start {
                break;
            }
            offset =
                offset.max(start.checked_add(requests[other].bytes)?.checked_next_multiple_of(ALIGNMENT)?);
        }
        plan.offsets[request] = offset;
        plan.bytes = plan.bytes.max(offset.checked_add(wanted.bytes)?);
        let position = placed.partition_point(|&(start, _)| start <= offset);
        placed.insert(position, (offset, request));
    }
    Some(plan)
}

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanFault {
    /// There is not one offset for each request.
    #[error("{requests} requests, but {offsets} offsets")]
    Count {
        /// Number of requests.
        requests: usize,
        /// Number of offsets.
        offsets: usize,
    },
    /// A request reaches beyond the arena.
    #[error("request {request} ends at byte {end} of an arena of {bytes}")]
    Bounds {
        /// The request.
        request: usize,
        /// Its end.
        end: usize,
        /// The size of the arena.
        bytes: usize,
    },
    /// An offset is not aligned.
    #[error("request {request} starts at byte {offset}, which is not aligned")]
    Alignment {
        /// The request.
        request: usize,
        /// Its offset.
        offset: usize,
    },
    /// Two requests live at the same time in the same memory.
    #[error("requests {left} and {right} share memory while both live")]
    Overlap {
        /// One request.
        left: usize,
        /// The other.
        right: usize,
    },
}

/// Checks a plan against its requests, step by step and pair by pair, sharing no reasoning with [`plan`].
pub(crate) fn check_plan(requests: &[Request], plan: &Plan) -> Result<(), PlanFault> {
    if requests.len() != plan.offsets.len() {
        return Err(PlanFault::Count { requests: requests.len(), offsets: plan.offsets.len() });
    }
    for (request, (wanted, &offset)) in requests.iter().zip(&plan.offsets).enumerate() {
        let end = offset.saturating_add(wanted.bytes);
        if end > plan.bytes {
            return Err(PlanFault::Bounds { request, end, bytes: plan.bytes });
        }
        if offset % ALIGNMENT != 0 {
            return Err(PlanFault::Alignment { request, offset });
        }
    }
    let steps = requests.iter().map(|request| request.last + 1).max().unwrap_or(0);
    (0..steps).try_for_each(|step| check_step(requests, plan, step))
}

fn check_step(requests: &[Request], plan: &Plan, step: usize) -> Result<(), PlanFault> {
    let mut live: Vec<usize> = (0..requests.len())
        .filter(|&request| requests[request].first <= step && step <= requests[request].last)
        .filter(|&request| requests[request].bytes > 0)
        .collect();
    live.sort_unstable_by_key(|&request| plan.offsets[request]);
    match live.windows(2).find(|pair| plan.offsets[pair[0]] + requests[pair[0]].bytes > plan.offsets[pair[1]])
    {
        Some(pair) => Err(PlanFault::Overlap { left: pair[0], right: pair[1] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;

    fn random_requests(seed: u64) -> Vec<Request> {
        let key = Key::new(seed);
        let draw = |request: u64, what: u64, bound: u64| key.below(request * 3 + what, bound) as usize;
        (0..60)
            .map(|i| {
                let first = draw(i, 0, 40);
                Request { bytes: draw(i, 1, 5000), first, last: first + draw(i, 2, 10) }
            })
            .collect()
    }

    #[test]
    fn plans_of_random_lifetimes_pass_the_check_and_reuse_memory() {
        for seed in 0..50 {
            let requests = random_requests(seed);
            let plan = plan(&requests).unwrap();
            assert_eq!(check_plan(&requests, &plan), Ok(()));
            assert!(plan.bytes < requests.iter().map(|request| request.bytes).sum());
        }
    }

    #[test]
    fn planted_faults_are_found() {
        let requests = random_requests(7);
        let good = plan(&requests).unwrap();
        let (left, right) = (0..requests.len())
            .flat_map(|a| (0..a).map(move |b| (a, b)))
            .find(|&(a, b)| requests[a].overlaps(&requests[b]) && requests[a].bytes * requests[b].bytes > 0)
            .unwrap();
        let mut bad = good.clone();
        bad.offsets[left] = bad.offsets[right];
        bad.bytes *= 2;
        assert!(matches!(check_plan(&requests, &bad), Err(PlanFault::Overlap { .. })));
        let mut bad = good.clone();
        bad.bytes -= 1;
        assert!(matches!(check_plan(&requests, &bad), Err(PlanFault::Bounds { .. })));
        let mut bad = good.clone();
        bad.offsets[3] += 8;
        bad.bytes += 8;
        assert!(matches!(check_plan(&requests, &bad), Err(PlanFault::Alignment { request: 3, .. })));
        let mut bad = good;
        bad.offsets.pop();
        assert!(matches!(check_plan(&requests, &bad), Err(PlanFault::Count { .. })));
    }

    #[test]
    fn memory_beyond_the_address_space_is_refused() {
        let request = Request { bytes: usize::MAX / 2 + 1, first: 0, last: 0 };
        assert_eq!(plan(&[request, request]), None);
    }
}
