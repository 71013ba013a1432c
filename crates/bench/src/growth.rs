//! By how much the process grows.

use std::fs;

/// By how many bytes the memory that the process holds grows at most while `work` is done; nothing where the system does
/// not tell. What is free in the process already is not seen, so it should have done nothing large before.
pub fn growth_bytes<T>(work: impl FnOnce() -> T) -> (Option<u64>, T) {
    let before = held("VmRSS").filter(|_| forget_the_most());
    let done = work();
    let most = held("VmHWM");
    (before.zip(most).map(|(before, most)| most.saturating_sub(before)), done)
}

/// Lets the count of the most memory held start again from what is held now.
fn forget_the_most() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn held(key: &str) -> Option<u64> {
    crate::machine::kibibytes(&fs::read_to_string("/proc/self/status").ok()?, key)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn what_is_held_for_a_moment_counts() {
        let (growth, ()) = growth_bytes(|| drop(black_box(vec![1u8; 64 << 20])));
        assert!(growth.is_some_and(|bytes| (60 << 20..200 << 20).contains(&bytes)), "{growth:?}");
    }
}
