//! Hints to the caches.

#![expect(unsafe_code, reason = "prefetching takes pointers")]

const LINE_BYTES: usize = 64;

/// Asks the processor to bring `count` elements of each of `pixels` pixels, `stride` apart, into its caches. Any address
/// will do.
pub(crate) fn prefetch<T>(from: *const T, pixels: usize, stride: usize, count: usize) {
    if stride * size_of::<T>() <= LINE_BYTES {
        return prefetch_run(from, pixels * stride);
    }
    for pixel in 0..pixels {
        prefetch_run(from.wrapping_add(pixel * stride), count);
    }
}

#[cfg(target_arch = "x86_64")]
fn prefetch_run<T>(from: *const T, count: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    for byte in (0..count * size_of::<T>()).step_by(LINE_BYTES) {
        // SAFETY: prefetching reads nothing that the program can see, and faults on no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast::<i8>().wrapping_add(byte)) };
    }
}

#[cfg(not(target_arch = "x86_64"))]
const fn prefetch_run<T>(_from: *const T, _count: usize) {}
