//! What the operating system can give.

/// Bytes of memory that could be had without swapping, where the system tells.
#[cfg(target_os = "linux")]
pub(crate) fn available_bytes() -> Option<usize> {
    available_in(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// Bytes of memory that could be had without swapping, where the system tells.
#[cfg(not(target_os = "linux"))]
pub(crate) fn available_bytes() -> Option<usize> {
    None
}

/// The entry `MemAvailable` of Linux's `/proc/meminfo`, which is in units of 1024 bytes.
#[cfg(any(target_os = "linux", test))]
fn available_in(meminfo: &str) -> Option<usize> {
    let entry = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: usize = entry.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_available_memory_is_read() {
        let meminfo = "MemTotal:       24684084 kB\nMemAvailable:   22790016 kB\n";
        assert_eq!(available_in(meminfo), Some(22_790_016 * 1024));
        assert_eq!(available_in("MemTotal: 1 kB\n"), None);
    }
}
